"""The embedded PostgreSQL: what was committed stays, whatever is killed; one server per folder."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.store import embedded
from acs.store.embedded import EmbeddedPostgres, PostgresFailed
from acs.store.postgres_binaries import NoPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator


def _open_folder() -> Path:
    # Any account can walk in: as root PostgreSQL runs as another one.
    folder = Path(tempfile.mkdtemp(prefix="acs-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Give a folder for one server, gone afterwards."""
    folder = _open_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Give the data directory of ``server``."""
    folder = _open_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    """Run a server with its durable settings, shared by the tests that only look."""
    running = EmbeddedPostgres.start(home)
    yield running
    running.stop()


async def _ask(dsn: str, statement: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(statement)
    finally:
        await conn.close()


async def test_a_cold_start_offers_the_database_acs(server: EmbeddedPostgres) -> None:
    assert await _ask(server.dsn, "SELECT current_database()") == "acs"
    assert server.is_ours


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("jit", "off"),
        ("listen_addresses", ""),
    ],
)
async def test_it_is_durable_and_private(
    server: EmbeddedPostgres, setting: str, value: str
) -> None:
    assert await _ask(server.dsn, f"SHOW {setting}") == value


async def test_only_its_account_enters_the_socket_folder(
    server: EmbeddedPostgres, home: Path
) -> None:
    run = home / "postgres" / "run"

    assert str(run) in server.dsn
    assert stat.S_IMODE(run.stat().st_mode) == 0o700


async def test_a_warm_start_finds_what_was_committed(data_dir: Path) -> None:
    first = EmbeddedPostgres.start(data_dir)
    await _ask(first.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    first.stop()
    second = EmbeddedPostgres.start(data_dir)

    try:
        assert await _ask(second.dsn, "SELECT n FROM kept") == 7
    finally:
        second.stop()


async def test_committed_rows_survive_kill_nine_of_the_server(data_dir: Path) -> None:
    first = EmbeddedPostgres.start(data_dir)
    conn = await asyncpg.connect(first.dsn)
    await conn.execute("CREATE TABLE kept (n int)")
    for number in range(50):
        await conn.execute("INSERT INTO kept VALUES ($1)", number)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    conn.terminate()
    second = EmbeddedPostgres.start(data_dir)  # at once: the killed server's workers still live

    try:
        assert second.is_ours
        assert await _ask(second.dsn, "SELECT count(*) FROM kept") == 50
    finally:
        second.stop()
        first.stop()


async def test_a_second_starter_joins_the_running_server(
    server: EmbeddedPostgres, home: Path
) -> None:
    second = EmbeddedPostgres.start(home)
    second.stop()

    assert not second.is_ours
    assert second.dsn == server.dsn
    assert await _ask(server.dsn, "SELECT 1") == 1


async def test_of_two_starters_at_once_one_starts_and_one_joins(data_dir: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from acs.store.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres.start(Path(sys.argv[1])); print(server.is_ours, flush=True)\n"
        "sys.stdin.read(); server.stop()"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, data_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [starter.stdout.readline().strip() for starter in starters if starter.stdout]
    for starter in starters:
        starter.communicate("")

    assert sorted(answers) == ["False", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
async def test_it_ends_with_its_starter_and_the_next_start_waits_for_that(
    data_dir: Path,
) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from acs.store.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres.start(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, data_dir], check=False, stderr=subprocess.DEVNULL)
    server = EmbeddedPostgres.start(data_dir)

    try:
        assert await _ask(server.dsn, "SELECT 1") == 1
        assert server.is_ours
    finally:
        server.stop()


async def test_a_left_over_process_id_that_is_in_use_again_is_no_obstacle(
    data_dir: Path,
) -> None:
    EmbeddedPostgres.start(data_dir).stop()
    sleeper = subprocess.Popen(["sleep", "600"], user=(data_dir / "postgres/data").stat().st_uid)
    pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{sleeper.pid}\n{pid_file.parent}\n1\n5432\n\n\n\n\n")
    server = EmbeddedPostgres.start(data_dir)

    try:
        assert await _ask(server.dsn, "SELECT 1") == 1
    finally:
        server.stop()
        sleeper.kill()
        sleeper.wait()


async def test_a_long_path_gets_a_short_socket_folder(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir / ("long-" * 20))

    try:
        assert await _ask(server.dsn, "SELECT 1") == 1
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its database to another account")
async def test_roots_private_folder_stays_closed_and_the_data_moves(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "FALLBACK", data_dir / "fallback")
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres.start(private / "var")
    await _ask(server.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    moved_to = Path((private / "var" / "postgres.moved").read_text().strip())
    again = EmbeddedPostgres.start(private / "var")

    try:
        assert moved_to.parent == data_dir / "fallback"
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert await _ask(again.dsn, "SELECT n FROM kept") == 7
    finally:
        again.stop()


async def test_its_log_never_holds_the_values_of_a_failed_statement(
    server: EmbeddedPostgres, home: Path
) -> None:
    conn = await asyncpg.connect(server.dsn)
    await conn.execute("CREATE TABLE card (pan text PRIMARY KEY)")
    for _ in range(2):
        try:
            await conn.execute("INSERT INTO card VALUES ('4111111111111111')")
            await conn.execute("INSERT INTO card VALUES ($1)", "4111111111111111")
        except asyncpg.UniqueViolationError:
            continue
    await conn.close()

    written = (home / "postgres" / "postgres.log").read_text()
    assert "duplicate key" in written
    assert "4111111111111111" not in written


def test_a_wrong_setting_fails_at_once_and_names_the_log(data_dir: Path) -> None:
    """A start that only waited for an answer would wait longer than a test may."""
    with pytest.raises(PostgresFailed, match=r"postgres\.log"):
        EmbeddedPostgres.start(data_dir, {"no_such_setting": "1"}, timeout_s=3600)


def test_a_data_directory_of_a_version_that_is_not_here_says_so(data_dir: Path) -> None:
    marker = data_dir / "postgres" / "data" / "PG_VERSION"
    marker.parent.mkdir(parents=True)
    marker.write_text("13\n")

    with pytest.raises(NoPostgres, match="made by PostgreSQL 13"):
        EmbeddedPostgres.start(data_dir)
