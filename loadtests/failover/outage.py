"""How long nobody was answered, from what every AReq was told and when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_BEFORE_S = 5.0


@dataclass(frozen=True, slots=True)
class Outage:
    """What an event cost, in seconds and AReqs."""

    silent_s: float
    """The longest time between two AReqs that got an ARes, from the event on."""
    failing_s: float
    """From the first AReq that got none to the last, both of this event."""
    failed: int
    usual_gap_s: float
    """The longest time between two ARes just before it: what a gap without an event is."""


def outage(moments: Sequence[tuple[float, str]], at: float, end: float) -> Outage:
    """Look at what came between the event, ``at``, and ``end``.

    ``moments`` are (monotonic seconds, "ARes" or what else) in any order. Silence that began
    before the event counts from the event; silence that does not end counts to the last moment.
    """
    told = sorted(one for one in moments if at - _BEFORE_S <= one[0] <= end)
    after = [one for one in told if one[0] >= at]
    answered = [moment for moment, what in after if what == "ARes"]
    failed = [moment for moment, what in after if what != "ARes"]
    return Outage(
        silent_s=_longest([at, *answered, *(moment for moment, _ in after[-1:])]),
        failing_s=failed[-1] - failed[0] if failed else 0.0,
        failed=len(failed),
        usual_gap_s=_longest([moment for moment, what in told if what == "ARes" and moment < at]),
    )


def _longest(moments: Sequence[float]) -> float:
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    return max(gaps, default=0.0)
