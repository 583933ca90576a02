"""Pure work of many requests, step by step: each step for all of them before the next one.

Between two requests a processor forgets the long way that each goes; the same short step again it
knows. So the requests of a batch, which come back from the database together, go on in step: that
takes a third less than one after the other (docs/adr/0013).

Laws:
- Work is a generator that yields where a step ends. It waits for nobody, changes nothing and logs
  nothing, so it can be done again; what it gives is its return value.
- Everybody gets an outcome or a failure of his own: where one fails all are done again, each alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from acs.store.batches import Batches

if TYPE_CHECKING:
    from collections.abc import Sequence

OutcomeT = TypeVar("OutcomeT")

Work: TypeAlias = Callable[[], Generator[None, None, OutcomeT]]
InStep: TypeAlias = Batches[Work[Any], Any]


def in_step() -> InStep:
    """Give a place where work that comes in the same turn of the loop is done together."""
    return Batches(_together, divides=Exception)


async def _together(works: Sequence[Work[OutcomeT]]) -> list[OutcomeT]:
    return done(works)


def done(works: Sequence[Work[OutcomeT]]) -> list[OutcomeT]:
    """Do all, a step of each at a time; gives their outcomes in their order."""
    outcomes: dict[int, OutcomeT] = {}
    going = [(number, work()) for number, work in enumerate(works)]
    while going:
        still = []
        for number, work in going:
            try:
                next(work)
            except StopIteration as end:
                outcomes[number] = end.value
            else:
                still.append((number, work))
        going = still
    return [outcomes[number] for number in range(len(works))]
