from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.case import Decision, Exemption
from acs.authentication.decision import RULES, decide
from acs.authentication.facts import Converted, Facts, NoRate, Number, Prior, Swap
from acs.authentication.range_policy import Default
from acs.authentication.rendering import Rendering
from acs.transaction import Elements
from enrollment.model import (
    Block,
    BlockKind,
    CardStatus,
    EffectiveLimits,
    EnrolmentReason,
    EnrolmentState,
    LowValue,
    Use,
)
from schemas.three_ds_method import DeviceData
from schemas.values import ChallengeInd, TransStatus
from tests.acs.people import (
    ACS_TRANS_ID,
    NOW,
    PHONE,
    a_prior,
    a_range,
    a_standing,
    an_areq,
    some_facts,
)
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.compiler import Reading

TABLE = Path(__file__).parents[2] / "tables" / "decision.txt"
DAY = timedelta(days=1)
BLOCKS = {
    "for_good": Block(BlockKind.SCA_PERM, None),
    "until_tomorrow": Block(BlockKind.SCA_TEMP, NOW + DAY),
    "until_yesterday": Block(BlockKind.SCA_TEMP, NOW - DAY),
}
SHARED = replace(PHONE, shared=True)
NEW = replace(PHONE, changed_at=NOW - 3 * DAY + timedelta(seconds=1))
JUST_NOW = replace(PHONE, changed_at=NOW - 2 * DAY + timedelta(seconds=1))
TWO_DAYS = replace(PHONE, changed_at=NOW - 2 * DAY)
OLDER = replace(PHONE, changed_at=NOW - 3 * DAY)
UNUSABLE = type(PHONE)(PHONE.phone_id, PHONE.mask, usable=False)
READ_CARD: dict[str, Callable[[Any], Any]] = {
    "card_status": CardStatus,
    "enrolment": EnrolmentState,
    "enrolment_reason": EnrolmentReason,
    "card_limits": lambda value: EffectiveLimits(**value),
    "account_limits": lambda value: EffectiveLimits(**value),
    "card_use": lambda value: Use(**value),
    "account_use": lambda value: Use(**value),
    "phone": {
        None: None,
        "unusable": UNUSABLE,
        "shared": SHARED,
        "just_now": JUST_NOW,
        "two_days": TWO_DAYS,
        "new": NEW,
        "older": OLDER,
    }.get,
    "low_value": lambda value: LowValue(wanted=True, **value),
    "block": BLOCKS.__getitem__,
}
AMOUNTS = {"none": None, "missing": NoRate("missing"), "stale": NoRate("stale")}
PRIORS: dict[str, tuple[Prior, ...]] = {
    "good": (a_prior(),),
    "unknown": (),
    "failed": (a_prior(trans_status="N"),),
    "small": (a_prior(rule="low_value:small"),),
    "trusted": (a_prior(rule="trust:listed"),),
    "other_card": (a_prior(card_id=None),),
    "other_shop": (a_prior(requestor_id="R-2"),),
    "other_merchant": (a_prior(acquirer_merchant_id="M-2"),),
    "other_acquirer": (a_prior(acquirer_bin="1"),),
    "other_network": (a_prior(ds_id="mastercard"),),
    "add_card": (a_prior(message_category="02", acquirer_bin=None, acquirer_merchant_id=None),),
    "account_check": (a_prior(message_category="02", device_channel="03"),),
    "chained": (a_prior(device_channel="03"),),
    "second_of_two": (a_prior(trans_status="N"), a_prior()),
}
REFERENCE = {"threeDSReqPriorRef": str(ACS_TRANS_ID)}
FACTS: dict[str, Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]] = {
    "amount": lambda value: (
        {},
        {
            "amount": AMOUNTS[value]
            if isinstance(value, str)
            else Converted(value, "985", None, None)
        },
    ),
    "keys": lambda value: ({}, {"keys_available": value}),
    "prior": lambda value: (
        {"threeDSRequestorPriorAuthenticationInfo": REFERENCE},
        {"priors": PRIORS[value]},
    ),
    "swap": lambda value: ({}, {"swap": Swap(value)}),
    "number": lambda value: ({}, {"number": Number(value)}),
    "small": lambda value: (
        {},
        {
            "small": AMOUNTS[value]
            if isinstance(value, str)
            else Converted(value, "985", None, None)
        },
    ),
    "warned": lambda value: (
        {"deviceInfo": _told_by_app(value)},
        {"rendering": Rendering("01", "01")},
    ),
    "device": lambda value: (
        {"threeDSCompInd": "Y"},
        {"device": DeviceData() if value == "known" else None},
    ),
}
"""What such a word puts into the AReq, and into the facts."""


def _told_by_app(warning: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"DV": "1.6", "SW": [warning]}).encode()).decode()


