"""What docs/operate/production.md tells an operator to type does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from acs.store.embedded import EmbeddedPostgres
from tests.acs.typed import acs
from tests.conftest import scratch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operate" / "production.md").read_text(encoding="utf-8")
_PACKAGES = ("acs", "enrollment", "loadtests", "otp", "schemas")
_FILES = ("pyproject.toml", "README.md", "LICENSE")


def block(heading: str) -> str:
    """Give the first block of commands under a heading."""
    found = re.search(rf"^#+ {heading}\n.*?^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_nothing_of_an_earlier_version_is_installed_and_others_may_read_it(tmp_path: Path) -> None:
    checkout, site = tmp_path / "checkout", tmp_path / "site"
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, checkout / package, ignore=shutil.ignore_patterns("*.pyc"))
    for file in _FILES:
        shutil.copy(ROOT / file, checkout)
    left = checkout / "build" / "lib" / "acs" / "gone.py"
    left.parent.mkdir(parents=True)
    left.write_text("")
    pip = f"{sys.executable} -m pip --disable-pip-version-check"
    lines = [
        line.replace("/opt/acs-$VERSION/bin/pip install", f"{pip} install --target {site}")
        for line in block("Install").splitlines()
        if line.startswith(("umask", "rm")) or line.endswith("--no-index .")
    ]
    assert len(lines) == 3
    script = "\n".join(["umask 077", *lines])

    subprocess.run(["/bin/sh", "-ec", script], cwd=checkout, check=True, capture_output=True)

    assert (site / "acs" / "supervisor.py").stat().st_mode & 0o444 == 0o444
    assert not (site / "acs" / "gone.py").exists()


def test_the_drop_in_is_one_that_systemd_reads() -> None:
    """It takes no comment behind a value, but would take the words for more values."""
    (drop_in,) = re.findall(r"^```\n(\[Service\]\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in drop_in.splitlines() if not line.startswith(("#", "["))]

    assert lines
    assert all(re.fullmatch(r"[A-Z]\w+=\S+", line) for line in lines)


@pytest.fixture
async def bank() -> AsyncIterator[EmbeddedPostgres]:
    """Run a server on which nothing was made yet."""
    folder = scratch("acs-bank-")
    server = EmbeddedPostgres.start(folder, {"fsync": "off"})
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_the_role_that_is_made_may_migrate_and_little_else(
    bank: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Its name here is another one: that of the page is the superuser of our server."""
    commands = block(r"4\. Database")
    statements = re.findall(r'-c "(.*?)"', commands)
    assert len(statements) == 3
    assert "createuser --pwprompt acs" in commands  # no password where `ps` and the journal see it
    conn = await asyncpg.connect(bank.dsn_of("postgres"))
    await conn.execute("CREATE ROLE service LOGIN")
    for statement in statements:
        await conn.execute(re.sub(r"\bacs\b", "service", statement))
    may = await conn.fetchrow(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'service'"
    )
    await conn.close()
    dsn = bank.dsn_of("service").replace("//acs@", "//service@")

    ended = acs(tmp_path, "migrate", ACS_DATABASE__URL=dsn)

    assert (ended.returncode, may[0]) == (0, False), ended.stderr


async def test_a_role_that_may_not_make_roles_is_told_what_to_do(
    bank: EmbeddedPostgres, tmp_path: Path
) -> None:
    conn = await asyncpg.connect(bank.dsn_of("postgres"))
    await conn.execute("CREATE ROLE service LOGIN")
    await conn.execute("CREATE DATABASE service OWNER service")
    await conn.close()
    dsn = bank.dsn_of("service").replace("//acs@", "//service@")

    ended = acs(tmp_path, "migrate", ACS_DATABASE__URL=dsn)

    assert ended.returncode == 1
    assert "the database refuses: InsufficientPrivilegeError (42501)" in ended.stderr
    assert "make the role acs_app" in ended.stderr
