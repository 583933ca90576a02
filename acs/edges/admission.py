"""How many AReqs are worked on at once: no more than can be answered in time.

Laws:
- What cannot be answered within the patience is refused at once, so no queue grows without bound
  and nobody's answer comes after the caller has gone.
- The time an AReq will take is foreseen from those before it: how long one took, shared among those
  that were inside with it. When the database hangs, the bound so falls from round to round, and it
  rises again with the first answers that come quickly.
- A few are always let in: they find out whether the service is well again.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALWAYS = 16
_WEIGHT = 0.05
_PART_OF_BUDGET = 0.75
"""An AReq that is foreseen to take longer than this part of its budget is not begun."""


class Admission:
    """Counts who is inside, and foresees how long one more would take.

    ``most`` bounds the count whatever is foreseen; ``budget_s`` is the time an answer may take.
    """

    def __init__(
        self, most: int, budget_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin empty, and with the best opinion of the service."""
        self._most = most
        self._patience_s = budget_s * _PART_OF_BUDGET
        self._clock = clock
        self._inside = 0
        self._share_s = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether one more may enter."""
        if self._inside >= self._most:
            return False
        return self._inside < ALWAYS or self._share_s * (self._inside + 1) <= self._patience_s

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside as long as the block lasts."""
        started = self._clock()
        self._inside += 1
        beside = self._inside
        try:
            yield
        finally:
            share_s = (self._clock() - started) / max(beside, self._inside)
            self._share_s += _WEIGHT * (share_s - self._share_s)
            self._inside -= 1
