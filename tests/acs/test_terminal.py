"""What commands say of a database that is not there, not theirs or not ready."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.store.pool import Missing, Pool, PoolSettings, Unavailable
from acs.terminal import absence, unreached
from tests.acs.typed import ROOT, acs

if TYPE_CHECKING:
    from pathlib import Path

IMPATIENT = (
    "import sys; from acs import app; from acs.__main__ import main;"
    " app.DATABASE_WITHIN_S = 0; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize("command", ["serve", "work", "migrate"])
def test_an_address_that_cannot_be_read_is_for_a_person_to_mend(
    command: str, tmp_path: Path
) -> None:
    ended = acs(tmp_path, command, ACS_DATABASE__URL_FILE=str(tmp_path / "dsn"))

    assert ended.returncode == 2
    assert ended.stderr.startswith("acs: database.url_file: ")


@pytest.mark.parametrize("command", ["check-config", "serve", "work", "migrate"])
@pytest.mark.parametrize("name", ["url", "url_file"])
def test_a_wrong_sslmode_is_a_sentence(command: str, name: str, tmp_path: Path) -> None:
    url = "postgresql://u:p@127.0.0.1:1/d?sslmode=bogus"
    (tmp_path / "dsn").write_text(url)
    given = {"url": url, "url_file": str(tmp_path / "dsn")}[name]
    ended = acs(tmp_path, command, **{f"ACS_DATABASE__{name.upper()}": given})

    assert ended.returncode == 2
    assert "url" in ended.stderr
    assert "has another sslmode than disable, allow, prefer, require, verify-ca" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "migrate", "demo"])
def test_a_folder_that_cannot_be_made_is_a_sentence(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = acs(tmp_path / "file", command)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"acs: data_dir: {tmp_path / 'file'} cannot be made: ")


def test_a_database_of_another_postgresql_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "PG_VERSION").write_text("13\n")
    (tmp_path / "postgres.moved").write_text(f"{tmp_path / 'home'}\n")
    ended = acs(tmp_path, "migrate")

    assert ended.returncode == 1
    assert "was made by PostgreSQL 13" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_what_needs_a_session_goes_past_the_pooler(dsn: str, tmp_path: Path) -> None:
    """PgBouncer would keep the lock of `migrate` on a connection that it lends to others."""
    pooler = f"postgresql://acs@/acs?host={tmp_path}"

    migrated = acs(tmp_path, "migrate", ACS_DATABASE__URL=pooler, ACS_DATABASE__DIRECT_URL=dsn)

    assert (migrated.returncode, migrated.stdout) == (0, "the schema is up to date\n")


def test_a_database_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    nowhere = f"postgresql://acs@/acs?host={tmp_path}"

    ended = acs(tmp_path, "migrate", ACS_DATABASE__URL=nowhere)

    assert ended.returncode == 1
    assert "the database does not answer: FileNotFoundError\n" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("address", ["acs@/acs?host={folder}", "no_one@{place}"])
async def test_a_start_says_why_it_has_no_database(address: str, dsn: str, tmp_path: Path) -> None:
    _, _, place = dsn.partition("@")
    url = "postgresql://" + address.format(folder=tmp_path, place=place)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    given = {"ACS_DATA_DIR": str(tmp_path), "ACS_PROFILE": "demo", "ACS_DATABASE__URL": url}

    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", IMPATIENT, "work"], env={**plain, **given},
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    (said,) = [line for line in ended.stderr.splitlines() if line.startswith("acs: ")]
    wanted = {
        "acs": "FileNotFoundError",
        "no_one": "InvalidAuthorizationSpecificationError (28000)",
    }
    assert said == f"acs: cannot start: database: {wanted[address.partition('@')[0]]}"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "ConnectionRefusedError"),
        (socket.gaierror(-2, "Name or service not known"), "gaierror: Name or service not known"),
        (asyncpg.InvalidPasswordError("of user pass-9X"), "InvalidPasswordError (28P01)"),
        (asyncpg.InterfaceError("pass-9X"), "InterfaceError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_why_a_database_was_not_reached_is_told_without_its_own_words(
    error: Exception, said: str
) -> None:
    assert unreached(error) == said


def test_what_is_wrong_with_its_certificate_is_told() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "Hostname mismatch, certificate is not valid for 'db2'."

    assert unreached(error) == f"SSLCertVerificationError: {error.verify_message}"


@pytest.mark.parametrize("address", ["", "host=db password=pass-9X", "postgresql://h:pass-9X/acs"])
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_an_address_of_no_database_is_a_sentence(
    command: str, address: str, tmp_path: Path
) -> None:
    """An empty file, as a secret that was not delivered leaves one, is no default."""
    (tmp_path / "dsn").write_text(address)
    ended = acs(tmp_path, command, ACS_DATABASE__URL_FILE=str(tmp_path / "dsn"))

    assert ended.returncode == 2
    assert ended.stderr.startswith("acs: database.url_file: ")
    assert "pass-9X" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", [("work",), ("audit", "verify")])
async def test_a_database_that_was_not_migrated_is_a_sentence(
    command: tuple[str, ...], dsn: str, tmp_path: Path
) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute("DROP SCHEMA acs, audit CASCADE")
    await conn.close()
    ended = acs(tmp_path, *command, ACS_DATABASE__URL=dsn)

    assert ended.returncode == 1
    assert "the database refuses: " in ended.stderr
    assert "the schema is not there: acs migrate" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_database_that_takes_no_writes_is_told_from_one_that_is_away(
    dsn: str, tmp_path: Path
) -> None:
    """An operator who restores must see that recovery has not ended, not look for a network."""
    conn = await asyncpg.connect(dsn)
    database = await conn.fetchval("SELECT current_database()")
    await conn.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    await conn.close()
    with pytest.raises(Unavailable) as closed:
        await Pool.open(PoolSettings(dsn))
    with pytest.raises(Unavailable) as away:
        await Pool.open(PoolSettings(f"postgresql://acs@/acs?host={tmp_path}"))

    assert absence(closed.value).startswith("database: it takes no writes: a standby")
    assert absence(away.value) == "database: FileNotFoundError"
    assert absence(Unavailable(Missing.KEYS)) == "keys"
