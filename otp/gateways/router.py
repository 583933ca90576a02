"""Which gateway next: pure, from each provider's health.

Laws: a provider that failed five times in a row rests for thirty seconds, then gets one message to
prove itself. A provider that was tried for a message is not tried again in the same round. After a
message that did not help (the cardholder asks again), another provider goes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, assert_never

from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FAILURES_TO_OPEN: Final = 5
"""Fewer would open on a hiccup; more would cost more cardholders their wait."""
_ONE_DIGIT_CODES: Final = ("1", "7")
_TWO_DIGIT_CODES: Final = frozenset(
    str(code)
    for codes in (
        (20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50)),
        (*range(51, 59), *range(60, 67), 81, 82, 84, 86, *range(90, 96), 98),
    )
    for code in codes
)
REST: Final = timedelta(seconds=30)
"""How long a provider rests: the first resend (30 s) then finds it open for a trial."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered of a provider: failures in a row, since when it rests, its trial."""

    failures: int = 0
    opened_at: datetime | None = None
    trial_at: datetime | None = None


def is_usable(health: Health, now: datetime) -> bool:
    """Tell whether the provider may get a message now: well, or rested and not on trial."""
    return usable_at(health, now) <= now


def usable_at(health: Health, now: datetime) -> datetime:
    """Give the moment from which the provider may get a message; `now` when it is well."""
    if health.opened_at is None:
        return now
    return max(health.opened_at, health.trial_at or health.opened_at) + REST


def chosen(health: Health, now: datetime) -> Health:
    """Note that the provider gets a message: a rested one is on trial until the outcome."""
    return health if health.opened_at is None else replace(health, trial_at=now)


def after(health: Health, outcome: SendOutcome, now: datetime) -> Health:
    """Learn from an outcome. A permanent rejection is an answer: the provider is well."""
    match outcome:
        case Accepted() | Rejected(retryable=False):
            return Health()
        case Rejected() | Unknown():
            failures = health.failures + 1
            opens = failures >= FAILURES_TO_OPEN
            return Health(failures, now if opens else None)
        case _:
            assert_never(outcome)


def choose(
    names: Sequence[str],
    healths: Mapping[str, Health],
    *,
    tried: Collection[str],
    used: Sequence[str] = (),
    failed: Collection[str] = (),
    now: datetime,
) -> str | None:
    """Give the first usable provider in the order of `names`; None: no one.

    Those `used` for the challenge's messages before (the latest last) come after all others, the
    one used longest ago first; those that `failed` to bring theirs to the phone come last of all.
    """
    last_use = {name: place for place, name in enumerate(used)}
    order = sorted(names, key=lambda name: (name in failed, last_use.get(name, -1)))
    for name in order:
        if name not in tried and is_usable(healths.get(name, Health()), now):
            return name
    return None


def calling_code(number: str) -> str:
    """Give the country's part of an E.164 number, without + (ITU-T E.164 Annex: 1 to 3 digits)."""
    digits = number.removeprefix("+")
    if digits.startswith(_ONE_DIGIT_CODES):
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]
