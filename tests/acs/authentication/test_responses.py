from __future__ import annotations

import json
from typing import Any

import pytest

from acs.authentication import responses
from acs.authentication.case import Decision, Exemption
from acs.authentication.responses import Identity, ares
from acs.transaction import AuthenticationValue, Elements
from schemas.messages import OutgoingInvalid, masked
from schemas.values import ListStatus, TransStatus, TransStatusReason
from schemas.vault import Secret
from tests.acs.people import (
    ACS_TRANS_ID,
    DS_TRANS_ID,
    SDK_TRANS_ID,
    SERVER_TRANS_ID,
    an_areq,
)

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
URL = "https://acs.bank.example/challenge"
IDENTITY = Identity("ACS_REF_1", "OPERATOR-1")
VALUE = "AAIBAzZ5kwAAADA5mFEjdQAAAAA="
PROOF = AuthenticationValue(Secret(VALUE), "05", "key-1", "visa-v7")

CHALLENGE = Decision(
    TransStatus.CHALLENGE, "range:challenge", elements=Elements.PIN_AND_OTP, challenge_mandated=True
)
ACCEPT = Decision(TransStatus.AUTHENTICATED, "range:frictionless")
REFUSE = Decision(TransStatus.NOT_AUTHENTICATED, "pin:missing", TransStatusReason.NOT_ENROLLED)
CANNOT = Decision(TransStatus.COULD_NOT, "offer:no_npa", TransStatusReason.NPA_NOT_SUPPORTED)
REJECT = Decision(TransStatus.REJECTED, "card:stolen", TransStatusReason.STOLEN_CARD)
INFORM = Decision(TransStatus.INFORMATION, "wish:data_share")
CORE = {
    "messageType", "messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID",
    "acsReferenceNumber", "acsOperatorID", "dsReferenceNumber", "transStatus",
}  # fmt: skip


def answer(
    decision: Decision,
    version: str = "2.2.0",
    channel: str = "02",
    category: str = "01",
    *,
    identity: Identity = IDENTITY,
    areq: dict[str, object] | None = None,
    **parts: Any,
) -> dict[str, object]:
    """Give the ARes to an AReq of that context."""
    written = ares(
        an_areq(version, channel, category, **(areq or {})),
        decision,
        acs_trans_id=ACS_TRANS_ID,
        identity=identity,
        challenge_url=URL,
        **parts,
    )
    sent: dict[str, object] = json.loads(written.raw)
    assert json.loads(written.masked) == masked("ARes", sent)
    return sent


@pytest.mark.parametrize("version", VERSIONS)
def test_identifiers_and_version_are_those_of_the_areq(version: str) -> None:
    sent = answer(REFUSE, version)

    assert {name: sent[name] for name in sorted(CORE)} == {
        "messageType": "ARes",
        "messageVersion": version,
        "threeDSServerTransID": SERVER_TRANS_ID,
        "dsTransID": DS_TRANS_ID,
        "acsTransID": str(ACS_TRANS_ID),
        "acsReferenceNumber": "ACS_REF_1",
        "acsOperatorID": "OPERATOR-1",
        "dsReferenceNumber": "DS_REF_1",
        "transStatus": "N",
    }


def test_an_identifier_is_echoed_as_it_was_spelled() -> None:
    shouted = DS_TRANS_ID.upper().replace("3", "A")

    assert answer(REFUSE, areq={"dsTransID": shouted})["dsTransID"] == shouted


def test_without_an_operator_id_none_is_sent() -> None:
    assert "acsOperatorID" not in answer(REFUSE, identity=Identity("ACS_REF_1"))


BROWSER = [
    ("2.1.0", CHALLENGE, {"acsURL", "acsChallengeMandated", "authenticationType"}),
    ("2.2.0", CHALLENGE, {"acsURL", "acsChallengeMandated", "authenticationType"}),
    ("2.3.1", CHALLENGE, {"acsURL", "acsChallengeMandated", "authenticationMethod"}),
    *[(version, REFUSE, {"transStatusReason"}) for version in VERSIONS],
    *[(version, CANNOT, {"transStatusReason"}) for version in VERSIONS],
    *[(version, REJECT, {"transStatusReason"}) for version in VERSIONS],
    *[(version, ACCEPT, {"authenticationValue", "eci"}) for version in VERSIONS],
]


