"""The document itself: complete, equal for equal facts, and without anything personal in clear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.case import Exemption
from acs.challenge.state import Outcome, State
from acs.evidence import Basis, Proof, digest, document, moment
from acs.stored_evidence import FORMAT, whole
from acs.transaction import ASKED, ElementKind, Elements, link_digest
from otp.model import SentMessage, SmsState
from schemas.values import TransStatus, TransStatusReason
from tests.acs.challenge.stories import waiting
from tests.acs.people import NOW, a_transaction
from tests.records import replace

SMS_ID = UUID(int=1)
SENT = SentMessage(
    1,
    NOW,
    "+48 *** *** 761",
    "pl/payment/0123456789ab",
    "k1",
    SMS_ID,
    "first",
    "m-1",
    SmsState.SENT,
)
BASIS = Basis(
    software="1.2.3",
    key_ids={"otp": "k1"},
    eci="05",
    proof=Proof("visa-v7", "visa-1", None),
    visitors={"areq": "k1:00"},
    checks=({"at": moment(NOW), "verdict": "rejected", "elements": {"pin": False, "otp": True}},),
    messages=(SENT,),
    consent_id=7,
)


def ended(**outcome: Any) -> Any:
    """Give a challenge with an outcome."""
    told = Outcome("accepted", TransStatus.AUTHENTICATED)
    return replace(
        waiting(),
        state=State.RESULT,
        opened_at=NOW,
        outcome=replace(told, **outcome),
        outcome_at=NOW + timedelta(seconds=40),
        attempts=1,
        code_seq=1,
    )


def read(*given: Any) -> dict[str, Any]:
    return whole(document(*given))


def test_a_challenge_is_told_whole() -> None:
    found = read(a_transaction(reasons=("device:none",)), ended(), BASIS)
    assert found["format"] == FORMAT
    assert found["software"] == "1.2.3"
    assert found["link"]["purchase_amount"] == 10_000
    assert found["link"]["merchant_name"] == "Sklep"
    assert found["link"]["digest"] == bytes(32).hex()
    assert found["card"]["last4"] == "2345"
    assert found["consent_id"] == 7
    assert found["answer"]["trans_status"] == "C"
    assert found["answer"]["reasons"] == ["device:none"]
    assert found["challenge"]["checks"] == [dict(BASIS.checks[0])]
    assert found["challenge"]["messages"][0] == {
        "seq": 1,
        "at": "2026-04-15T10:00:00.000Z",
        "template": "pl/payment/0123456789ab",
        "key_id": "k1",
        "to": "+48 *** *** 761",
        "sms_id": str(SMS_ID),
        "provider": "first",
        "provider_id": "m-1",
        "state": "sent",
        "report": None,
        "reported_at": None,
    }
    assert found["outcome"]["trans_status"] == "Y"
    assert found["outcome"]["at"] == "2026-04-15T10:00:40.000Z"
    assert found["eci"] == "05"
    assert found["authentication_value"]["key_id"] == "visa-1"


def test_the_kinds_of_the_elements_asked_are_told() -> None:
    pin_and_code = replace(ended(), elements=Elements.PIN_AND_OTP)
    code = replace(ended(), elements=Elements.OTP)
    assert read(a_transaction(), pin_and_code, BASIS)["challenge"]["elements"] == [
        {"name": "pin", "kind": "knowledge"},
        {"name": "otp", "kind": "possession"},
    ]
    assert len(read(a_transaction(), code, BASIS)["challenge"]["elements"]) == 1


def test_every_set_of_elements_says_what_it_asks() -> None:
    assert set(ASKED) == set(Elements)
    kinds = {one.kind for one in ASKED[Elements.PIN_AND_OTP]}
    assert kinds == {ElementKind.KNOWLEDGE, ElementKind.POSSESSION}


def test_an_answer_without_a_challenge_is_its_own_outcome() -> None:
    declined = a_transaction(trans_status="N", trans_status_reason=TransStatusReason("12"))
    found = read(declined, None, Basis("1", {}, exemption=Exemption.NONE))
    assert found["challenge"] is None
    assert found["outcome"] == {
        "name": "answered",
        "trans_status": "N",
        "trans_status_reason": "12",
        "challenge_cancel": None,
        "at": "2026-04-15T10:00:00.000Z",
    }
    assert found["authentication_value"] is None


def test_an_exemption_is_told_with_who_applied_it() -> None:
    def applied_by(exemption: Exemption, status: str = "Y") -> object:
        answered = a_transaction(trans_status=TransStatus(status))
        return read(answered, None, Basis("1", {}, exemption))["answer"]["applied_by"]

    assert applied_by(Exemption.NONE) is None
    assert applied_by(Exemption.ISSUER) == "issuer"
    assert applied_by(Exemption.ACQUIRER_TRA) == "requestor"
    assert applied_by(Exemption.TRUSTED) == "issuer"
    assert [applied_by(Exemption.LOW_VALUE, status) for status in "YI"] == ["issuer", "requestor"]


def test_equal_facts_give_equal_bytes_and_any_other_fact_others() -> None:
    first = document(a_transaction(), ended(), BASIS)
    assert first == document(a_transaction(), ended(), BASIS)
    others = [
        document(a_transaction(purchase_amount=10_001), ended(), BASIS),
        document(a_transaction(), ended(), replace(BASIS, software="1.2.4")),
        document(a_transaction(), ended(trans_status=TransStatus.NOT_AUTHENTICATED), BASIS),
    ]
    assert digest(first) not in {digest(other) for other in others}


def test_a_moment_is_in_utc_to_the_millisecond() -> None:
    warsaw = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 6, 17, 12, 0, 0, 123_456, tzinfo=warsaw)) == (
        "2026-06-17T10:00:00.123Z"
    )


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_a_moment_is_what_the_calendar_says(naive: datetime, hours: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    written = at.astimezone(UTC).isoformat(timespec="milliseconds")

    assert moment(at) == written.replace("+00:00", "Z")


def test_everything_that_a_code_is_bound_to_is_told() -> None:
    transaction = a_transaction()
    plain = msgspec.to_builtins(transaction.linked)
    alone = read(transaction, None, BASIS)["link"]
    challenged = read(transaction, ended(), BASIS)["link"]

    assert alone == {**plain, "digest": link_digest(transaction.linked).hex()}
    assert challenged == {**plain, "digest": transaction.link_digest.hex()}


def test_an_amount_of_48_digits_is_told() -> None:
    found = read(a_transaction(purchase_amount=10**48 - 1), None, BASIS)

    assert found["link"]["purchase_amount"] == 10**48 - 1
    assert found["authentication_value"]["profile"] == "visa-v7"
