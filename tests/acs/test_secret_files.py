"""Secrets in files: read in one way; what is wrong is a sentence that shows nothing of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs import config
from acs.config import ConfigError
from acs.secret_files import database_addresses, private, text_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_read_without_the_blanks_round_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" canary\n", encoding="utf-8")

    assert text_of(file, "sim").reveal() == "canary"
    assert "canary" not in repr(text_of(file, "sim"))


def test_what_cannot_be_read_is_told_by_setting_file_and_reason(tmp_path: Path) -> None:
    file = tmp_path / "token"
    wanted = f"sim: {file} cannot be read: No such file or directory"

    for read in (text_of, private):
        with pytest.raises(ConfigError) as gone:
            read(file, "sim")
        assert gone.value.sentences == (wanted,)


def test_what_is_no_text_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"canary\xff")

    with pytest.raises(ConfigError) as refused:
        text_of(file, "sim")

    assert refused.value.sentences == (f"sim: {file} is not a text",)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("mode", "is_read"), [(0o400, True), (0o600, True), (0o640, False)])
def test_a_key_is_its_owners_alone(mode: int, tmp_path: Path, *, is_read: bool) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"canary")
    file.chmod(mode)

    if is_read:
        assert private(file, "keys.dir") == b"canary"
        return
    with pytest.raises(ConfigError, match=r"^keys\.dir: .*key is open to others: its mode must be"):
        private(file, "keys.dir")


def test_the_addresses_of_the_database_come_from_texts_or_files(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("postgresql://file/d\n", encoding="utf-8")
    text, held, read = "postgresql://text/d", "postgresql://file/d", str(file)

    def found(**given: str) -> tuple[str | None, str | None]:
        names = {f"database.{name}": value for name, value in given.items()}
        return database_addresses(config.read(given={"profile": "demo", **names}))

    assert found() == (None, None)
    assert found(url=text) == (text, text)
    assert found(url_file=read) == (held, held)
    assert found(url=text, direct_url_file=read) == (text, held)
    assert found(url_file=read, direct_url=text) == (held, text)


def test_a_file_without_an_address_of_a_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("canary", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"^database\.url_file: what .*dsn holds ") as refused:
        database_addresses(config.read(given={"profile": "demo", "database.url_file": str(file)}))

    assert "canary" not in str(refused.value)
