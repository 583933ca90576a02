"""The command ``acs import``: a file of records into the enrolment side, resumable, with a report.

Beside the service, on its database. A file is known by its hash: an import that was interrupted
goes on where it was when the same file is given again. Nothing of a line's content is written
anywhere but into its row: the report names lines by number. What it writes has the time of the
service, as most clocks tell it, not that of whatever machine it was typed at.

Exit codes: 0 every line was carried out; 1 lines were refused, or it cannot be done now; 2 usage.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import asyncpg

from acs import log, policies
from acs.clock import Clock, machine_name, utc_now
from acs.config import ConfigError
from acs.key_files import load_keys
from acs.store import audit_chain, card_ranges
from acs.store.pool import Pool, PoolSettings, Unavailable
from acs.terminal import NOT_NOW, NotNow, database, refusal, say
from enrollment.events import Actor
from enrollment.flows import imports

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from acs.config import Settings
    from acs.store.card_ranges import PolicyTables
    from enrollment.flows.imports import LineError, Run
    from schemas.vault import Keys

_ACTOR = Actor("acs import", kind="system", channel="file")
_STATEMENT_MS = 60_000
_TELL_EACH_S = 1.0
_PAGE = 1000
_GC_THRESHOLD = 100_000
"""Objects between two looks for cycles: a batch makes tens of thousands and no cycle."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", metavar="FILE", help="newline-delimited JSON; - = standard input")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="where refused lines are listed; default: beside the file, .errors.ndjson",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Import a file; gives the exit code."""
    log.setup(level="WARNING")
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    is_stream = options.file == "-"
    report = options.report or Path("import.errors.ndjson" if is_stream else _beside(options.file))
    if is_stream:
        if sys.stdin is None:  # closed, as by `<&-`
            sentence = "there is no standard input to read"
            raise ConfigError((sentence,))
        return _with_database(settings, sys.stdin.buffer, None, report)
    try:
        with Path(options.file).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            return _with_database(settings, file, (digest, size), report)
    except BrokenPipeError:  # no fault of the file's
        raise
    except OSError as error:
        sentence = f"{options.file} cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigError((sentence,)) from error


def _beside(file: str) -> str:
    return f"{file}.errors.ndjson"


def _with_database(
    settings: Settings, file: BinaryIO, known: tuple[bytes, int] | None, report: Path
) -> int:
    keys = load_keys(settings)
    with database(settings) as dsn:
        try:
            done = asyncio.run(_import(settings, dsn, keys, file, known))
            say(_sentence(done))
            refused = asyncio.run(_report(settings, dsn, done, report)) if done.refused else 0
        except asyncpg.PostgresError as error:
            raise refusal(error) from error
        except card_ranges.BadPolicy as error:
            raise NotNow(str(error)) from error
        except Unavailable as error:
            sentence = "the database does not answer; the same command again goes on from here"
            raise NotNow(sentence) from error
        except KeyboardInterrupt as error:
            sentence = "interrupted; the same command again goes on from here"
            raise NotNow(sentence) from error
    if refused:
        say(f"the refused lines are listed in {report}")
    return NOT_NOW if refused else 0


async def _import(
    settings: Settings, dsn: str, keys: Keys, file: BinaryIO, known: tuple[bytes, int] | None
) -> Run:
    pool = await _connect(settings, dsn)
    try:
        async with pool.connection() as conn:
            if await audit_chain.is_of_others(conn, keys.audit):
                raise NotNow(audit_chain.OTHER_KEYS)
            tables = await card_ranges.load(conn)
            clock = Clock(utc_now, machine_name())
            await clock.look(pool)
            hands = _hands(settings, pool, keys, tables, clock)
            begun = await imports.begin_or_resume(conn, hands, known)
            if begun is None:
                sentence = "another process is importing this file"
                raise NotNow(sentence)
            if begun.lines_done:
                say(f"going on after line {begun.lines_done}")
            if known is not None:
                await asyncio.to_thread(file.seek, begun.bytes_done)
            return await imports.carry_on(hands, file, begun, _teller())
    finally:
        await pool.close()


async def _report(settings: Settings, dsn: str, done: Run, report: Path) -> int:
    pool = await _connect(settings, dsn)
    written, after = 0, 0
    try:
        async with pool.connection() as conn:
            while page := await imports.errors_after(conn, done.run_id, after, _PAGE):
                await asyncio.to_thread(_write, report, page, "a" if written else "w")
                written += len(page)
                after = page[-1].line
    finally:
        await pool.close()
    return written


def _write(report: Path, page: list[LineError], mode: str) -> None:
    try:
        with report.open(mode, encoding="utf-8") as file:
            for one in page:
                told = {"line": one.line, "code": one.code, "field": one.field}
                file.write(f"{json.dumps(told)}\n")
    except OSError as error:
        sentence = f"the report cannot be written: {error.strerror}; name another one by --report"
        raise NotNow(sentence) from error


async def _connect(settings: Settings, dsn: str) -> Pool:
    return await Pool.open(
        PoolSettings(
            dsn=dsn,
            role=settings.database.role,
            size=3,  # the file's hold, and two batches
            acquire_timeout_s=settings.database.acquire_timeout_s,
            statement_timeout_ms=_STATEMENT_MS,
            lock_timeout_ms=_STATEMENT_MS,
            application_name="acs import",
        )
    )


def _hands(
    settings: Settings, pool: Pool, keys: Keys, tables: PolicyTables, clock: Clock
) -> imports.Hands:
    return imports.Hands(
        pool=pool,
        keys=keys,
        policy=policies.enrollment_policy(settings),
        otp_policy=policies.otp_policy(settings),
        actor=_ACTOR,
        scopes=imports.ALL_SCOPES,
        clock=clock,
        card_range_known=lambda pan: tables.find(pan) is not None,
    )


def _teller() -> Callable[[Run], None]:
    loop = asyncio.get_running_loop()
    told = [loop.time()]

    def tell(run: Run) -> None:
        if loop.time() - told[0] >= _TELL_EACH_S:
            told[0] = loop.time()
            say(_sentence(run))

    return tell


def _sentence(run: Run) -> str:
    share = "" if run.percent is None else f"{run.percent:3d} %  "
    return (
        f"{share}{run.lines_done} lines: {run.created} new, {run.changed} changed, "
        f"{run.unchanged} known, {run.refused} refused"
    )