@pytest.mark.parametrize(("version", "decision", "more"), BROWSER)
def test_each_browser_answer_has_exactly_its_elements(
    version: str, decision: Decision, more: set[str]
) -> None:
    proved: dict[str, Any] = {"proof": PROOF, "eci": "05"} if decision is ACCEPT else {}

    assert set(answer(decision, version, **proved)) == CORE | more


@pytest.mark.parametrize("version", ["2.2.0", "2.3.1"])
def test_information_carries_an_eci_and_no_value(version: str) -> None:
    wish: object = "06" if version == "2.2.0" else ["06"]

    sent = answer(INFORM, version, eci="07", areq={"threeDSRequestorChallengeInd": wish})

    assert set(sent) == CORE | {"eci"}


def test_a_challenge_says_where_how_and_whether_it_has_to_be() -> None:
    old, new = answer(CHALLENGE, "2.2.0"), answer(CHALLENGE, "2.3.1")

    assert (old["acsURL"], old["acsChallengeMandated"], old["authenticationType"]) == (
        URL,
        "Y",
        "02",
    )
    assert new["authenticationMethod"] == ["02", "01"]


def test_a_challenge_that_does_not_have_to_be_says_so() -> None:
    decision = Decision(TransStatus.CHALLENGE, "wish:challenge", elements=Elements.OTP)
    sent = answer(decision, "2.3.1")

    assert (sent["acsChallengeMandated"], sent["authenticationMethod"]) == ("N", ["02"])


@pytest.mark.parametrize("decision", [CHALLENGE, REFUSE])
@pytest.mark.parametrize(
    ("version", "asked", "told"),
    [
        ("2.2.0", "Y", "N"),
        ("2.2.0", "N", "N"),
        ("2.2.0", None, None),
        ("2.3.1", "Y", None),
    ],
)
def test_decoupled_is_declined_where_it_was_asked_about(
    decision: Decision, version: str, asked: str | None, told: str | None
) -> None:
    sent = answer(decision, version, areq={"threeDSRequestorDecReqInd": asked})

    assert sent.get("acsDecConInd") == told


def test_the_cardholder_reads_why_not() -> None:
    text = "Najpierw ustal PIN do płatności w internecie."

    assert answer(REFUSE, "2.2.0", cardholder_text=text)["cardholderInfo"] == text
    assert answer(REFUSE, "2.3.1", cardholder_text=text)["cardholderInfo"] == {"text": text}


@pytest.mark.parametrize("version", ["2.2.0", "2.3.1"])
def test_a_long_text_is_cut_to_what_fits(version: str) -> None:
    info = answer(REFUSE, version, cardholder_text="x" * 200)["cardholderInfo"]
    text = info["text"] if isinstance(info, dict) else info

    assert text == "x" * 128


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_empty_is_sent(text: str | None) -> None:
    assert "cardholderInfo" not in answer(REFUSE, cardholder_text=text)


def test_a_challenge_shows_no_text_to_the_shop() -> None:
    assert "cardholderInfo" not in answer(CHALLENGE, cardholder_text="x")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_app_gets_its_own_identifier_back(version: str) -> None:
    sent = answer(REFUSE, version, "01")
    extra = {"sdkTransID", "transStatusReason"}
    if version == "2.3.1":
        extra |= {"deviceInfoRecognisedVersion", "threeDSRequestorAppURLInd"}

    assert set(sent) == CORE | extra
    assert sent["sdkTransID"] == SDK_TRANS_ID


def test_a_browser_never_gets_an_sdk_identifier() -> None:
    assert "sdkTransID" not in answer(REFUSE, areq={"sdkTransID": SDK_TRANS_ID})


@pytest.mark.parametrize("version", ["2.2.0", "2.3.1"])
def test_a_requestor_initiated_answer_is_a_right_message(version: str) -> None:
    sent = answer(
        Decision(TransStatus.COULD_NOT, "offer:no_3ri", TransStatusReason.RI3_NOT_SUPPORTED),
        version,
        "03",
    )

    assert sent["transStatusReason"] == "21"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_non_payment_answer_is_a_right_message(version: str) -> None:
    assert answer(CANNOT, version, category="02")["transStatusReason"] == "20"


