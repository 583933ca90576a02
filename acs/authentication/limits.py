"""Limits of internet payments: conversion, calendar and the check of card and account.

Laws:
- Money is compared in whole minor units of the account's currency. A conversion rounds up, so that
  rounding never lets a payment through. An amount equal to its limit passes.
- An amount whose exponent is not its currency's has two readings: the message's, which the shop
  shows, and the currency's, which the host books. The dearer one counts. What a currency's is
  ISO 4217 says, and the range's policy where the scheme counts otherwise; never the message.
- A day is a calendar day of Europe/Warsaw, which has 23 or 25 hours twice a year.
- Every limit that is passed has a stable name: ``limit:<which>:<card|account>``. Names are stored
  and counted, so they never change their meaning.
- 0 is not a small limit but the switch that turns internet payments off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from iso4217 import Currency

from acs.authentication.facts import Converted, NoRate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from acs.authentication.range_policy import SmallPayments
    from enrollment.model import EffectiveLimits, LowValue, Standing, Use

RATE_AGE_MAX: Final = timedelta(days=4)
"""A long weekend without new rates passes; an older rate is as good as none."""

_EXACT: Final = Context(prec=80)
"""48 digits of an amount, a rate and a margin fit without rounding before the last step."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of a currency is ``rate`` units of another one, known on the day ``as_of``."""

    rate: Decimal
    as_of: date


@cache
def _exponents() -> Mapping[str, int]:
    return {
        f"{currency.number:03d}": currency.exponent
        for currency in Currency
        if currency.exponent is not None
    }


def exponent_of(currency: str) -> int | None:
    """Give the digits after the point of an ISO 4217 numeric currency; None when it has none."""
    return _exponents().get(currency)


def convert(  # noqa: PLR0913 - what an amount is read by, and converted by
    amount: int,
    exponent: int,
    currency: str,
    *,
    into: str,
    rates: Mapping[tuple[str, str], Rate],
    margin_bp: int,
    today: date,
    booked: int | None = None,
) -> Converted | NoRate:
    """Convert minor units of a purchase into minor units of the account's currency, rounded up.

    ``rates`` maps (from, to) to a rate; the reverse rate serves when that one is missing or old.
    ``margin_bp`` is added to the rate, in hundredths of a percent, for what the scheme or the bank
    will add. The same currency needs neither rate nor margin. ``booked`` are the digits by which
    the host reads the amount, where they are not the currency's.
    """
    minor, usual = exponent_of(into), exponent_of(currency) if booked is None else booked
    if minor is None:
        return NoRate("missing")
    # Money: fewer digits after the point are the dearer reading.
    exponent = exponent if usual is None else min(exponent, usual)
    if currency == into:
        return Converted(_shifted(amount, minor - exponent), into, None, None)
    rate = _find(rates, currency, into, today - RATE_AGE_MAX)
    if rate is None:
        is_stale = not rates.keys().isdisjoint({(currency, into), (into, currency)})
        return NoRate("stale" if is_stale else "missing")
    marked_up = _EXACT.multiply(rate.rate, _EXACT.add(1, Decimal(margin_bp).scaleb(-4, _EXACT)))
    major = Decimal(amount).scaleb(-exponent, _EXACT)
    exact = _EXACT.multiply(major, marked_up).scaleb(minor, _EXACT)
    return Converted(_up(exact), into, rate.rate, rate.as_of)


def _find(
    rates: Mapping[tuple[str, str], Rate], currency: str, into: str, oldest: date
) -> Rate | None:
    """Give the rate, or what the reverse one comes to; one from before that day is none."""
    direct = rates.get((currency, into))
    if direct is not None and direct.as_of >= oldest:
        return direct
    reverse = rates.get((into, currency))
    if reverse is None or reverse.as_of < oldest:
        return None
    return Rate(_EXACT.divide(1, reverse.rate), reverse.as_of)


def _shifted(amount: int, digits: int) -> int:
    """Give an amount with so many more digits after the point, or fewer, rounded up."""
    scale: int = 10 ** abs(digits)
    return amount * scale if digits >= 0 else -(-amount // scale)


def _up(exact: Decimal) -> int:
    return int(exact.to_integral_value(ROUND_CEILING, _EXACT))


def needs_amount(standing: Standing) -> bool:
    """Tell whether any limit is about money, so that an unconverted amount leaves it unchecked."""
    return _is_about_money(standing.card_limits) or _is_about_money(standing.account_limits)


def _is_about_money(limits: EffectiveLimits) -> bool:
    return not (limits.per_tx is limits.per_day is limits.per_month is None)


def switched_off(standing: Standing) -> tuple[str, ...]:
    """Name the levels at which internet payments are off."""
    if not (standing.card_limits.is_off or standing.account_limits.is_off):
        return ()
    return tuple(f"limit:off:{level}" for level, limits, _ in _levels(standing) if limits.is_off)


def over_per_tx(standing: Standing, amount: int) -> tuple[str, ...]:
    """Name the levels whose limit for one payment the amount passes."""
    if not (
        _passes(amount, standing.card_limits.per_tx)
        or _passes(amount, standing.account_limits.per_tx)
    ):
        return ()
    return tuple(
        f"limit:per_tx:{level}"
        for level, limits, _ in _levels(standing)
        if _passes(amount, limits.per_tx)
    )


def over_period(standing: Standing, amount: int) -> tuple[str, ...]:
    """Name the limits of day and month, amounts and counts, that one more payment would pass."""
    if _holds(standing.card_limits, standing.card_use, amount) and _holds(
        standing.account_limits, standing.account_use, amount
    ):
        return ()
    levels = [(level, _periods(limits, use, amount)) for level, limits, use in _levels(standing)]
    return tuple(
        f"limit:{which}:{level}"
        for place, which in enumerate(("day", "month", "count_day", "count_month"))
        for level, is_over in levels
        if is_over[place]
    )


def not_small(
    used: LowValue, small: SmallPayments, money: Converted | NoRate | None
) -> tuple[str, ...]:
    """Name the bounds of small payments that a payment passes, in the policy's currency.

    What was counted in another currency cannot be added up, and so fills the sum.
    """
    if not isinstance(money, Converted):
        return ("low_value:no_rate",)
    adds_up = used.count == 0 or used.currency == small.currency_number
    bounds = {
        "low_value:each": money.amount > small.each,
        "low_value:sum": not adds_up or used.amount + money.amount > small.sum,
        "low_value:count": used.count + 1 > small.count,
    }
    return tuple(name for name, is_passed in bounds.items() if is_passed)


def _holds(limits: EffectiveLimits, use: Use, amount: int) -> bool:
    """Tell at once what is nearly always so: that none of ``_periods`` is passed."""
    return (
        (limits.per_day is None or use.day_amount + amount <= limits.per_day)
        and (limits.per_month is None or use.month_amount + amount <= limits.per_month)
        and (limits.count_day is None or use.day_count < limits.count_day)
        and (limits.count_month is None or use.month_count < limits.count_month)
    )


def _periods(limits: EffectiveLimits, use: Use, amount: int) -> tuple[bool, ...]:
    return (
        _passes(use.day_amount + amount, limits.per_day),
        _passes(use.month_amount + amount, limits.per_month),
        _passes(use.day_count + 1, limits.count_day),
        _passes(use.month_count + 1, limits.count_month),
    )


def _passes(value: int, limit: int | None) -> bool:
    return limit is not None and value > limit


def _levels(standing: Standing) -> tuple[tuple[str, EffectiveLimits, Use], ...]:
    return (
        ("card", standing.card_limits, standing.card_use),
        ("account", standing.account_limits, standing.account_use),
    )
