"""Does one thing in processes that end by SIGKILL between two statements.

``python -m tests.enrollment.dying DSN NOW``: each line on its input is a job, the number of the
statement before which the next process dies, and what the job is about; what the process ended with
is printed. They are forked from one that has loaded everything, which costs milliseconds each.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg

from acs.flows import housekeeping, retention
from acs.store.pool import Pool, PoolSettings, _no_reset
from enrollment.host import HttpHost
from enrollment.policy import EnrollmentPolicy
from tests.conftest import fixed_keys
from tests.enrollment import api as apis
from tests.enrollment import people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from uuid import UUID

    from enrollment.model import HostSaid

    class Ask(Protocol):
        """Does the job in a process that dies before a statement, and tells how it ended."""

        async def __call__(self, statement: int, about: str = "") -> int:
            """Let a process do it; 0 = it lived."""


KEPT = timedelta(days=2192)


class _Mortal(asyncpg.Connection):  # type: ignore[misc]
    """Counts what it asks of the database, BEGIN and COMMIT too, and dies before the one chosen."""

    lives = 0

    @staticmethod
    def ask() -> None:
        _Mortal.lives -= 1
        if not _Mortal.lives:
            os.kill(os.getpid(), signal.SIGKILL)

    async def fetch(self, *given: Any, **named: Any) -> Any:
        self.ask()
        return await super().fetch(*given, **named)

    async def fetchrow(self, *given: Any, **named: Any) -> Any:
        self.ask()
        return await super().fetchrow(*given, **named)

    async def execute(self, *given: Any, **named: Any) -> Any:
        self.ask()
        return await super().execute(*given, **named)


class _Host(HttpHost):
    """A way to the card host that counts as a statement."""

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        _Mortal.ask()
        return await super().block(card_ref, wish, wish_id)


@asynccontextmanager
async def _pool(dsn: str) -> AsyncIterator[Pool]:
    settings = PoolSettings(dsn, role="acs_app")
    async with asyncpg.create_pool(
        dsn,
        min_size=1,
        server_settings=settings.session,
        reset=_no_reset,
        connection_class=_Mortal,
    ) as pool:
        _Mortal.lives = 0
        yield Pool(pool, settings)


async def _erase(dsn: str, now: datetime, dies_before: int, _about: str) -> None:
    async with _pool(dsn) as pool:
        _Mortal.lives = dies_before
        kept = SimpleNamespace(persons=KEPT)
        policies = SimpleNamespace(
            retention=kept, otp=people.OTP_POLICY, enrollment=EnrollmentPolicy()
        )
        ports = SimpleNamespace(pool=pool, keys=fixed_keys(), policies=policies, clock=lambda: now)
        await retention.purge_persons(ports)  # type: ignore[arg-type]
        _Mortal.lives = 0


async def _block(dsn: str, now: datetime, dies_before: int, about: str) -> None:
    """Have a client's card blocked over the API; ``about`` is the host, the person and the card."""
    url, person_id, card_id = about.split()
    async with _pool(dsn) as pool:
        running = apis.running(pool._pool, fixed_keys(), now, ports={"host": _Host(url)})
        async with running as api:
            _Mortal.lives = dies_before
            await api.call(
                "POST", f"/v1/me/cards/{card_id}/block", {"wish": "permanent"},
                by="portal", person=person_id, headers={"Idempotency-Key": card_id},
            )  # fmt: skip
            _Mortal.lives = 0


async def _carry_on(dsn: str, now: datetime, dies_before: int, about: str) -> None:
    """Ask the host again as a worker does, half a minute later; ``about`` is the host."""
    later = now + timedelta(seconds=30)
    async with _pool(dsn) as pool:
        _Mortal.lives = dies_before
        policies = SimpleNamespace(otp=people.OTP_POLICY, enrollment=EnrollmentPolicy())
        ports = SimpleNamespace(
            pool=pool, keys=fixed_keys(), policies=policies, card_host=_Host(about),
            clock=lambda: later,
        )  # fmt: skip
        await housekeeping.carry_on_host_wishes(ports)  # type: ignore[arg-type]
        _Mortal.lives = 0


_JOBS: Mapping[str, Callable[[str, datetime, int, str], Coroutine[Any, Any, None]]] = {
    "block": _block,
    "carry_on": _carry_on,
    "erase": _erase,
}


@asynccontextmanager
async def processes(dsn: str, now: datetime, job: str) -> AsyncIterator[Ask]:
    """Give what does the job in a process that dies before a statement, and tells how it ended."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.enrollment.dying", dsn, now.isoformat(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    given, said = program.stdin, program.stdout
    assert given is not None
    assert said is not None

    async def ask(statement: int, about: str = "") -> int:
        given.write(f"{job} {statement} {about}\n".encode())
        return int(await said.readline())

    yield ask
    given.close()
    await program.wait()


def main() -> None:
    """Let one process after the other do its job, and say how each ended."""
    dsn, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    for line in sys.stdin:
        job, statement, about = line.rstrip("\n").split(" ", 2)
        pid = os.fork()
        if not pid:
            asyncio.run(_JOBS[job](dsn, now, int(statement), about))
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
