"""Which PIN, which status, which limits, how long a block."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment import rules
from enrollment.model import Block, BlockKind, CardStatus, EffectiveLimits
from enrollment.policy import AttemptPolicy, EnrollmentPolicy

WARSAW = ZoneInfo("Europe/Warsaw")
BORN = date(1985, 3, 9)
POLICY = AttemptPolicy()
LIMIT = st.none() | st.integers(0, 5)
LIMITS = st.builds(EffectiveLimits, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT)


@pytest.mark.parametrize(
    "pin",
    [
        "0000", "99999", "1234", "4321", "7890", "0987", "01234", "9876543", "1985", "2024",
        "0903", "0309", "8503", "0385", "090385", "850309", "09031985", "19850309", "0694",
        "106942",
    ],
)  # fmt: skip
def test_a_pin_that_is_tried_first_is_weak(pin: str) -> None:
    assert rules.is_weak_pin(pin, BORN, ["0694"])


@pytest.mark.parametrize("pin", ["2846", "1357", "80412", "120398", "7391"])
def test_other_pins_are_good(pin: str) -> None:
    assert not rules.is_weak_pin(pin, BORN, ["0694"])


def test_without_a_birth_date_only_the_rest_is_looked_at() -> None:
    assert not rules.is_weak_pin("0903", None, [])


@pytest.mark.parametrize(
    ("pin", "is_shaped"),
    [("123", False), ("1234", True), ("12345678", True), ("123456789", False), ("12a4", False),
     ("\u0661\u0662\u0663\u0664", False), ("\u00b2\u00b2\u00b2\u00b2", False), ("", False)],
)  # fmt: skip
def test_a_pin_is_ascii_digits_of_the_policys_length(pin: str, *, is_shaped: bool) -> None:
    assert rules.is_pin_shaped(pin, EnrollmentPolicy()) is is_shaped


def test_every_status_may_be_said_again() -> None:
    assert all(rules.may_become(status, status) for status in CardStatus)


@pytest.mark.parametrize(
    ("was", "wanted", "may"),
    [
        (CardStatus.ACTIVE, CardStatus.BLOCKED_TEMP, True),
        (CardStatus.BLOCKED_TEMP, CardStatus.ACTIVE, True),
        (CardStatus.EXPIRED, CardStatus.ACTIVE, True),
        (CardStatus.BLOCKED, CardStatus.ACTIVE, False),
        (CardStatus.BLOCKED_STOLEN, CardStatus.ACTIVE, False),
        (CardStatus.BLOCKED_STOLEN, CardStatus.BLOCKED, False),
        (CardStatus.BLOCKED_STOLEN, CardStatus.REPLACED, True),
        (CardStatus.REPLACED, CardStatus.ACTIVE, False),
        (CardStatus.REPLACED, CardStatus.CLOSED, True),
        (CardStatus.CLOSED, CardStatus.ACTIVE, False),
    ],
)
def test_what_is_final_stays_final(was: CardStatus, wanted: CardStatus, *, may: bool) -> None:
    assert rules.may_become(was, wanted) is may


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # Noon: to midnight.
        (datetime(2026, 6, 17, 12, tzinfo=WARSAW), datetime(2026, 6, 18, 0, tzinfo=WARSAW)),
        # Six hours before midnight, to the second.
        (datetime(2026, 6, 17, 18, tzinfo=WARSAW), datetime(2026, 6, 18, 0, tzinfo=WARSAW)),
        # Late evening: at least six hours.
        (datetime(2026, 6, 17, 23, tzinfo=WARSAW), datetime(2026, 6, 18, 5, tzinfo=WARSAW)),
        (datetime(2026, 6, 17, 0, tzinfo=WARSAW), datetime(2026, 6, 18, 0, tzinfo=WARSAW)),
        # The day of 23 hours and the day of 25.
        (datetime(2026, 3, 29, 1, tzinfo=WARSAW), datetime(2026, 3, 30, 0, tzinfo=WARSAW)),
        (datetime(2026, 10, 25, 1, tzinfo=WARSAW), datetime(2026, 10, 26, 0, tzinfo=WARSAW)),
        # The clock goes forward in the night: six real hours.
        (datetime(2026, 3, 28, 23, tzinfo=WARSAW), datetime(2026, 3, 29, 6, tzinfo=WARSAW)),
    ],
)
def test_a_temporary_block_ends_at_midnight_but_lasts_six_hours(
    now: datetime, until: datetime
) -> None:
    assert rules.temp_block_until(POLICY, now.astimezone(UTC)) == until


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_temporary_block_lasts_six_to_thirty_one_hours(now: datetime) -> None:
    until = rules.temp_block_until(POLICY, now)

    assert timedelta(hours=6) <= until - now <= timedelta(hours=25)


def test_the_block_after_the_last_allowed_one_is_permanent(now: datetime) -> None:
    assert rules.next_block(POLICY, 2, now).kind is BlockKind.SCA_TEMP
    assert rules.next_block(POLICY, 3, now) == Block(BlockKind.SCA_PERM, None)
    assert [rules.is_last_warning(POLICY, before) for before in range(4)] == [
        False, False, True, False,
    ]  # fmt: skip


@given(LIMITS, LIMITS)
def test_what_raises_nothing_leaves_the_minimum_as_it_is(
    was: EffectiveLimits, wanted: EffectiveLimits
) -> None:
    is_lower = rules.raises(was, wanted) is None

    assert is_lower is (rules.minimum(was, wanted) == wanted)


@given(LIMITS, LIMITS, LIMITS)
def test_what_a_client_may_set_is_what_counts_from_then_on(
    own: EffectiveLimits, above: EffectiveLimits, wanted: EffectiveLimits
) -> None:
    if rules.client_may_set(own, above, wanted) is not None:
        return
    before = rules.minimum(own, above)
    after = rules.minimum(wanted, above)

    assert rules.raises(before, after) is None


@pytest.mark.parametrize(
    ("own", "above", "wanted", "refused"),
    [
        (EffectiveLimits(), EffectiveLimits(), EffectiveLimits(per_tx=5), None),
        (EffectiveLimits(per_tx=5), EffectiveLimits(), EffectiveLimits(per_tx=5), None),
        (EffectiveLimits(per_tx=5), EffectiveLimits(), EffectiveLimits(per_tx=6), "per_tx"),
        (EffectiveLimits(per_tx=5), EffectiveLimits(), EffectiveLimits(), "per_tx"),
        (EffectiveLimits(), EffectiveLimits(per_day=5), EffectiveLimits(per_day=6), "per_day"),
        (EffectiveLimits(), EffectiveLimits(per_day=5), EffectiveLimits(per_day=5), None),
        (
            EffectiveLimits(per_tx=5, per_day=9),
            EffectiveLimits(per_day=7),
            EffectiveLimits(per_tx=4, per_day=9),
            None,
        ),
        (
            EffectiveLimits(per_tx=5, per_day=9),
            EffectiveLimits(per_day=7),
            EffectiveLimits(per_tx=4, per_day=8),
            "per_day",
        ),
    ],
)
def test_a_client_only_lowers(
    own: EffectiveLimits, above: EffectiveLimits, wanted: EffectiveLimits, refused: str | None
) -> None:
    assert rules.client_may_set(own, above, wanted) == refused


@given(LIMITS, LIMITS, LIMITS)
def test_a_client_who_may_raise_never_comes_above_the_branch(
    own: EffectiveLimits, above: EffectiveLimits, wanted: EffectiveLimits
) -> None:
    refused = rules.client_may_set(own, above, wanted, may_raise=True)
    is_over = [
        name
        for name, bound in above.as_dict().items()
        if bound is not None
        and (value := wanted.as_dict()[name]) is not None
        and value > bound
        and value != own.as_dict()[name]
    ]

    assert refused == (is_over[0] if is_over else None)
    assert rules.raises(above, rules.minimum(wanted, above)) is None


def test_zero_in_any_member_switches_payments_off() -> None:
    assert EffectiveLimits(count_day=0).is_off
    assert not EffectiveLimits(per_tx=1).is_off


@pytest.mark.parametrize(("letters", "number"), [("PLN", "985"), ("ALL", "008"), ("JPY", "392")])
def test_a_currency_has_letters_and_a_number(letters: str, number: str) -> None:
    assert rules.currency_number(letters) == number
    assert rules.currency_letters(number) == letters


@pytest.mark.parametrize("letters", ["XAU", "XTS", "QQQ", "pln", ""])
def test_what_no_card_is_billed_in_is_no_currency(letters: str) -> None:
    assert rules.currency_number(letters) is None
