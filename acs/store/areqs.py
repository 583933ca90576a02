"""The two round trips of an AReq to the database, shared by those that come together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from acs.store import device_data, transactions
from acs.store.batches import Batches

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from acs.store.batches import Work
    from acs.store.device_data import Answer, Question
    from acs.store.pool import Connection, Pool
    from acs.store.transactions import NewTransaction, Recording

ItemT = TypeVar("ItemT")
OutcomeT = TypeVar("OutcomeT")

_READ_LANES, _SPARE_READ_LANES = 1, 3
"""Four readings at a time where pages come from the disk, which then answers twice as many."""
_WRITE_LANES = 2
"""While one batch waits for its commit the next is worked on; more lanes make smaller batches."""


class Areqs:
    """What one edge asks and records, over its own pool."""

    def __init__(self, pool: Pool) -> None:
        """Begin with nothing at work."""
        self._questions: Batches[Question, Answer] = Batches(
            _with(pool, device_data.with_standings), lanes=_READ_LANES, spare=_SPARE_READ_LANES
        )
        self._news: Batches[NewTransaction, Recording] = Batches(
            _with(pool, transactions.record), lanes=_WRITE_LANES
        )

    async def ask(self, question: Question) -> Answer:
        """Read a card's standing and the device data at hand; raises Unavailable."""
        return await self._questions.submit(question)

    async def record(self, new: NewTransaction) -> Recording:
        """Store an accepted AReq; when this returns it is on disk. Raises Unavailable."""
        return await self._news.submit(new)


def _with(
    pool: Pool, work: Callable[[Connection, Sequence[ItemT]], Coroutine[Any, Any, list[OutcomeT]]]
) -> Work[ItemT, OutcomeT]:
    async def on_a_connection(items: Sequence[ItemT]) -> list[OutcomeT]:
        async with pool.connection() as conn:
            return await work(conn, items)

    return on_a_connection
