"""Which gateway next: pure, from the destination, the messages before, and each provider's health.

Laws:
- The route of the longest matching prefix names the providers and their weights; a number that
  matches none goes by all providers in their order. The draw that weighs them is handed in.
- A provider rests for thirty seconds after five failures in a row, or when nobody knows the fate of
  most of what it got in the last minute; then it gets one message to prove itself.
- A provider that died costs at most as many messages as may be with it at once, and never fewer
  than five are allowed: failures and messages under way are counted together.
- A provider that was tried for a message is not tried again in the same round. After a message
  that did not help (the cardholder asks again), another provider goes first.

Health is what one process has seen, and is not shared. What is shared would have to be read and
written with every message, on one row per provider, and would let the broken network of one
machine close a provider for all of them. What it would save is small: a dead provider costs each
process the five messages at most, and a restarted one learns again at the same price.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final, assert_never

from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

FAILURES_TO_OPEN: Final = 5
"""Fewer would open on a hiccup; more would cost more cardholders their wait."""
REST: Final = timedelta(seconds=30)
"""How long a provider rests: the first resend (30 s) then finds it open for a trial."""
NEWS_FOR: Final = timedelta(minutes=10)
"""For so long after its rest nobody has to try a provider for it to be told as resting."""
WINDOW: Final = timedelta(seconds=60)
ASKED_MIN: Final = 10
"""Below so many messages in the window, a share of them says nothing."""
_SLICE: Final = timedelta(seconds=5)
_DRAW_BITS: Final = 53  # a float's
_BELOW_ONE: Final = 1.0 - 2.0**-_DRAW_BITS
_ONE_DIGIT_CODES: Final = ("1", "7")
_TWO_DIGIT_CODES: Final = frozenset(
    str(code)
    for codes in (
        (20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50)),
        (*range(51, 59), *range(60, 67), 81, 82, 84, 86, *range(90, 96), 98),
    )
    for code in codes
)


@dataclass(frozen=True, slots=True)
class Route:
    """Who carries messages to numbers that begin with `prefix` (digits without +).

    `weights` are shares by provider; one of weight 0 is asked after all others. Raises ValueError
    when there is no provider or a weight is negative.
    """

    prefix: str
    weights: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse a route that leads nowhere."""
        if not self.weights or min(self.weights.values()) < 0:
            message = f"the route {self.prefix} needs providers with weights of 0 or more"
            raise ValueError(message)


def order(routes: Sequence[Route], default: Sequence[str], number: str, draw: float) -> list[str]:
    """Give the providers for an E.164 number, the one to ask first at the head.

    `draw` is a chance in [0, 1): a provider goes first as often as its share of the weights says,
    and the rest follow by their shares among themselves.
    """
    digits = number.removeprefix("+")
    fitting = [route for route in routes if digits.startswith(route.prefix)]
    if not fitting:
        return list(default)
    weights = max(fitting, key=lambda route: len(route.prefix)).weights
    left = {name: weight for name, weight in weights.items() if weight}
    drawn = []
    while left:
        bounds = list(accumulate(left.values()))
        place = draw * bounds[-1]
        index = bisect_right(bounds, place)
        name = list(left)[index]
        weight = left.pop(name)
        drawn.append(name)
        # What is left of the draw is as even as the draw was: it decides among the rest.
        draw = min((place - bounds[index] + weight) / weight, _BELOW_ONE)
    return [*drawn, *(name for name, weight in weights.items() if not weight)]


def draw_of(sms_id: UUID) -> float:
    """Give the draw of a message, from the chance in its id: each try of it goes the same way."""
    share: float = (sms_id.int % 2**_DRAW_BITS) / 2**_DRAW_BITS
    return share


def preferred(names: Sequence[str], used: Sequence[str], failed: Collection[str]) -> list[str]:
    """Put the providers that did not help last.

    Those `used` for the challenge's messages before (the latest last) come after all others, the
    one used longest ago first; those that `failed` to bring theirs to the phone come last of all.
    """
    last_use = {name: place for place, name in enumerate(used)}
    return sorted(names, key=lambda name: (name in failed, last_use.get(name, -1)))


@dataclass(frozen=True, slots=True)
class Slice:
    """What a provider got in five seconds, and of how many of these nobody knew the fate."""

    at: datetime
    asked: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered of a provider.

    Failures in a row, since when it rests, its trial, and what it got in the last minute.
    """

    failures: int = 0
    opened_at: datetime | None = None
    trial_at: datetime | None = None
    recent: tuple[Slice, ...] = ()


def is_usable(health: Health, now: datetime) -> bool:
    """Tell whether the provider may get a message now: well, or rested and not on trial."""
    return usable_at(health, now) <= now


def usable_at(health: Health, now: datetime) -> datetime:
    """Give the moment from which the provider may get a message; `now` when it is well."""
    if health.opened_at is None:
        return now
    return max(health.opened_at, health.trial_at or health.opened_at) + REST


def is_told(health: Health, now: datetime) -> bool:
    """Tell whether the provider is to be told as resting: not since long ago without a message.

    A process that has no more to send would tell of a trouble that was over long ago.
    """
    return health.opened_at is not None and now < usable_at(health, now) + NEWS_FOR


def slots(health: Health, most: int) -> int:
    """Give how many messages may be with the provider at once, `most` when it is well.

    After failures only so many as are missing to close it off, so that they never cost more.
    """
    return max(1, min(most, FAILURES_TO_OPEN - health.failures)) if health.failures else most


def chosen(health: Health, now: datetime) -> Health:
    """Note that the provider gets a message: a rested one is on trial until the outcome."""
    return health if health.opened_at is None else replace(health, trial_at=now)


def after(health: Health, outcome: SendOutcome, now: datetime) -> Health:
    """Learn from an outcome. A permanent rejection is an answer: the provider is well."""
    recent = _with(health.recent, now, is_unknown=isinstance(outcome, Unknown))
    match outcome:
        case Accepted() | Rejected(retryable=False):
            return Health(recent=recent if health.opened_at is None else ())
        case Rejected() | Unknown():
            failures = health.failures + 1
            opens = (
                health.opened_at is not None
                or failures >= FAILURES_TO_OPEN
                or _is_mostly_unknown(recent)
            )
            return Health(failures, now if opens else None, recent=recent)
        case _:
            assert_never(outcome)


def _with(recent: tuple[Slice, ...], now: datetime, *, is_unknown: bool) -> tuple[Slice, ...]:
    kept = tuple(one for one in recent if now - one.at < WINDOW)
    if kept and now - kept[-1].at < _SLICE:
        last = kept[-1]
        return (*kept[:-1], Slice(last.at, last.asked + 1, last.unknown + is_unknown))
    return (*kept, Slice(now, 1, int(is_unknown)))


def _is_mostly_unknown(recent: tuple[Slice, ...]) -> bool:
    asked = sum(one.asked for one in recent)
    return asked >= ASKED_MIN and 2 * sum(one.unknown for one in recent) > asked


def choose(
    names: Sequence[str],
    healths: Mapping[str, Health],
    *,
    tried: Collection[str],
    now: datetime,
) -> str | None:
    """Give the first usable provider in the order of `names`; None: no one."""
    for name in names:
        if name not in tried and is_usable(healths.get(name, Health()), now):
            return name
    return None


def calling_code(number: str) -> str:
    """Give the country's part of an E.164 number, without + (ITU-T E.164 Annex: 1 to 3 digits)."""
    digits = number.removeprefix("+")
    if digits.startswith(_ONE_DIGIT_CODES):
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]
