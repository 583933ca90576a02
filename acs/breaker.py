"""A breaker: whoever fails again and again is left alone for a while, then tried by one.

Laws:
- So many failures in a row open it, and the first answer closes it.
- While it is open nobody is let through until the rest is over; then one is. When that one fails
  too, the rest is twice as long as the one before, up to the longest.
- A trial whose end nobody tells (its caller is gone) costs one more rest, never the way for good.
- What began before it opened and fails afterwards is the same trouble and counts no more.
- It closes by an answer alone. To those who watch it is told as ill only as long as that is news:
  a process that has nothing more to ask would tell of a trouble that was over long ago.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES_MAX = 5
NEWS_FOR_S = 600.0
"""For so long after it could have been tried nobody has to try for it to be told as ill."""


class Breaker:
    """What one process knows of one peer; all times in seconds of ``clock``."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, rest_s: float, rest_max_s: float
    ) -> None:
        """Begin closed: the peer is thought well."""
        self._clock = clock
        self._rest_s = rest_s
        self._rest_max_s = rest_max_s
        self._failures = 0
        self._openings = 0
        self._trial_at_s = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether the peer is thought ill; one may be let through all the same."""
        return self._openings > 0

    @property
    def is_told(self) -> bool:
        """Tell whether the peer is to be told as ill: it is thought so, and not since long ago."""
        return self.is_open and self._clock() < self._trial_at_s + NEWS_FOR_S

    @property
    def room(self) -> int | None:
        """Tell how many would be let through now: none, one on trial, or any number (None)."""
        if not self.is_open:
            return None
        return int(self._clock() >= self._trial_at_s)

    def admit(self) -> int | None:
        """Let one through; gives what ``failed`` wants to know of it, None to nobody."""
        room = self.room
        if room == 0:
            return None
        if room is not None:
            self._trial_at_s = self._clock() + self._rest
        return self._openings

    def answered(self) -> None:
        """Hear that the peer answered somebody."""
        self._failures = self._openings = 0

    def failed(self, admitted: int) -> None:
        """Hear that one who was let through found the peer ill."""
        if admitted != self._openings:
            return
        self._failures += 1
        if self.is_open or self._failures >= FAILURES_MAX:
            self._openings += 1
            self._trial_at_s = self._clock() + self._rest

    @property
    def _rest(self) -> float:
        doublings = min(self._openings - 1, 10)
        return min(self._rest_s * float(2**doublings), self._rest_max_s)
