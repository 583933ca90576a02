"""What is read before anything listens: it is there, or it is said what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs import config
from acs.crypto.software import SoftwareKeys
from acs.key_files import generate_keys
from acs.parts import prepare
from tests.acs.test_app import read

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_key_file_there_are_no_value_keys(tmp_path: Path) -> None:
    generate_keys(read(tmp_path).keys_dir)

    parts = prepare(read(tmp_path), ())

    assert isinstance(parts.values, SoftwareKeys)
    assert parts.values.state("visa-1") is None


def test_a_broken_key_file_refuses_to_start(tmp_path: Path) -> None:
    settings = read(tmp_path)
    generate_keys(settings.keys_dir)
    settings.values_file.write_text('{"keys": [{"id": "x"}]}')

    with pytest.raises(config.ConfigError, match=r"values\.json"):
        prepare(settings, ())
