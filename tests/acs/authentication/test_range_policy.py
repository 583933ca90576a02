from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.range_policy import (
    HONOURABLE,
    Default,
    RangePolicy,
    RateMissing,
    SmallPayments,
    Unproved,
)
from acs.transaction import Elements
from schemas.values import TransStatusReason
from tests.acs.people import a_range

POLICIES = st.builds(
    RangePolicy,
    elements=st.sampled_from(Elements),
    default=st.just(Default.CHALLENGE),
    challenge_mandated=st.booleans(),
    accept_data_share=st.booleans(),
    honoured_requests=st.frozensets(st.sampled_from(sorted(HONOURABLE))),
    fx_missing=st.sampled_from(RateMissing),
    zero_blocks_npa=st.booleans(),
    offer_npa=st.booleans(),
    npa_value=st.booleans(),
    offer_3ri=st.booleans(),
    unproved_3ri=st.sampled_from(Unproved),
    swapped_max=st.none() | st.integers(0, 10**9),
    blocked_reason=st.sampled_from(("04", "19")).map(TransStatusReason),
    av_profile=st.just("visa-v0"),
    av_key_id=st.just("key"),
    av_key_indicator=st.from_regex(r"\A[0-9]{2}\Z"),
    av_pad_bytes=st.sampled_from([20, 21]),
    av_second_factor=st.none() | st.just("10"),
    eci=st.dictionaries(st.sampled_from("YNUARI"), st.sampled_from(["05", "N2", ""])),
    exponents=st.dictionaries(st.sampled_from(["ISK", "PLN", "KWD"]), st.integers(0, 4)),
)


@given(POLICIES)
def test_a_policy_survives_its_row(policy: RangePolicy) -> None:
    assert RangePolicy.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_the_default_policy_challenges_with_pin_and_code() -> None:
    policy = RangePolicy.from_json({})

    assert (policy.elements, policy.default) == (Elements.PIN_AND_OTP, Default.CHALLENGE)
    assert policy == RangePolicy()


def test_a_policy_names_currencies_that_its_scheme_counts_otherwise() -> None:
    policy = RangePolicy.from_json({"exponents": {"ISK": 2}})

    assert (policy.exponent_of("352"), policy.exponent_of("985")) == (2, None)
    assert "exponents" not in RangePolicy().to_json()


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"challenge": True}, "unknown members of a range policy: challenge"),
        ({"elements": "sms"}, "elements is one of otp, pin"),
        ({"elements": ["otp"]}, "elements is one of otp, pin"),
        ({"default": 1}, "default is one of challenge, frictionless"),
        ({"fx_missing": None}, "fx_missing is one of challenge, decline"),
        ({"accept_data_share": 1}, "accept_data_share is true or false"),
        ({"av_pad_bytes": "5"}, "av_pad_bytes is a whole number"),
        ({"av_pad_bytes": True}, "av_pad_bytes is a whole number"),
        ({"av_profile": ""}, "av_profile is a text or null"),
        ({"av_profile": "visa-v7"}, "av_profile and av_key_id go together"),
        ({"av_key_id": "key"}, "av_profile and av_key_id go together"),
        ({"av_key_indicator": "1"}, "av_key_indicator is two digits"),
        ({"av_second_factor": 2}, "av_second_factor is two digits"),
        ({"av_pad_bytes": 28}, "av_pad_bytes is 20 or 21"),
        ({"offer_npa": "yes"}, "offer_npa is true or false"),
        (
            {"low_value": True},
            "low_value is null or has members of count, currency, each, sum only",
        ),
        ({"low_value": {"per": 1}}, "low_value is null or has members of"),
        ({"low_value": {"each": "1"}}, "low_value.each is a whole number"),
        ({"low_value": {"each": 0}}, "each is above 0 and not above sum"),
        ({"low_value": {"each": 2, "sum": 1}}, "each is above 0 and not above sum"),
        ({"low_value": {"count": 6}}, r"count is 1 to 5 \(RTS art. 16\)"),
        ({"low_value": {"currency": "ZLO"}}, "ZLO is no currency of ISO 4217"),
        (
            {"low_value": {"each": 3001, "sum": 9000, "currency": "EUR"}},
            "each is at most 30 EUR and sum at most 100 EUR",
        ),
        (
            {"low_value": {}, "elements": "otp"},
            r"low_value goes with elements pin\+otp and default challenge",
        ),
        (
            {"low_value": {}, "default": "frictionless", "challenge_mandated": False},
            r"low_value goes with elements pin\+otp and default challenge",
        ),
        ({"swapped_max": -1}, "swapped_max is not below 0"),
        ({"swapped_max": "1"}, "swapped_max is a whole number"),
        ({"blocked_reason": "01"}, "blocked_reason is one of 04, 19"),
        ({"unproved_3ri": "accept"}, "unproved_3ri is one of could_not, decline"),
        (
            {"npa_value": True, "av_profile": "visa-v7", "av_key_id": "key"},
            "npa_value goes with av_profile visa-v0 or mastercard-dstrans only",
        ),
        (
            {"eci": {"Y": "N2"}, "av_profile": "visa-v7", "av_key_id": "key"},
            "the eci of a Y is of digits where av_profile visa-v7 binds it",
        ),
        ({"honoured_requests": "05"}, "honoured_requests is a list of codes"),
        ({"honoured_requests": [5]}, "honoured_requests is a list of codes"),
        ({"honoured_requests": ["06"]}, "honoured_requests may hold 05, 07, 10 and 11 only"),
        ({"eci": ["05"]}, "eci maps a transStatus to two characters"),
        ({"eci": {"Y": "5"}}, "eci maps a transStatus to two characters"),
        ({"eci": {"much too long": "05"}}, "eci maps a transStatus to two characters"),
        ({"eci": {1: "05"}}, "eci maps a transStatus to two characters"),
        *(
            ({"exponents": wrong}, "exponents maps currencies of ISO 4217 to 0 to 4 digits")
            for wrong in (2, {"352": 2}, {"ISK": "2"}, {"ISK": True}, {"ISK": -1}, {"ISK": 5})
        ),
        (
            {"default": "frictionless"},
            "a range that must challenge cannot be frictionless by default",
        ),
    ],
)
def test_a_fault_in_a_policy_is_refused(members: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RangePolicy.from_json(members)


SMALL = st.builds(
    SmallPayments,
    each=st.integers(1, 3_000),
    sum=st.integers(3_000, 10_000),
    count=st.integers(1, 5),
    currency=st.sampled_from(["PLN", "EUR", "JPY"]),
)


@given(SMALL)
def test_bounds_of_small_payments_survive_their_row(small: SmallPayments) -> None:
    policy = a_range(low_value=small).policy
    assert RangePolicy.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_small_payments_have_the_usual_bounds_of_the_country() -> None:
    policy = RangePolicy.from_json({"low_value": {}})
    assert policy.low_value is not None
    assert policy.low_value == SmallPayments(each=10_000, sum=40_000, count=5, currency="PLN")
    assert policy.low_value.currency_number == "985"
