from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication import limits
from acs.authentication.facts import Converted, NoRate
from acs.authentication.limits import Rate
from enrollment.model import EffectiveLimits, Use, calendar_of
from tests.acs.people import a_standing

TODAY = date(2026, 4, 15)
PLN, EUR, JPY, KWD, ISK, GOLD = "985", "978", "392", "414", "352", "959"
RATES = {
    (EUR, PLN): Rate(Decimal("4.2567"), TODAY),
    (JPY, PLN): Rate(Decimal("0.026"), TODAY),
    (ISK, PLN): Rate(Decimal("0.03"), TODAY),
    (PLN, KWD): Rate(Decimal("0.08"), TODAY),
}


def converted(
    amount: int, exponent: int, currency: str, margin_bp: int = 0, booked: int | None = None
) -> object:
    return limits.convert(
        amount,
        exponent,
        currency,
        into=PLN,
        rates=RATES,
        margin_bp=margin_bp,
        today=TODAY,
        booked=booked,
    )


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 23, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26)),
    ],
)
def test_a_day_is_a_day_in_warsaw_also_when_clocks_change(instant: datetime, day: date) -> None:
    assert calendar_of(instant) == (day, day.replace(day=1))


@pytest.mark.parametrize(
    ("currency", "digits"), [(PLN, 2), (JPY, 0), (KWD, 3), (GOLD, None), ("000", None)]
)
def test_a_currency_has_the_digits_of_iso_4217(currency: str, digits: int | None) -> None:
    assert limits.exponent_of(currency) == digits


@pytest.mark.parametrize(
    ("amount", "exponent", "currency", "minor"),
    [
        (12_345, 2, PLN, 12_345),
        (10_000, 2, EUR, 42_567),
        (1, 2, EUR, 5),
        (1_000, 0, JPY, 2_600),
        (1, 0, JPY, 3),
        (1_000, 3, KWD, 1_250),
        (1, 3, KWD, 2),
        (0, 2, EUR, 0),
        (10**48 - 1, 2, PLN, 10**48 - 1),
    ],
)
def test_a_conversion_rounds_up_to_the_minor_unit(
    amount: int, exponent: int, currency: str, minor: int
) -> None:
    result = converted(amount, exponent, currency)

    assert isinstance(result, Converted)
    assert (result.amount, result.currency) == (minor, PLN)


@pytest.mark.parametrize(
    ("amount", "exponent", "currency", "minor"),
    [
        (1_000_000, 4, PLN, 1_000_000),  # the host books 10 000.00, the message says 100.0000
        (1_000_000, 9, PLN, 1_000_000),
        (500, 0, PLN, 50_000),  # the host books 5.00, the message says 500
        (1, 1, PLN, 10),
        (5_000, 2, ISK, 15_000),  # ISO: no digits; Visa's old way: two
        (5_000, 0, ISK, 15_000),
        (5_000, 2, KWD, 62_500),
        (5_000, 4, KWD, 6_250),
        (5_000, 2, JPY, 13_000),
    ],
)
def test_of_two_readings_of_an_amount_the_dearer_one_counts(
    amount: int, exponent: int, currency: str, minor: int
) -> None:
    result = converted(amount, exponent, currency)

    assert isinstance(result, Converted)
    assert result.amount == minor


@pytest.mark.parametrize(
    ("amount", "exponent", "minor"),
    [
        (500_000, 2, 15_000),  # 5 000 kronur at 0.03, as the scheme counts them
        (500_000, 4, 15_000),
        (5_000, 0, 15_000),
        (500_000, 0, 1_500_000),
    ],
)
def test_where_the_scheme_gives_a_currency_other_digits_the_host_reads_by_them(
    amount: int, exponent: int, minor: int
) -> None:
    result = converted(amount, exponent, ISK, booked=2)

    assert isinstance(result, Converted)
    assert result.amount == minor


@given(st.integers(0, 10**12), st.integers(0, 9), st.integers(0, 4))
def test_no_exponent_makes_an_amount_cheaper_than_what_the_scheme_makes_of_it(
    amount: int, exponent: int, booked: int
) -> None:
    given_, read = (converted(amount, one, ISK, booked=booked) for one in (exponent, booked))

    assert isinstance(given_, Converted)
    assert isinstance(read, Converted)
    assert given_.amount >= read.amount


@given(st.integers(0, 10**12), st.integers(0, 9), st.sampled_from([PLN, EUR, JPY, KWD, ISK]))
def test_no_exponent_makes_an_amount_cheaper_than_what_the_host_books(
    amount: int, exponent: int, currency: str
) -> None:
    usual = limits.exponent_of(currency)
    assert usual is not None
    given_, booked = converted(amount, exponent, currency), converted(amount, usual, currency)

    assert isinstance(given_, Converted)
    assert isinstance(booked, Converted)
    assert given_.amount >= booked.amount


def test_the_margin_is_added_to_a_rate_and_never_to_the_same_currency() -> None:
    foreign, own = converted(10_000, 2, EUR, 500), converted(10_000, 2, PLN, 500)

    assert isinstance(foreign, Converted)
    assert isinstance(own, Converted)
    assert (foreign.amount, own.amount) == (44_696, 10_000)
    assert (foreign.rate, foreign.as_of) == (Decimal("4.2567"), TODAY)


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 4, 19), Converted), (date(2026, 4, 20), NoRate)],
)
def test_a_rate_is_good_for_four_days(today: date, expected: type) -> None:
    result = limits.convert(1, 2, EUR, into=PLN, rates=RATES, margin_bp=0, today=today)

    assert type(result) is expected


