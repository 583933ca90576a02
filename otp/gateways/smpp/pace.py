"""How fast messages go to one carrier: pure, from the moments they went.

Laws: never faster than the contract's rate. A carrier that throttles gets nothing for a rest and
half the rate after it, down to one message per rest; each message it takes wins a tenth back.
"""

from __future__ import annotations

_RECOVERY = 0.9


class Pace:
    """A bucket that holds one token, filled at the rate. Moments are seconds of one clock."""

    def __init__(self, rate: float, rest_s: float = 1.0) -> None:
        """Start at `rate` messages a second."""
        self._rest_s = rest_s
        self._quickest_s = self._interval_s = 1 / rate
        self._next_at = 0.0

    def wait_s(self, now: float) -> float:
        """Tell how long the next message must wait; reserves nothing."""
        return max(self._next_at - now, 0.0)

    def take(self, now: float) -> float:
        """Reserve the next turn; gives how long to wait for it."""
        wait_s = self.wait_s(now)
        self._next_at = now + wait_s + self._interval_s
        return wait_s

    def throttled(self, now: float) -> None:
        """Learn that the carrier refused for want of room."""
        slowest_s = max(self._rest_s, self._quickest_s)
        self._interval_s = min(self._interval_s * 2, slowest_s)
        self._next_at = max(self._next_at, now + self._rest_s)

    def taken(self) -> None:
        """Learn that the carrier took a message."""
        self._interval_s = max(self._interval_s * _RECOVERY, self._quickest_s)
