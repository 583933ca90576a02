"""The base of every section is strict."""

from __future__ import annotations

import msgspec
import pytest

from acs.config.section import Section


class Sample(Section, frozen=True, kw_only=True):
    patience_s: int = 5


def test_a_misspelt_name_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="patience"):
        msgspec.convert({"patience": 3}, Sample)


def test_nothing_changes_after_the_start() -> None:
    with pytest.raises(AttributeError):
        Sample().patience_s = 3  # type: ignore[misc]
