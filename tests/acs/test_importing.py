"""``acs import`` as an operator types it: report, exit code, a kill half-way."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.acs.typed import ROOT, fed
from tests.enrollment import importing, people
from tests.enrollment.importing import bank, card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SEED = """\
[[issuer]]
id = "b"
name = "B"
phone = "+48 22 000 00 00"
default_language = "pl"

[[card_range]]
id = "r"
low = "400000100000"
high = "400000199999"
scheme = "visa"
issuer = "b"
policy = { elements = "otp", default = "challenge" }
"""


def _environ(folder: Path, dsn: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    return {
        **plain,
        "ACS_DATA_DIR": str(folder),
        "ACS_PROFILE": "demo",
        "ACS_DATABASE__URL": dsn,
    }


def acs(
    folder: Path, dsn: str, *words: str, given: bytes = b""
) -> subprocess.CompletedProcess[str]:
    return fed(given, folder, *words, ACS_DATABASE__URL=dsn)


@pytest.fixture
def ready(tmp_path: Path, dsn: str) -> Path:
    """Give a data directory with keys, beside a database with a card range."""
    (tmp_path / "seed.toml").write_text(_SEED)
    assert acs(tmp_path, dsn, "keys", "generate").returncode == 0
    assert acs(tmp_path, dsn, "seed", str(tmp_path / "seed.toml")).returncode == 0
    return tmp_path


def test_a_file_is_imported_and_its_refused_lines_are_listed(ready: Path, dsn: str) -> None:
    file = ready / "cards.ndjson"
    file.write_bytes(importing.file_of([*bank(1, 2), card(9, pan="4000001000000011")]))
    ended = acs(ready, dsn, "import", str(file))
    report = (ready / "cards.ndjson.errors.ndjson").read_text()

    assert ended.returncode == 1, ended.stderr
    assert "100 %  7 lines: 6 new, 0 changed, 0 known, 1 refused" in ended.stdout
    assert [json.loads(line) for line in report.splitlines()] == [
        {"line": 7, "code": "luhn", "field": "body.pan"}
    ]


def test_standard_input_is_imported(ready: Path, dsn: str) -> None:
    ended = acs(ready, dsn, "import", "-", given=importing.file_of(bank(1)))
    again = acs(ready, dsn, "import", "-", given=importing.file_of(bank(1)))

    assert (ended.returncode, again.returncode) == (0, 0)
    assert "3 lines: 3 new" in ended.stdout
    assert "0 new, 0 changed, 3 known" in again.stdout


_A_DAY_AHEAD = """\
import sys
from datetime import timedelta
from acs import clock
here = clock.utc_now
clock.utc_now = lambda: here() + timedelta(days=1)
from acs.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_machine_with_a_wrong_clock_writes_the_time_of_the_others(ready: Path, dsn: str) -> None:
    """What it wrote would lie in days to come: waits of phones, events of the audit log."""

    async def told(sql: str) -> Any:
        conn = await asyncpg.connect(dsn)
        try:
            return await conn.fetchval(sql)
        finally:
            await conn.close()

    others = "INSERT INTO acs.host_clock SELECT name, 0, false, now() + interval '29 s'"
    asyncio.run(told(f"{others} FROM unnest(ARRAY['one', 'two']) AS name RETURNING host"))
    ended = subprocess.run(
        [sys.executable, "-c", _A_DAY_AHEAD, "import", "-"],
        env=_environ(ready, dsn),
        cwd=ROOT,
        input=importing.file_of(bank(1)),
        capture_output=True,
        timeout=300,
        check=False,
    )
    ahead = asyncio.run(told("SELECT max(at) - now() FROM audit.event"))
    begun = asyncio.run(told("SELECT max(started_at) - now() FROM enrollment.import_run"))

    assert ended.returncode == 0, ended.stderr
    assert max(ahead, begun) < timedelta(hours=1)
    assert b'"alarm":"clock"' in ended.stderr


def test_a_file_that_is_not_there_is_a_usage_error(ready: Path, dsn: str) -> None:
    ended = acs(ready, dsn, "import", str(ready / "nothing.ndjson"))

    assert ended.returncode == 2
    assert "cannot be read" in ended.stderr


