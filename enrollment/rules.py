"""What may be done: which PIN, which change of a card's status, which limits, how long a block.

Pure. A rule answers with the refusal's name or None; bounds come from the policy or from the law
named beside them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from iso4217 import Currency

from enrollment.model import (
    Block,
    BlockKind,
    CardStatus,
    EffectiveLimits,
    midnight_after,
)
from enrollment.policy import PIN_LENGTHS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from enrollment.policy import AttemptPolicy, EnrollmentPolicy

_TRANSITIONS: dict[CardStatus, frozenset[CardStatus]] = {
    CardStatus.ACTIVE: frozenset(CardStatus) - {CardStatus.ACTIVE},
    CardStatus.BLOCKED_TEMP: frozenset(CardStatus) - {CardStatus.BLOCKED_TEMP},
    CardStatus.EXPIRED: frozenset(CardStatus) - {CardStatus.EXPIRED, CardStatus.BLOCKED_TEMP},
    CardStatus.BLOCKED: frozenset(
        {CardStatus.BLOCKED_STOLEN, CardStatus.REPLACED, CardStatus.CLOSED}
    ),
    CardStatus.BLOCKED_STOLEN: frozenset({CardStatus.REPLACED, CardStatus.CLOSED}),
    CardStatus.REPLACED: frozenset({CardStatus.CLOSED}),
    CardStatus.CLOSED: frozenset(),
}
_DIGITS = "0123456789"
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_RUNS = (_DIGITS + "0", "0" + _DIGITS[::-1])  # 7890 and 0987 are runs too


def may_become(was: CardStatus, wanted: CardStatus) -> bool:
    """Tell whether the host may say so of a card; saying the same again is always allowed."""
    return was is wanted or wanted in _TRANSITIONS[was]


def is_weak_pin(pin: str, birth_date: date | None, last4s: Iterable[str]) -> bool:
    """Tell whether somebody who knows the client would try this PIN among the first.

    Weak are: one digit repeated, a run up or down, a year, parts of the birth date, the end of one
    of the own cards.
    """
    if len(set(pin)) == 1 or any(pin in run for run in _RUNS):
        return True
    if _YEAR.fullmatch(pin):
        return True
    if birth_date is not None and pin in _date_parts(birth_date):
        return True
    return any(last4 in pin for last4 in last4s)


def _date_parts(day: date) -> set[str]:
    shapes = (
        "%d%m", "%m%d", "%y%m", "%m%y", "%y%d", "%d%y", "%Y",
        "%d%m%y", "%m%d%y", "%y%m%d", "%y%d%m", "%m%Y", "%Y%m", "%d%Y", "%Y%d",
        "%d%m%Y", "%m%d%Y", "%Y%m%d", "%Y%d%m",
    )  # fmt: skip
    return {day.strftime(shape) for shape in shapes}


def is_pin_shaped(pin: str, policy: EnrollmentPolicy) -> bool:
    """Tell whether the text is as many ASCII digits as the policy asks."""
    shaped = pin.isascii() and pin.isdigit()
    return shaped and policy.pin_length_min <= len(pin) <= policy.pin_length_max


def is_any_pin(pin: str) -> bool:
    """Tell whether the text could be a PIN under any policy, as one set under an earlier one is."""
    shortest, longest = PIN_LENGTHS
    return pin.isascii() and pin.isdigit() and shortest <= len(pin) <= longest


def next_block(policy: AttemptPolicy, temp_blocks_before: int, now: datetime) -> Block:
    """Say which block follows too many failures: temporary, or permanent after too many of those.

    ``temp_blocks_before`` counts the temporary blocks that began within the policy's window, since
    the end of a permanent one: each of these is warned of before (RTS art. 4(4)).
    """
    if temp_blocks_before >= policy.temp_blocks_max:
        return Block(BlockKind.SCA_PERM, None)
    return Block(BlockKind.SCA_TEMP, temp_block_until(policy, now))


def is_last_warning(policy: AttemptPolicy, temp_blocks_before: int) -> bool:
    """Tell whether the client has to be warned that the next block will be permanent."""
    return temp_blocks_before + 1 == policy.temp_blocks_max


def temp_block_until(policy: AttemptPolicy, now: datetime) -> datetime:
    """Give the next midnight of the issuer's zone, or the end of the shortest block if later."""
    return max(midnight_after(now), now + policy.temp_block_min)


def raises(was: EffectiveLimits, wanted: EffectiveLimits) -> str | None:
    """Name the first member that would allow more than before, or None."""
    before = was.as_dict()
    for name, value in wanted.as_dict().items():
        bound = before[name]
        if bound is not None and (value is None or value > bound):
            return name
    return None


def minimum(*levels: EffectiveLimits) -> EffectiveLimits:
    """Give, member by member, the least of what is set; None where no level sets it."""
    least: dict[str, int | None] = {}
    for name in EffectiveLimits().as_dict():
        values = [value for level in levels if (value := level.as_dict()[name]) is not None]
        least[name] = min(values, default=None)
    return EffectiveLimits(**least)


def halved(limits: EffectiveLimits) -> EffectiveLimits:
    """Give what is left of limits while a new phone waits: half, rounded up; 0 alone stays off."""
    return EffectiveLimits(
        **{
            name: None if value is None else -(-value // 2)
            for name, value in limits.as_dict().items()
        }
    )


def client_may_set(
    own: EffectiveLimits,
    above: EffectiveLimits,
    wanted: EffectiveLimits,
    *,
    may_raise: bool = False,
) -> str | None:
    """Name the first member that only a branch may set so, or None: clients only lower.

    ``own`` is what the client set before, ``above`` the minimum of the levels over it. A member
    that no level sets may be set freely, for any value of it is a lowering. One that stays as it is
    is no raise, though the branch has gone below it since. With ``may_raise`` clients take back
    what they lowered themselves, up to ``above``.
    """
    raised = None if may_raise else raises(own, wanted)
    if raised is not None:
        return raised
    before = own.as_dict()
    for name, value in wanted.as_dict().items():
        bound = above.as_dict()[name]
        if value is None or value == before[name]:
            continue
        if bound is not None and value > bound:
            return name
    return None


@lru_cache(maxsize=256)
def currency_number(code: str) -> str | None:
    """Give the ISO 4217 number of a currency's three letters; None when cards cannot use it."""
    try:
        currency = Currency(code)
    except ValueError:
        return None
    return None if currency.exponent is None else f"{currency.number:03d}"


def currency_letters(number: str) -> str:
    """Give the three letters of a currency's ISO 4217 number."""
    return next(found.code for found in Currency if found.number == int(number))
