from __future__ import annotations

import pytest

from acs.authentication.case import case_of, reservation
from acs.authentication.facts import Converted, NoRate
from enrollment.model import EffectiveLimits
from schemas.three_ds_method import DeviceData
from tests.acs.people import NOW, a_standing, an_areq, some_facts

TIGHT = EffectiveLimits(per_tx=1, per_day=1)


@pytest.mark.parametrize(
    ("channel", "category", "amount", "spends"),
    [
        ("02", "01", 1, True),
        ("01", "01", 1, True),
        ("02", "01", 0, False),
        ("02", "02", 1, False),
        ("03", "01", 1, False),
    ],
)
def test_only_a_cardholders_payment_of_something_spends(
    channel: str, category: str, amount: int, *, spends: bool
) -> None:
    standing = a_standing(card_limits=TIGHT)
    facts = some_facts(standing=standing, amount=Converted(amount + 1, "985", None, None))
    if not amount:
        facts = some_facts(standing=standing, amount=Converted(0, "985", None, None))

    case = case_of(an_areq(channel=channel, category=category), facts, standing, NOW)

    assert case.spends == spends
    assert bool(case.over_per_tx) == spends
    assert (reservation(case) is not None) == spends


def test_what_cannot_be_converted_is_held_as_a_count() -> None:
    case = case_of(an_areq(), some_facts(amount=NoRate("stale")), a_standing(), NOW)

    held = reservation(case)

    assert held is not None
    assert held.amount == 0
    assert case.noticed == ("fx:stale",)


@pytest.mark.parametrize(
    ("told", "device", "noticed"),
    [
        ("Y", DeviceData(), ("device:known",)),
        ("Y", None, ("device:none",)),
        ("N", None, ()),
        ("U", None, ()),
    ],
)
def test_the_device_is_noticed_where_it_was_asked_for(
    told: str, device: DeviceData | None, noticed: tuple[str, ...]
) -> None:
    facts = some_facts(device=device)

    case = case_of(an_areq(threeDSCompInd=told), facts, a_standing(), NOW)

    assert case.noticed == noticed


@pytest.mark.parametrize(
    ("channel", "category", "asks"), [("03", "02", True), ("03", "01", False), ("02", "02", False)]
)
def test_only_a_non_payment_without_a_cardholder_asks_the_account(
    channel: str, category: str, *, asks: bool
) -> None:
    case = case_of(an_areq(channel=channel, category=category), some_facts(), a_standing(), NOW)

    assert case.asks_account == asks