def test_a_report_that_cannot_be_written_is_told_apart_from_the_file(ready: Path, dsn: str) -> None:
    file = ready / "cards.ndjson"
    file.write_bytes(importing.file_of([*bank(1), card(9, pan="4000001000000011")]))
    ended = acs(ready, dsn, "import", str(file), "--report", str(ready / "none" / "report"))
    piped = acs(ready, dsn, "import", "-", "--report", str(ready), given=file.read_bytes())

    assert (ended.returncode, piped.returncode) == (1, 1)
    assert "4 lines: 3 new, 0 changed, 0 known, 1 refused" in ended.stdout
    assert "report cannot be written: No such file" in ended.stderr
    assert "cannot be written: Is a directory" in piped.stderr


def test_a_reader_that_has_gone_is_no_fault_of_the_file(ready: Path, dsn: str) -> None:
    file = ready / "cards.ndjson"
    file.write_bytes(importing.file_of(bank(1)))
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "acs", "import", str(file)],
        env=_environ(ready, dsn),
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (1, b"")


def test_keys_that_are_not_the_database_s_are_a_sentence(ready: Path, dsn: str) -> None:
    """The cards would be on record for nobody."""
    shutil.rmtree(ready / "keys")
    assert acs(ready, dsn, "keys", "generate").returncode == 0
    (ready / "cards.ndjson").write_text("")
    ended = acs(ready, dsn, "import", str(ready / "cards.ndjson"))

    assert ended.returncode == 1
    assert "the same files on every machine" in ended.stderr


def test_a_database_without_a_schema_is_a_sentence(ready: Path, dsn: str) -> None:
    async def drop() -> None:
        conn = await asyncpg.connect(dsn)
        await conn.execute("DROP SCHEMA enrollment, acs CASCADE")
        await conn.close()

    asyncio.run(drop())
    ended = acs(ready, dsn, "import", "-", given=importing.file_of(bank(1)))

    assert ended.returncode == 1
    assert "the database refuses: " in ended.stderr
    assert "Traceback" not in ended.stderr


_KILLED_HALF_WAY = """\
import os, sys
from acs import importing
def tell(run):
    if run.lines_done > 0:
        os.kill(os.getpid(), 9)
importing._teller = lambda: tell
from acs.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_killed_half_way_and_run_again_it_is_whole(ready: Path, dsn: str) -> None:
    """The process is killed as an operator's machine would: without a word (SIGKILL)."""
    file = ready / "cards.ndjson"
    file.write_bytes(importing.file_of(bank(*range(700))))
    words: Sequence[str] = (sys.executable, "-c", _KILLED_HALF_WAY, "import", str(file))
    killed = subprocess.run(words, env=_environ(ready, dsn), cwd=ROOT, timeout=300, check=False)
    asyncio.run(_left(dsn))
    ended = acs(ready, dsn, "import", str(file))

    assert killed.returncode == -signal.SIGKILL
    assert ended.returncode == 0, ended.stderr
    assert "going on after line" in ended.stdout
    assert asyncio.run(_count(dsn)) == (700, 700, 700, 1)


async def _left(dsn: str) -> None:
    """Wait until the database has seen that everybody else is gone: one of them holds the file."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    conn = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(100):
            while await conn.fetchval(others):
                await asyncio.sleep(0.01)
    finally:
        await conn.close()


async def _count(dsn: str) -> tuple[int, ...]:
    conn = await asyncpg.connect(dsn)
    tables = ("person", "account", "card", "import_run")
    try:
        counts = [await conn.fetchval(f"SELECT count(*) FROM enrollment.{one}") for one in tables]
    finally:
        await conn.close()
    return tuple(counts)


def test_what_the_command_says_holds_no_number(ready: Path, dsn: str) -> None:
    line = {**card(1), "ref": people.pan(1)}
    ended = acs(
        ready, dsn, "import", "-", "--report", str(ready / "r"), given=importing.file_of([line])
    )
    text = ended.stdout + ended.stderr + (ready / "r").read_text()

    assert people.pan(1) not in text
