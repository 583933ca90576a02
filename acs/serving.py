"""The commands that stay until they are told to go: ``acs serve``, ``acs work``, ``acs demo``."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import asyncpg

from acs import app, inherited, log, open_files, policies, supervisor
from acs.clock import utc_now
from acs.command import Command
from acs.config import ConfigError
from acs.drain import SILENT_RETIRING_S, SILENT_STOPPING_S
from acs.flows import restored
from acs.parts import prepare
from acs.smpp_gateways import refuse_too_many_binds
from acs.store.pool import Unavailable
from acs.systemd import Systemd
from acs.terminal import (
    NOT_NOW,
    NotNow,
    absence,
    apply_migrations,
    database,
    refusal,
    run_value,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from acs.config import Settings

_ALIVE_S = 1.0
"""How often it is looked whether the service manager wants to hear that the loop goes round."""


def serve(options: argparse.Namespace, settings: Settings) -> int:
    """Listen until told to stop."""
    log.setup(level=settings.log.level)
    open_files.tell(settings, options.config)
    edges = app.edges_of(settings, options.edge)
    if not edges:
        sentence = "the edge receipts is for providers that report, and sms has none that does"
        raise ConfigError((sentence,))
    if app.SENDING & set(edges):
        refuse_too_many_binds(settings, options.workers or 1)
    with database(settings, pooled=True) as dsn:
        if options.workers is not None:
            return _supervise(settings, dsn, options)
        must_be_fit = inherited.MUST_BE_FIT in os.environ
        if must_be_fit:
            policies.judge_lists(settings, edges, utc_now())
        listeners = inherited.listeners(os.environ, settings, edges)
        service = app.Service(
            settings,
            dsn,
            prepare(settings, edges),
            listeners=listeners,
            must_be_fit=must_be_fit,
        )
        return _run(_serve(service, edges, work=not options.edge))


def work(options: argparse.Namespace, settings: Settings) -> int:
    """Work until told to stop; listens to nobody, or with ``--edge ops`` to the operators."""
    log.setup(level=settings.log.level)
    open_files.tell(settings, options.config)
    edges = tuple(options.edge or ())
    first = restored.end_what_was_open if options.restored else None
    with database(settings, pooled=True) as dsn:
        service = app.Service(settings, dsn, prepare(settings, edges), before_work=first)
        return _run(_serve(service, edges, work=True))


def demo(options: argparse.Namespace, settings: Settings) -> int:
    """Run the demo in the foreground."""
    from acs import demo as demos  # noqa: PLC0415 - a production start never loads it

    log.setup(level=settings.log.level)
    demos.hand_down(options.config)
    with database(settings, migrated=False) as dsn:
        run_value(apply_migrations(dsn))
        return demos.run(settings, dsn)


def _supervise(settings: Settings, dsn: str, options: argparse.Namespace) -> int:
    edges = app.edges_of(settings, options.edge)
    prepare(settings, edges)  # what is wrong is said once
    try:
        return supervisor.serve(
            settings, dsn, edges if options.edge else None, options.workers, options.config
        )
    except OSError as error:
        message = f"cannot start: {error}"
        raise NotNow(message) from error


async def _serve(service: app.Service, edges: Sequence[str], *, work: bool) -> int:
    loop = asyncio.get_running_loop()
    leave: asyncio.Future[float] = loop.create_future()
    supervised, systemd = inherited.WorkerEnd(os.environ), Systemd(os.environ)

    def told(silent_s: float) -> None:
        if not leave.done():
            leave.set_result(silent_s)

    def say_alive() -> None:
        systemd.is_alive()
        loop.call_later(_ALIVE_S, say_alive)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told, SILENT_STOPPING_S)
    if supervised.is_supervised:  # a terminal that hangs up tells everybody; the supervisor decides
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
    supervised.watch(lambda: told(SILENT_RETIRING_S), lambda: told(SILENT_STOPPING_S))
    say_alive()
    silent_s = SILENT_STOPPING_S
    starting = asyncio.create_task(service.start(edges, work=work))
    try:
        # Nobody who is told to go waits first for a database that is away.
        first: set[asyncio.Future[Any]] = {starting, leave}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            supervised.say_ready()
            systemd.is_serving("serving" if edges else "working")
            log.event("service:started", pid=os.getpid(), edge=",".join(edges))
        silent_s = await leave
    except Unavailable as error:
        sys.stderr.write(f"acs: cannot start: {absence(error)}\n")
        return NOT_NOW
    except (app.NotFit, OSError) as error:
        sys.stderr.write(f"acs: cannot start: {error}\n")
        return NOT_NOW
    except asyncpg.PostgresError as error:
        sys.stderr.write(f"acs: cannot start: {refusal(error)}\n")
        return NOT_NOW
    finally:
        systemd.is_stopping()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)  # it was awaited, or is given up
        await service.stop(silent_s)
    return 0


def _run(coroutine: Coroutine[Any, Any, int]) -> int:
    """Run with the quicker loop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not made for every platform
    except ImportError:
        return asyncio.run(coroutine)
    return int(uvloop.run(coroutine))


def _serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--edge",
        action="append",
        choices=app.EDGES,
        metavar="NAME",
        help=f"one of {', '.join(app.EDGES)}; several times if need be; default: all;"
        " receipts is left out where no provider reports",
    )
    serve.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes under a supervisor that replaces them at SIGHUP; default: one, without it",
    )


def _work_options(work: argparse.ArgumentParser) -> None:
    work.add_argument(
        "--edge",
        action="append",
        choices=("ops",),
        metavar="ops",
        help="ops, to answer the operators on ops.listen; without it nobody sees what it counts",
    )
    work.add_argument(
        "--restored",
        action="store_true",
        help="the database was brought back to an earlier state: first end what was open then",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:  # noqa: PLR2004 - more cores than any box
        message = f"{text} is not a number from 1 to 64"
        raise argparse.ArgumentTypeError(message)
    return int(text)


COMMANDS = {
    "serve": Command(serve, _serve_options),
    "work": Command(work, _work_options),
    "demo": Command(demo, implies={"profile": "demo"}),
}
