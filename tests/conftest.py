"""What every test may ask for: a fresh migrated database, fixed keys, a fixed moment.

Laws of the suite: real PostgreSQL, cloned from a template for each test that asks; sockets only on
this machine; no ACS_ variable of the caller's environment is seen; a warning is an error; a log
line that is not on the lists is an error; a test that runs for twenty minutes hangs and has failed.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import shutil
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import uvloop
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from acs import key_files, log, secret_files
from acs.edges import tls
from acs.store import embedded, migrate, postgres_binaries, schema_file
from acs.store.embedded import EmbeddedPostgres
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_TEMPLATE = "acs_template"
_CLONE = itertools.count(1)
_ROOM_BYTES = 3 << 30
_NAME_MAX = 100
_LOOPBACK = ("127.", "::1", "localhost")

for _name in [name for name in os.environ if name.startswith("ACS_")]:
    if not _name.startswith("ACS_TEST_"):  # what the caller says to the suite itself
        del os.environ[_name]
log.strict(on=True)
# An example that takes long on a busy machine proves nothing about the code, and what one draw in
# thousands finds is no fault of the change it stops: every run draws the same, unless it is asked
# to look for more.
settings.register_profile(
    "acs",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="ACS_TEST_DRAW" not in os.environ,
)
settings.load_profile("acs")


class _Quick(uvloop.Loop):
    """The loop that the service runs on, which connects past Python's sockets."""

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **given: Any
    ) -> Any:
        """Connect, on this machine alone."""
        if host is not None:
            _refuse_far(host)
        return await super().create_connection(protocol_factory, host, port, **given)


if os.environ.get("ACS_TEST_LOOP") == "uvloop":

    def pytest_asyncio_loop_factories() -> dict[str, type[asyncio.AbstractEventLoop]]:
        """Run every test on the service's loop."""
        return {"uvloop": _Quick}


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: thousands of tests, and all the modules."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call what is too long for a name by its place: a key made anew has another in each worker."""
    is_long = isinstance(val, str | bytes) and len(val) > _NAME_MAX
    return argname if is_long else None


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_far(address[0])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _refuse_far(host: object) -> None:
    if not str(host).startswith(_LOOPBACK):
        message = f"a test tried to reach {host}"
        raise AssertionError(message)


@pytest.fixture(scope="session", autouse=True)
def no_blocking_in_the_loop() -> Iterator[None]:
    """Fail where our code blocks the event loop: everybody else would wait with it.

    Starting a server and reading settings happen before there is anybody to wait.
    """
    excluded = [
        embedded,
        key_files,
        migrate,
        postgres_binaries,
        schema_file,
        secret_files,
        tls,
    ]
    with blockbuster_ctx(
        ["acs", "enrollment", "otp", "schemas"], excluded_modules=excluded
    ) as watch:
        for function in watch.functions.values():  # the driver looks for a password file
            function.can_block_in("asyncpg/connect_utils.py", {"_parse_connect_arguments"})
        yield


def scratch(prefix: str) -> Path:
    """Make a folder for a database of the tests: in memory where there is plenty, else on disk."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free >= _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=memory if is_roomy else None))
    folder.chmod(0o711)  # as root PostgreSQL runs as nobody, who must be able to walk in
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Run one PostgreSQL for this worker, with the migrated template database in it.

    It does not wait for the disk: no test here pulls the plug (those in test_embedded have servers
    of their own), and a clone costs a tenth then. In memory it costs a fifth of that. A
    template's files are copied: page by page through the log would cost half as much again.
    """
    folder = scratch("acs-test-")
    quick = {
        "fsync": "off",
        "full_page_writes": "off",
        "autovacuum": "off",  # nobody else locks or reads a table of a test
        "max_connections": "200",
        "max_wal_size": "256MB",  # it may lie in memory
    }
    server = EmbeddedPostgres.start(folder, quick, timeout_s=300)
    try:
        asyncio.run(_make_template(server))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _make_template(server: EmbeddedPostgres) -> None:
    await _admin(server, f"CREATE DATABASE {_TEMPLATE}")
    conn = await asyncpg.connect(server.dsn_of(_TEMPLATE))
    try:
        await migrate.apply(conn)
    finally:
        await conn.close()


async def _admin(server: EmbeddedPostgres, statement: str) -> None:
    conn = await asyncpg.connect(server.dsn_of("postgres"))
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Give the address of a fresh migrated database; who connects is the schema's owner."""
    name = f"test_{next(_CLONE)}"
    await _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    yield postgres.dsn_of(name)
    await _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Give one connection to a fresh migrated database, with the rights of the service."""
    conn = await asyncpg.connect(dsn, server_settings={"role": "acs_app"})
    yield conn
    await conn.close()


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """Give a pool on a fresh migrated database, with the rights of the service."""
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=20, server_settings={"role": "acs_app"}
    ) as made:
        yield made


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection as the schema's owner to the same database as ``db`` and ``pool``."""
    conn = await asyncpg.connect(dsn)
    yield conn
    await conn.close()


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Give fixed keys, one ring per purpose, each with an earlier key."""
    return fixed_keys()


def fixed_keys() -> Keys:
    """Give the keys of the tests to a program that is none of them."""
    rings = {
        purpose: KeyRing("k2", {"k2": _key(purpose, 2), "k1": _key(purpose, 1)})
        for purpose in Keys.PURPOSES
    }
    return Keys(**rings)


def _key(purpose: str, number: int) -> bytes:
    return f"{purpose} {number} ".encode().ljust(32, b".")


@pytest.fixture
def now() -> datetime:
    """Give a fixed moment: a working day, noon in Warsaw, summer time."""
    return datetime(2026, 6, 17, 10, 0, tzinfo=UTC)
