"""Erases persons as the worker does, in processes that end by SIGKILL between two statements.

``python -m tests.enrollment.dying DSN NOW``: each line on its input is the number of the statement
before which the next process dies; what it ended with is printed. They are forked from one that has
loaded everything, which costs milliseconds each.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import asyncpg

from acs.flows import retention
from acs.store.pool import Pool, PoolSettings, _no_reset
from tests.conftest import fixed_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEPT = timedelta(days=2192)


class _Mortal(asyncpg.Connection):  # type: ignore[misc]
    """Counts what it asks of the database, BEGIN and COMMIT too, and dies before the one chosen."""

    lives = 0

    def _ask(self) -> None:
        _Mortal.lives -= 1
        if not _Mortal.lives:
            os.kill(os.getpid(), signal.SIGKILL)

    async def fetch(self, *given: Any, **named: Any) -> Any:
        self._ask()
        return await super().fetch(*given, **named)

    async def fetchrow(self, *given: Any, **named: Any) -> Any:
        self._ask()
        return await super().fetchrow(*given, **named)

    async def execute(self, *given: Any, **named: Any) -> Any:
        self._ask()
        return await super().execute(*given, **named)


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


async def _erase(dsn: str, now: datetime, dies_before: int) -> None:
    async with _pool(dsn) as pool:
        _Mortal.lives = dies_before
        policies = SimpleNamespace(retention=SimpleNamespace(persons=KEPT))
        ports = SimpleNamespace(pool=pool, keys=fixed_keys(), policies=policies, clock=lambda: now)
        await retention.purge_persons(ports)  # type: ignore[arg-type]
        _Mortal.lives = 0


def main() -> None:
    """Let one process after the other erase, and say how each ended."""
    dsn, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            asyncio.run(_erase(dsn, now, int(line)))
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
