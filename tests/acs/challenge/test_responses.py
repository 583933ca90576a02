from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.challenge import events, responses
from acs.challenge.responses import final_cres, rreq, to_bytes
from acs.transaction import AuthenticationValue, Elements
from schemas import messages
from schemas.values import TransStatusReason
from schemas.vault import Secret
from tests.acs.challenge.stories import ACCEPTED, ERROR, EXHAUSTED, REJECTED, opened, tell, waiting
from tests.acs.people import (
    ACS_TRANS_ID,
    DS_TRANS_ID,
    NOW,
    SDK_TRANS_ID,
    SERVER_TRANS_ID,
    a_transaction,
    an_app_transaction,
)
from tests.records import replace

if TYPE_CHECKING:
    from acs.challenge.events import Event
    from acs.challenge.machine import Challenge

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
VALUE = "AAIBAzZ5kwAAADA5mFEjdQAAAAA="
PROOF = AuthenticationValue(Secret(VALUE), "05", "key-1", "visa-v7")
CORE = {
    "messageType", "messageVersion", "messageCategory", "threeDSServerTransID", "dsTransID",
    "acsTransID", "transStatus", "interactionCounter",
}  # fmt: skip
ERRO: dict[str, object] = {
    "messageType": "Erro",
    "messageVersion": "2.3.1",
    "errorCode": "203",
    "errorComponent": "A",
    "errorDescription": "Data element not in the required format",
    "errorDetail": "challengeWindowSize",
    "errorMessageType": "CReq",
    "acsTransID": str(ACS_TRANS_ID),
    "dsTransID": DS_TRANS_ID,
    "threeDSServerTransID": SERVER_TRANS_ID,
}


def ended(event: Event, version: str, start: Any = opened) -> Challenge:
    return tell(replace(start(), message_version=version), event).challenge


def results(challenge: Challenge, *, offers: bool = False, **parts: Any) -> dict[str, object]:
    transaction = a_transaction(message_version=challenge.message_version, offers_trust=offers)
    return rreq(transaction, challenge, **{"eci": None, "proof": None, **parts})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_success_carries_the_proof(version: str) -> None:
    sent = results(ended(ACCEPTED, version), eci="05", proof=PROOF)

    assert sent["transStatus"] == "Y"
    assert (sent["eci"], sent["authenticationValue"]) == ("05", VALUE)
    assert sent["interactionCounter"] == "01"
    assert "transStatusReason" not in sent
    assert "challengeCancel" not in sent


@pytest.mark.parametrize("version", VERSIONS)
def test_identifiers_are_those_of_the_transaction(version: str) -> None:
    sent = results(ended(EXHAUSTED, version))

    assert {name: sent[name] for name in sorted(CORE - {"interactionCounter", "transStatus"})} == {
        "messageType": "RReq",
        "messageVersion": version,
        "messageCategory": "01",
        "threeDSServerTransID": SERVER_TRANS_ID,
        "dsTransID": DS_TRANS_ID,
        "acsTransID": str(ACS_TRANS_ID),
    }


OUTCOMES = [
    (EXHAUSTED, opened, ("N", "19", None, "01")),
    (events.CancelAsked(), opened, ("N", "01", "01", "00")),
    (events.Faulted(), opened, ("U", "22", "06", "00")),
    (events.PersonBlocked(), waiting, ("N", "19", None, "00")),
    (events.Withdrawn(TransStatusReason.STOLEN_CARD), opened, ("N", "10", None, "00")),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("event", "start", "told"), OUTCOMES)
def test_each_outcome_is_told_with_its_triple(
    version: str, event: Event, start: Any, told: tuple[str, str, str | None, str]
) -> None:
    sent = results(ended(event, version, start))

    status, reason, cancel, counter = told
    expected = "07" if (version, reason) == ("2.1.0", "22") else reason
    assert (
        sent["transStatus"],
        sent["transStatusReason"],
        sent.get("challengeCancel"),
        sent["interactionCounter"],
    ) == (status, expected, cancel, counter)
    assert "authenticationValue" not in sent


@pytest.mark.parametrize("version", VERSIONS)
def test_a_time_out_is_told_with_its_kind(version: str) -> None:
    late = replace(waiting(version), created_at=NOW.replace(hour=1))
    never = tell(late, events.Opened()).challenge
    idle = replace(opened(version), last_activity_at=NOW.replace(hour=1))
    left = tell(idle, events.Opened()).challenge

    told = [
        (sent["transStatus"], sent["transStatusReason"], sent["challengeCancel"])
        for sent in (results(never), results(left))
    ]
    assert told == [("N", "14", "05"), ("N", "14", "04")]


def test_wrong_answers_are_counted() -> None:
    challenge = tell(tell(opened(), REJECTED).challenge, ACCEPTED).challenge

    assert results(challenge, proof=PROOF, eci="05")["interactionCounter"] == "02"


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("2.1.0", {"authenticationType": "02", "authenticationMethod": "02"}),
        ("2.2.0", {"authenticationType": "02", "authenticationMethod": "02"}),
        ("2.3.1", {"authenticationMethod": ["02", "01"]}),
    ],
)
@pytest.mark.parametrize(
    ("event", "start"), [(EXHAUSTED, opened), (events.PersonBlocked(), waiting)]
)
def test_the_way_of_asking_is_told_also_when_nobody_was_asked(
    version: str, kind: dict[str, object], event: Event, start: Any
) -> None:
    sent = results(ended(event, version, start))

    told = {name: sent[name] for name in sent if name.startswith("authentication")}
    assert told == kind


