"""Cases stand in tests/tables/decision.txt; here are the laws over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.decision import decide
from acs.authentication.facts import Prior
from acs.authentication.range_policy import Default, Unproved
from acs.authentication.requestor_initiated import ACCOUNT, PAYMENTS
from schemas.values import ChallengeInd, ThreeRIInd, TransStatus
from tests.acs.people import (
    ACS_TRANS_ID,
    CARD_ID,
    NOW,
    a_prior,
    a_range,
    a_standing,
    an_areq,
    some_facts,
)

if TYPE_CHECKING:
    from acs.authentication.case import Decision

PURPOSES = st.sampled_from([*ThreeRIInd, "80"])
PRIORS = st.builds(
    Prior,
    ds_id=st.sampled_from(["visa", "other"]),
    card_id=st.sampled_from([CARD_ID, None]),
    requestor_id=st.sampled_from(["R-1", "R-2", None]),
    acquirer_bin=st.sampled_from(["412345", "1", None]),
    acquirer_merchant_id=st.sampled_from(["M-1", "M-2", None]),
    device_channel=st.sampled_from(["01", "02", "03"]),
    message_category=st.sampled_from(["01", "02"]),
    trans_status=st.sampled_from(["Y", "N", "C", "U"]),
    rule=st.sampled_from(["range:challenge", "trust:listed", "low_value:small"]),
)
REFERENCE = {"threeDSReqPriorRef": str(ACS_TRANS_ID)}


def decision_of(
    purpose: str,
    priors: tuple[Prior, ...] = (),
    version: str = "2.3.1",
    category: str = "01",
    *,
    wish: str | None = None,
    default: Default = Default.CHALLENGE,
) -> Decision:
    policy: dict[str, Any] = {
        "default": default,
        "challenge_mandated": False,
        "unproved_3ri": Unproved.DECLINE,
    }
    asked = an_areq(
        version,
        "03",
        category,
        threeRIInd=str(purpose),
        threeDSRequestorPriorAuthenticationInfo=REFERENCE,
        threeDSRequestorChallengeInd=wish,
    )
    return decide(asked, some_facts(range=a_range(**policy), priors=priors), NOW)


@given(
    purpose=PURPOSES,
    priors=st.lists(PRIORS, max_size=3).map(tuple),
    version=st.sampled_from(["2.1.0", "2.2.0", "2.3.1"]),
    category=st.sampled_from(["01", "02", "80"]),
    wish=st.none() | st.sampled_from([str(one) for one in ChallengeInd]),
    default=st.sampled_from(Default),
)
def test_nobody_is_challenged_and_a_payment_is_proved_by_a_y_that_fits(
    purpose: str,
    priors: tuple[Prior, ...],
    version: str,
    category: str,
    wish: str | None,
    default: Default,
) -> None:
    decision = decision_of(purpose, priors, version, category, wish=wish, default=default)

    assert decision.trans_status != TransStatus.CHALLENGE
    assert decision.reserve is None
    if category == "01" and decision.trans_status == TransStatus.AUTHENTICATED:
        assert version != "2.1.0"
        assert any(
            (prior.trans_status, prior.ds_id, prior.card_id, prior.requestor_id)
            == ("Y", "visa", CARD_ID, "R-1")
            and prior.rule == "range:challenge"
            for prior in priors
        )


def test_every_purpose_is_answered_by_a_y_or_named_as_not_offered() -> None:
    answered = {one for one in ThreeRIInd if decision_of(one, (a_prior(),)).trans_status == "Y"}

    assert answered == ACCOUNT | PAYMENTS


def test_a_card_of_nobodys_is_no_reference_for_another_one_of_nobodys() -> None:
    facts = some_facts(standing=a_standing(), priors=(a_prior(card_id=None),))
    asked = an_areq(channel="03", threeRIInd="01")

    assert decide(asked, facts, NOW).rule == "ri3:no_reference"