ROWS = [
    line
    for line in TABLE.read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


def value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def case_of(left: str) -> tuple[Reading, Facts]:
    """Build the AReq and the facts that the left side of a row describes."""
    card: dict[str, Any] = {}
    policy: dict[str, Any] = {"av_profile": "visa-v7", "av_key_id": "key-1"}
    areq: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    has_card = True
    for word in left.split():
        name, text = word.split("=", 1)
        value = value_of(text)
        match name.split("."):
            case ["card", field]:
                card[field] = READ_CARD.get(field, lambda same: same)(value)
            case ["policy", field]:
                policy[field] = value
            case ["policy"]:
                policy |= {"default": value, "challenge_mandated": False}
            case ["areq", field]:
                areq[field] = value
            case ["card"]:
                has_card = False
            case [
                (
                    "amount" | "keys" | "prior" | "device" | "warned" | "swap" | "number" | "small"
                ) as fact
            ]:
                said, found = FACTS[fact](value)
                areq |= said
                facts |= found
            case _:
                areq[name] = text
    ours = a_range()
    facts["range"] = type(ours)(
        **{
            name: getattr(ours, name)
            for name in ("range_id", "version", "low", "high", "scheme", "issuer_id")
        },
        policy=type(ours.policy).from_json(policy),
    )
    standing = a_standing(**card) if has_card else None
    return an_areq(**areq), some_facts(standing=standing, **facts)


def told(decision: Decision) -> set[str]:
    """Write a decision as the right side of a row, in words."""
    words = {decision.trans_status, decision.reason or "-", decision.rule}
    if decision.elements is not None:
        words.add(f"elements={decision.elements}")
    if decision.cardholder_info is not None:
        words.add(f"info={decision.cardholder_info}")
    if decision.challenge_mandated:
        words.add("mandated")
    if decision.exemption is not Exemption.NONE:
        words.add(f"exemption={decision.exemption}")
    if decision.reserve is not None:
        words.add(f"holds={decision.reserve.amount}")
    if decision.low_value is not None:
        words.add(f"small={decision.low_value.amount}")
    if decision.offers_trust:
        words.add("offers_trust")
    if decision.list_status is not None:
        words.add(f"listed={decision.list_status}")
    if decision.reasons:
        words.add(f"because={','.join(decision.reasons)}")
    return {str(word) for word in words}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row.partition("->")[0].split()))
def test_the_table_is_the_decision(row: str) -> None:
    left, _, right = row.partition("->")

    decision = decide(*case_of(left), NOW)

    assert told(decision) == set(right.split())


def test_every_rule_of_the_table_speaks_somewhere() -> None:
    """A rule without a row would not be proved by anything."""
    spoken = {row.partition("->")[2].split()[2].split(":")[0] for row in ROWS}

    assert spoken == {
        "card", "consent", "device", "enrolment", "fx", "key", "limit", "low_value", "number",
        "offer", "person", "phone", "pin", "range", "ri3", "sim", "trust", "wish",
    }  # fmt: skip
    assert len(RULES) == 22


def test_a_reservation_carries_the_limits_it_was_decided_on() -> None:
    card, account = EffectiveLimits(per_day=1_000_000), EffectiveLimits(count_day=7)
    facts = some_facts(standing=a_standing(card_limits=card, account_limits=account))

    reserve = decide(an_areq(), facts, NOW).reserve

    assert reserve is not None
    assert (reserve.card, reserve.account) == (card, account)


WISHES = st.sampled_from([*ChallengeInd, "15", "80"])


@given(
    version=st.sampled_from(["2.1.0", "2.2.0", "2.3.1"]),
    channel=st.sampled_from(["01", "02", "03"]),
    wishes=st.lists(WISHES, max_size=2),
    decoupled=st.sampled_from([None, "Y", "N", "F", "B"]),
    accept=st.booleans(),
    elements=st.sampled_from(Elements),
    amount=st.sampled_from([Converted(1, "985", None, None), NoRate("stale"), None]),
)
def test_a_requestor_never_gets_a_y_from_a_range_that_challenges(
    version: str,
    channel: str,
    wishes: list[str],
    decoupled: str | None,
    amount: Converted | NoRate | None,
    *,
    accept: bool,
    elements: Elements,
) -> None:
    """Seen elsewhere: a wish, or asking for decoupled, made a must-challenge range say Y."""
    asked: object = [str(wish) for wish in wishes] if version == "2.3.1" else None
    if version != "2.3.1" and wishes:
        asked = str(wishes[0])
    areq = an_areq(
        version,
        channel,
        threeDSRequestorChallengeInd=asked,
        threeDSRequestorDecReqInd=decoupled,
    )
    facts = some_facts(
        range=a_range(
            elements=elements,
            default=Default.CHALLENGE,
            accept_data_share=accept,
            honoured_requests=frozenset({"05", "07", "10", "11"}),
        ),
        amount=amount,
    )

    decision = decide(areq, facts, NOW)

    assert decision.trans_status in {
        TransStatus.CHALLENGE,
        TransStatus.INFORMATION,
        TransStatus.COULD_NOT,
    }
    shared = version != "2.1.0" and "06" in (asked or "")  # type: ignore[operator]
    assert not (shared and decision.trans_status == TransStatus.CHALLENGE)
    assert (decision.elements is not None) == (decision.trans_status == TransStatus.CHALLENGE)