def test_a_code_alone_is_told_as_a_code_alone() -> None:
    challenge = replace(ended(EXHAUSTED, "2.3.1"), elements=Elements.OTP)

    assert results(challenge)["authenticationMethod"] == ["02"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_u_tells_no_way_of_asking(version: str) -> None:
    sent = results(ended(events.Faulted(), version))

    assert not [name for name in sent if name.startswith("authentication")]


def test_the_erro_of_a_broken_creq_is_reported_from_2_3_1() -> None:
    new = results(ended(events.CReqRefused(ERRO), "2.3.1"))
    old = results(ended(events.CReqRefused(ERROR), "2.2.0"))

    assert (new["challengeCancel"], new["challengeErrorReporting"]) == ("10", ERRO)
    assert (old["challengeCancel"], "challengeErrorReporting" in old) == ("06", False)


@pytest.mark.parametrize(
    ("version", "told"), [("2.1.0", None), ("2.2.0", SDK_TRANS_ID), ("2.3.1", SDK_TRANS_ID)]
)
def test_the_sdks_identifier_is_told_from_2_2(version: str, told: str | None) -> None:
    assert responses._core(an_app_transaction(version))["sdkTransID"] == told


def test_results_of_the_app_need_more_than_is_offered_yet() -> None:
    """The app's challenge comes with its rendering type; until then no half message leaves."""
    with pytest.raises(messages.OutgoingInvalid) as missing:
        rreq(an_app_transaction("2.2.0"), ended(EXHAUSTED, "2.2.0"), eci=None, proof=None)

    assert missing.value.names == ("acsRenderingType",)


@pytest.mark.parametrize(
    ("event", "proof"), [(ACCEPTED, None), (EXHAUSTED, PROOF), (events.Faulted(), PROOF)]
)
def test_a_proof_goes_with_a_y_and_with_nothing_else(
    event: Event, proof: AuthenticationValue | None
) -> None:
    with pytest.raises(AssertionError, match="a proof goes with a Y"):
        results(ended(event, "2.2.0"), proof=proof)


def test_there_are_no_results_before_an_outcome() -> None:
    with pytest.raises(AssertionError, match="needs an outcome"):
        results(opened())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("status", ["Y", "N"])
def test_the_final_cres_says_y_or_n_and_nothing_more(
    version: str, status: Literal["Y", "N"]
) -> None:
    challenge = replace(ended(ACCEPTED, version), cres_status=status)

    assert final_cres(a_transaction(message_version=version), challenge) == {
        "messageType": "CRes",
        "messageVersion": version,
        "threeDSServerTransID": SERVER_TRANS_ID,
        "acsTransID": str(ACS_TRANS_ID),
        "challengeCompletionInd": "Y",
        "transStatus": status,
    }


def test_there_is_no_final_cres_before_the_results_are_settled() -> None:
    with pytest.raises(AssertionError, match="waits for the results"):
        final_cres(a_transaction(), ended(ACCEPTED, "2.2.0"))


@given(
    st.dictionaries(
        st.text(max_size=8), st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=3)
    )
)
def test_bytes_do_not_depend_on_the_order_of_elements(message: dict[str, object]) -> None:
    turned = dict(reversed(message.items()))

    assert to_bytes(turned) == to_bytes(message)
    assert json.loads(to_bytes(message)) == message


def test_a_non_payment_may_be_without_a_value() -> None:
    """Whether it has one is the scheme's matter; nothing here insists."""
    transaction = replace(a_transaction(), message_category="02")

    sent = rreq(transaction, ended(ACCEPTED, "2.2.0"), eci=None, proof=None)

    assert sent["messageCategory"] == "02"


@pytest.mark.parametrize(
    ("version", "name"), [("2.2.0", "whiteListStatus"), ("2.3.1", "trustListStatus")]
)
@pytest.mark.parametrize(("ticked", "status"), [(True, "Y"), (False, "R")])
def test_what_came_of_the_offer_to_trust_is_told_with_a_success(
    version: str, name: str, status: str, *, ticked: bool
) -> None:
    """Rule 7.26: listed, or refused by the cardholder; the source is us [3.35]."""
    challenge = replace(ended(ACCEPTED, version), trusts=ticked)
    sent = results(challenge, offers=True, eci="05", proof=PROOF)

    assert (sent[name], sent[f"{name}Source"]) == (status, "03")


@pytest.mark.parametrize(("event", "offers"), [(EXHAUSTED, True), (ACCEPTED, False)])
def test_without_success_or_offer_nothing_is_told_of_a_list(event: Event, offers: bool) -> None:
    parts = {"eci": "05", "proof": PROOF} if event is ACCEPTED else {}
    sent = results(replace(ended(event, "2.2.0"), trusts=offers), offers=offers, **parts)

    assert not [name for name in sent if "ListStatus" in name]
