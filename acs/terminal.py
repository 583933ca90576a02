"""What the commands at the terminal share: words for the person, the database, how one ends.

Exit codes: 0 done, 1 not possible now, 2 wrong use.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from acs.config import ConfigError
from acs.secret_files import database_addresses
from acs.store import migrate as migrations
from acs.store.embedded import EmbeddedPostgres, PostgresFailed
from acs.store.postgres_binaries import NoPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from acs.config import Settings
    from acs.store.pool import Connection, Unavailable

ValueT = TypeVar("ValueT")
NOT_NOW = 1
"""The exit code of a command that could not be carried out, whatever its words."""


class NotNow(Exception):
    """The command cannot be carried out now; the message is a sentence for the operator."""


def say(text: str) -> None:
    """Tell the person at the terminal; raises as ``put`` does."""
    put(f"{text}\n")


def put(text: str) -> None:
    """Let a text go out as it is; raises NotNow when it finds no room.

    BrokenPipeError where nobody listens any more, as behind `head`.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        say_no_more()
        sentence = f"what this command tells cannot be written: {error.strerror}"
        raise NotNow(sentence) from error


def say_no_more() -> None:
    """Let what was not written go: at its end the interpreter would try once more, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def database(settings: Settings, *, migrated: bool = True, pooled: bool = False) -> Iterator[str]:
    """Give the address of the database; without one configured, start the embedded one.

    It is the one past a pooler, unless ``pooled``: commands keep locks of their session. The
    embedded one is brought to this version's schema, since nobody else would.
    """
    address, direct_address = database_addresses(settings)
    address = address if pooled else direct_address
    if address is not None:
        yield address
        return
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"data_dir: {settings.data_dir} cannot be made: {error.strerror}"
        raise ConfigError((sentence,)) from error
    try:
        server = EmbeddedPostgres.start(settings.data_dir)
    except (NoPostgres, PostgresFailed, OSError) as error:  # the last such as of a full disk
        raise NotNow(str(error)) from error
    try:
        if migrated:
            run_value(apply_migrations(server.dsn))
        yield server.dsn
    finally:
        server.stop()


async def apply_migrations(dsn: str, *, is_rolling: bool = False) -> tuple[list[str], list[str]]:
    """Give what was applied, and what is left for a later run."""
    async with connected(dsn) as conn:
        applied = await migrations.apply(conn, is_rolling=is_rolling)
        return applied, await migrations.pending(conn)


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """Open a connection for one command."""
    conn = await asyncpg.connect(dsn)
    try:
        yield conn
    finally:
        await conn.close()


def run_value(coroutine: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run what asks the database; raise NotNow where it says no or nothing."""
    try:
        return asyncio.run(coroutine)
    except (migrations.MigrationChanged, migrations.NotUtf8) as error:
        raise NotNow(str(error)) from error
    except (OSError, asyncpg.InterfaceError) as error:
        sentence = f"the database does not answer: {unreached(error)}"
        raise NotNow(sentence) from error
    except asyncpg.PostgresError as error:
        raise refusal(error) from error


def unreached(error: BaseException) -> str:
    """Say in a few words why the database was not reached."""
    kind = type(error).__name__
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it takes no writes: a standby, in recovery, or read-only"
    if isinstance(error, asyncpg.PostgresError):
        return f"{kind} ({error.sqlstate})"
    # Secret: other words may quote the address; these are about names and certificates alone.
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{kind}: {error.verify_message}"
    return f"{kind}: {error.strerror}" if isinstance(error, socket.gaierror) else kind


def refusal(error: asyncpg.PostgresError) -> NotNow:
    """Say what the database refuses."""
    # Secret: its own words may quote values. The notes are ours.
    what = [f"{type(error).__name__} ({error.sqlstate})", *getattr(error, "__notes__", ())]
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        what.append("the schema is not there: acs migrate")
    return NotNow(f"the database refuses: {', '.join(what)}")


def absence(error: Unavailable) -> str:
    """Say what is missing, and of a database why: never its address or its own words."""
    cause = error.__cause__
    return str(error) if cause is None else f"{error}: {unreached(cause)}"