def test_an_old_rate_is_none_beside_a_fresh_one_of_the_other_direction() -> None:
    """A bank that turns the direction of its file round cannot take the old rates out."""
    old = date(2026, 1, 1)
    rates = {(EUR, PLN): Rate(Decimal("4.10"), old), (PLN, EUR): Rate(Decimal("0.25"), TODAY)}

    def into_pln(today: date) -> object:
        return limits.convert(100, 2, EUR, into=PLN, rates=rates, margin_bp=0, today=today)

    assert into_pln(TODAY) == Converted(400, PLN, Decimal(4), TODAY)
    assert into_pln(old) == Converted(410, PLN, Decimal("4.10"), old)
    assert into_pln(date(2026, 5, 1)) == NoRate("stale")


def test_without_a_rate_nothing_is_converted() -> None:
    assert converted(1, 2, "840") == NoRate("missing")


def test_an_account_in_no_currency_cannot_be_compared() -> None:
    result = limits.convert(1, 2, PLN, into=GOLD, rates=RATES, margin_bp=0, today=TODAY)

    assert result == NoRate("missing")


@given(st.integers(0, 10**15), st.integers(0, 3))
def test_more_never_converts_to_less(amount: int, exponent: int) -> None:
    less, more = converted(amount, exponent, EUR), converted(amount + 1, exponent, EUR)

    assert isinstance(less, Converted)
    assert isinstance(more, Converted)
    assert less.amount <= more.amount


@pytest.mark.parametrize(
    ("limit", "amount", "names"),
    [
        (None, 10**9, ()),
        (10_000, 10_000, ()),
        (10_000, 10_001, ("limit:per_tx:card",)),
    ],
)
def test_an_amount_equal_to_its_limit_passes(
    limit: int | None, amount: int, names: tuple[str, ...]
) -> None:
    standing = a_standing(card_limits=EffectiveLimits(per_tx=limit))

    assert limits.over_per_tx(standing, amount) == names


def test_card_and_account_are_each_compared() -> None:
    standing = a_standing(
        card_limits=EffectiveLimits(per_tx=9_999), account_limits=EffectiveLimits(per_tx=9_999)
    )

    assert limits.over_per_tx(standing, 10_000) == ("limit:per_tx:card", "limit:per_tx:account")


PERIODS = [
    (EffectiveLimits(per_day=10_000), Use(day_amount=9_000), 1_000, "day"),
    (EffectiveLimits(per_month=10_000), Use(month_amount=9_000), 1_000, "month"),
    (EffectiveLimits(count_day=3), Use(day_count=2), 1, "count_day"),
    (EffectiveLimits(count_month=3), Use(month_count=2), 1, "count_month"),
]


@pytest.mark.parametrize(("limit", "use", "amount", "_which"), PERIODS)
def test_what_is_left_of_a_period_may_be_spent(
    limit: EffectiveLimits, use: Use, amount: int, _which: str
) -> None:
    standing = a_standing(card_limits=limit, card_use=use, account_limits=limit, account_use=use)

    assert limits.over_period(standing, amount) == ()


@pytest.mark.parametrize(
    ("limit", "use", "amount", "which"),
    [
        (EffectiveLimits(per_day=10_000), Use(day_amount=9_000), 1_001, "day"),
        (EffectiveLimits(per_month=10_000), Use(month_amount=9_000), 1_001, "month"),
        (EffectiveLimits(count_day=3), Use(day_count=3), 1, "count_day"),
        (EffectiveLimits(count_month=3), Use(month_count=3), 1, "count_month"),
    ],
)
def test_one_more_than_is_left_of_a_period_is_named(
    limit: EffectiveLimits, use: Use, amount: int, which: str
) -> None:
    card = a_standing(card_limits=limit, card_use=use)
    account = a_standing(account_limits=limit, account_use=use)

    assert limits.over_period(card, amount) == (f"limit:{which}:card",)
    assert limits.over_period(account, amount) == (f"limit:{which}:account",)


@pytest.mark.parametrize("member", ["per_tx", "per_day", "per_month", "count_day", "count_month"])
def test_a_zero_anywhere_switches_payments_off(member: str) -> None:
    off = EffectiveLimits(**{member: 0})

    assert limits.switched_off(a_standing(card_limits=off)) == ("limit:off:card",)
    assert limits.switched_off(a_standing(account_limits=off)) == ("limit:off:account",)
    assert limits.switched_off(a_standing()) == ()


@pytest.mark.parametrize(
    ("limit", "needed"),
    [
        (EffectiveLimits(), False),
        (EffectiveLimits(count_day=1, count_month=1), False),
        (EffectiveLimits(per_tx=1), True),
        (EffectiveLimits(per_day=1), True),
        (EffectiveLimits(per_month=1), True),
    ],
)
def test_only_limits_about_money_need_the_amount(limit: EffectiveLimits, *, needed: bool) -> None:
    standing = a_standing(card_limits=EffectiveLimits(), account_limits=limit)

    assert limits.needs_amount(standing) is needed
