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
    avoid: str | None,
    now: datetime,
) -> str | None:
    """Give the first usable provider in the order of `names`; `avoid` comes last. None: no one."""
    order = sorted(names, key=lambda name: name == avoid)
    for name in order:
        if name not in tried and is_usable(healths.get(name, Health()), now):
            return name
    return None
