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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def entered(self) -> _Inside:
        """Be inside as long as the block lasts."""
        return _Inside(self)

    def enter(self) -> float:
        """Count one who enters; gives when."""
        self._inside += 1
        return self._clock()

    def leave(self, entered_at: float, beside: int) -> None:
        """Count one who leaves, and learn from him; ``beside`` were inside when he had entered."""
        share_s = (self._clock() - entered_at) / max(beside, self._inside)
        self._share_s += _WEIGHT * (share_s - self._share_s)
        self._inside -= 1

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside


class _Inside:
    """One who is inside."""

    __slots__ = ("_admission", "_at", "_beside")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def __enter__(self) -> None:
        self._at = self._admission.enter()
        self._beside = self._admission.inside

    def __exit__(self, *_: object) -> None:
        self._admission.leave(self._at, self._beside)