@pytest.mark.parametrize(
    ("decision", "parts"),
    [(ACCEPT, {}), (Decision(TransStatus.NOT_AUTHENTICATED, "x"), {}), (REFUSE, {"eci": "5"})],
)
def test_what_breaks_the_table_never_leaves(decision: Decision, parts: dict[str, Any]) -> None:
    """A Y without its value, an N without its reason, an ECI of one digit."""
    with pytest.raises(OutgoingInvalid):
        answer(decision, **parts)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("channel", ["01", "02", "03"])
@pytest.mark.parametrize("category", ["01", "02"])
@pytest.mark.parametrize("decision", [ACCEPT, REFUSE, CANNOT, REJECT], ids=lambda one: one.rule)
def test_a_text_goes_where_somebody_reads_it(
    decision: Decision, category: str, channel: str, version: str
) -> None:
    """Without a cardholder there is nobody, and 2.1.0 does not know the element there."""
    proof = PROOF if decision is ACCEPT and category == "01" else None

    sent = answer(
        decision, version, channel, category, proof=proof, eci="05", cardholder_text="Hello"
    )

    assert ("cardholderInfo" in sent) == (channel != "03")


SMALL = Decision(TransStatus.AUTHENTICATED, "low_value:small", exemption=Exemption.LOW_VALUE)


@pytest.mark.parametrize(("version", "told"), [("2.2.0", None), ("2.3.1", "10")])
def test_a_small_payment_says_that_it_is_exempt(version: str, told: str | None) -> None:
    """Rule 3.38; before 2.3.1 there is no name for it."""
    sent = answer(SMALL, version, proof=PROOF, eci="05")
    assert sent.get("transChallengeExemption") == told


def test_a_claim_that_a_payment_is_small_is_not_told_as_ours() -> None:
    claimed = Decision(TransStatus.INFORMATION, "wish:honoured", exemption=Exemption.LOW_VALUE)
    asked: dict[str, object] = {"threeDSRequestorChallengeInd": ["06"]}
    assert "transChallengeExemption" not in answer(claimed, "2.3.1", eci="05", areq=asked)


TRUSTED = Decision(
    TransStatus.AUTHENTICATED,
    "trust:listed",
    exemption=Exemption.TRUSTED,
    list_status=ListStatus.LISTED,
)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2.1.0", {}),
        ("2.2.0", {"whiteListStatus": "Y", "whiteListStatusSource": "03"}),
        (
            "2.3.1",
            {
                "trustListStatus": "Y",
                "trustListStatusSource": "03",
                "transChallengeExemption": "08",
            },
        ),
    ],
)
def test_a_payment_at_a_trusted_merchant_says_what_our_list_says(
    version: str, told: dict[str, str]
) -> None:
    """Rules 3.35 and 3.38; 2.1.0 has no names for it."""
    sent = answer(TRUSTED, version, proof=PROOF, eci="05")
    names = {name for name in sent if "ListStatus" in name or name == "transChallengeExemption"}

    assert {name: sent[name] for name in names} == told


def test_a_shape_knows_all_of_the_areq_that_a_verdict_rests_on() -> None:
    """Else one shape would have answers that its template cannot give, and each costs a check."""
    for version, wish in (("2.2.0", "01"), ("2.3.1", ["01"])):
        for asked in ({}, {"threeDSRequestorDecReqInd": "N"}, {"threeDSRequestorSpcSupport": "Y"}):
            areq: dict[str, object] = {"threeDSRequestorChallengeInd": wish, **asked}
            if version == "2.3.1" and "threeDSRequestorSpcSupport" in asked:
                areq["payeeOrigin"] = "https://shop.example"
            answer(REFUSE, version, areq=areq)
            answer(REFUSE, version)

    told = {name for each in responses._TEMPLATES.values() for _, name, _ in each.rests_on}
    assert told == {
        "threeDSRequestorChallengeInd",
        "threeDSRequestorDecReqInd",
        "threeDSRequestorSpcSupport",
    }
    for key, template in responses._TEMPLATES.items():
        shape = responses._Shape(*key)
        was = {name: value for _, name, value in template.rests_on}
        wish_was = was["threeDSRequestorChallengeInd"]
        assert (shape.decoupled, shape.spc, shape.wish) == (
            was["threeDSRequestorDecReqInd"],
            was["threeDSRequestorSpcSupport"],
            ",".join(wish_was) if isinstance(wish_was, list) else wish_was,
        )
