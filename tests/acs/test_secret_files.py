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


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_an_authority_of_the_database_that_is_not_there_is_told_before_anybody_connects(
    mode: str, tmp_path: Path
) -> None:
    """The driver would say so at each connection: a database that does not answer."""
    gone = tmp_path / "ca.pem"
    file = tmp_path / "dsn"
    file.write_text(f"postgresql://u:canary@h/d?sslmode={mode}&sslrootcert={gone}", "utf-8")
    wanted = f"sslrootcert {gone} holds no certificate authority: FileNotFoundError"

    for name, given in (("url", file.read_text(encoding="utf-8")), ("direct_url_file", str(file))):
        names = {"database.url": "postgresql://h/d", f"database.{name}": given}
        with pytest.raises(ConfigError) as refused:
            database_addresses(config.read(given={"profile": "demo", **names}))
        assert refused.value.sentences == (f"database.{name}: {wanted}",)

    gone.write_text("no certificate", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no certificate authority: SSLError"):
        _addresses(f"sslmode={mode}&sslrootcert={gone}")


def test_a_file_of_the_database_that_its_driver_does_not_read_is_not_asked_for(
    tmp_path: Path,
) -> None:
    gone = tmp_path / "gone"
    for mode in ("disable", "allow", "prefer"):
        assert _addresses(f"sslmode={mode}&sslrootcert={gone}")
    assert _addresses(f"sslmode=disable&sslcert={gone}")


def test_a_server_that_is_to_be_verified_by_nobody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)

    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(ConfigError, match=rf"url: sslmode={mode} needs sslrootcert"):
            _addresses(f"sslmode={mode}")
    assert _addresses("sslmode=require")

    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert _addresses("sslmode=verify-full")


def test_a_certificate_for_the_database_without_its_key_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"

    with pytest.raises(ConfigError, match=r"sslcert .*gone, sslkey None: no certificate with its"):
        _addresses(f"sslcert={gone}")


def _addresses(query: str) -> object:
    names = {"profile": "demo", "database.url": f"postgresql://u:p@h/d?{query}"}
    return database_addresses(config.read(given=names))
