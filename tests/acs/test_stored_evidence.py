"""What is stored short is read whole: nothing is lost, old documents stay as they are."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs.authentication.case import Exemption
from acs.authentication.rendering import Rendering
from acs.challenge.state import Outcome
from acs.evidence import Basis, Proof, document, moment
from acs.stored_evidence import (
    FORMAT,
    Stored,
    StoredChallenge,
    StoredMessage,
    StoredOutcome,
    short_keys,
    whole,
)
from acs.transaction import DsTransId, Elements, SdkTransId, link_digest
from otp.model import SentMessage, SmsState
from schemas.values import ChallengeCancel, TransStatus, TransStatusReason
from schemas.vault import Keys
from tests.acs import evidence_1
from tests.acs.people import ACS_TRANS_ID, DS_TRANS_ID, NOW, a_challenge, a_transaction
from tests.records import replace
from tests.tidy.tree import ROOT


def made(kind: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make values of fields; unlike ``st.builds`` it asks for no annotations."""
    return st.fixed_dictionaries(fields).map(lambda drawn: kind(**drawn))


TEXTS = st.sampled_from(["", "x", "none", "*", 'Księgarnia "Pod Lipą"', "\\u0000 \u2028 😀"])
SOME_TEXT = st.none() | TEXTS
MOMENTS = st.integers(0, 10**9).map(lambda ms: NOW + timedelta(milliseconds=ms))
UUIDS = st.none() | st.uuids()
REASONS = st.none() | st.sampled_from(TransStatusReason)
KEY_IDS = st.fixed_dictionaries(
    {purpose: st.sampled_from(["k1", "k2"]) for purpose in Keys.PURPOSES}
) | st.dictionaries(st.sampled_from(Keys.PURPOSES), TEXTS, max_size=3)


@st.composite
def transactions(draw: st.DrawFn) -> Any:
    """Give transactions as the flow makes them: the digest is the one of what it is over."""
    drawn = {
        "acs_trans_id": st.uuids(),
        "ds_trans_id": st.sampled_from([DS_TRANS_ID, DS_TRANS_ID.upper()]).map(DsTransId),
        "sdk_trans_id": UUIDS.map(lambda one: None if one is None else SdkTransId(str(one))),
        "device_channel": st.sampled_from(["01", "02", "03"]),
        "message_category": st.sampled_from(["01", "02"]),
        "card_id": UUIDS,
        "person_id": UUIDS,
        "phone_mask": SOME_TEXT,
        "purchase_amount": st.none() | st.integers(0, 10**48 - 1),
        "purchase_currency": SOME_TEXT,
        "purchase_exponent": st.none() | st.integers(0, 4),
        "merchant_name": SOME_TEXT,
        "acquirer_bin": SOME_TEXT,
        "acquirer_merchant_id": SOME_TEXT,
        "trans_status": st.sampled_from(TransStatus),
        "trans_status_reason": REASONS,
        "reasons": st.lists(TEXTS, max_size=3).map(tuple),
        "created_at": MOMENTS,
    }
    one = a_transaction(**{name: draw(values) for name, values in drawn.items()})
    return replace(one, link_digest=link_digest(one.linked))


CHECKS = st.fixed_dictionaries(
    {
        "at": MOMENTS.map(moment),
        "verdict": st.sampled_from(["accepted", "rejected"]),
        "elements": st.dictionaries(st.sampled_from(["pin", "otp"]), st.booleans()),
    }
)
MESSAGES = made(
    SentMessage,
    seq=st.integers(1, 9),
    sent_at=MOMENTS,
    phone_mask=TEXTS,
    template=SOME_TEXT,
    mac_key_id=SOME_TEXT,
    sms_id=UUIDS,
    provider=SOME_TEXT,
    provider_id=SOME_TEXT,
    state=st.none() | st.sampled_from(SmsState),
    report=SOME_TEXT,
    reported_at=st.none() | MOMENTS,
)
OUTCOMES = made(
    Outcome,
    name=TEXTS,
    trans_status=st.sampled_from(TransStatus),
    reason=REASONS,
    challenge_cancel=st.none() | st.sampled_from(ChallengeCancel),
)
CHALLENGES = made(
    a_challenge,
    elements=st.sampled_from(Elements),
    language=TEXTS,
    attempts=st.integers(0, 5),
    interaction_counter=st.integers(0, 5),
    opened_at=st.none() | MOMENTS,
    outcome=st.none() | OUTCOMES,
    outcome_at=st.none() | MOMENTS,
)
BASES = made(
    Basis,
    software=TEXTS,
    key_ids=KEY_IDS,
    exemption=st.sampled_from(Exemption),
    eci=SOME_TEXT,
    proof=st.none() | made(Proof, profile=TEXTS, key_id=TEXTS, reference=SOME_TEXT),
    visitors=st.dictionaries(st.sampled_from(["areq", "challenge"]), TEXTS),
    checks=st.lists(CHECKS, max_size=3),
    messages=st.lists(MESSAGES, max_size=3),
    consent_id=st.none() | st.integers(0, 2**40),
    rendering=st.none() | made(Rendering, interface=st.sampled_from(["01", "02"]), template=TEXTS),
)


def interface_of(transaction: Any, challenge: Any, basis: Basis) -> dict[str, str | None]:
    """Give what has to be told of the way a challenge was shown."""
    if challenge is None:
        return {}
    if transaction.device_channel == "02":
        return {"interface": "browser", "ui_template": None}
    if basis.rendering is None:
        return {"interface": None, "ui_template": None}
    name = "html" if basis.rendering.interface == "02" else "native"
    return {"interface": name, "ui_template": basis.rendering.template}


@settings(max_examples=50)
@given(transactions(), st.none() | CHALLENGES, BASES)
def test_nothing_is_lost(transaction: Any, challenge: Any, basis: Basis) -> None:
    if challenge is not None and basis.messages:  # one went to the phone of the challenge
        to_it = replace(basis.messages[0], phone_mask=transaction.phone_mask or "")
        basis = replace(basis, messages=[to_it, *basis.messages])
    first = evidence_1.document(transaction, challenge, basis)
    text = document(transaction, challenge, basis)

    told = whole(text)
    shown = {}
    if challenge is not None:
        shown = {name: told["challenge"].pop(name) for name in ("interface", "ui_template")}
    assert told == json.loads(first) | {"format": FORMAT}
    assert shown == interface_of(transaction, challenge, basis)
    assert whole(first) == json.loads(first)
    assert json.loads(text)["visitors"] == basis.visitors  # what knows the first alone reads them


@pytest.mark.parametrize("bound", [bytes(32), bytes(range(32))])
def test_what_codes_were_bound_to_is_told_as_it_was_kept(bound: bytes) -> None:
    found = whole(document(a_transaction(link_digest=bound), a_challenge(), Basis("1", {})))

    assert found["link"]["digest"] == bound.hex()


def nothings(value: Any) -> bool:
    """Tell whether something null or empty stands anywhere."""
    if isinstance(value, dict):
        return any(nothings(one) for one in value.values())
    if isinstance(value, list):
        return not value or any(nothings(one) for one in value)
    return value is None


def test_nothing_null_or_empty_is_stored_and_no_identifier_twice() -> None:
    text = document(a_transaction(), a_challenge(), Basis("1", {}))

    assert not nothings(json.loads(text))
    for once in (ACS_TRANS_ID, DS_TRANS_ID, "55555555-5555-4555-8555-555555555555"):
        assert text.count(str(once)) == 1


KEPT_2 = (
    '{"v":2,"sw":"0.2.0","acs":"11111111-1111-4111-8111-111111111111",'
    '"tds":"22222222-2222-4222-8222-222222222222","ds":"33333333-3333-4333-8333-333333333333",'
    '"net":"visa","ver":"2.2.0","ch":"02","cat":"01","last4":"2345","sch":"visa","rng":"demo",'
    '"rv":1,"st":"C","rule":"range:challenge","at":"2026-04-15T10:00:00.000Z",'
    '"keys":{"*":"k1","otp":"k2"},"visitors":{"areq":"k1:00"},'
    '"card":"55555555-5555-4555-8555-555555555555","per":"88888888-8888-4888-8888-888888888888",'
    '"con":7,"amt":10000,"cur":"985","exp":2,"mer":"Sklep","bin":"412345","mid":"M-1",'
    '"reasons":["device:none"],"eci":"05","av":["visa-v7","visa-1",null],'
    '"chal":{"asked":[["pin","knowledge"],["otp","possession"]],"lang":"pl","wrong":1,"tries":2,'
    '"checks":[{"at":"2026-04-15T10:00:20.000Z","elements":{"otp":true,"pin":false},'
    '"verdict":"rejected"}],"phone":"+48 *** *** 761",'
    '"sms":[{"n":1,"at":"2026-04-15T10:00:00.000Z","text":"pl/payment/0123456789ab","key":"k2",'
    '"sms":"00000000-0000-0000-0000-000000000001","by":"first","their":"m-1","st":"sent"}],'
    '"opened":"2026-04-15T10:00:00.000Z"},'
    '"out":{"name":"accepted","st":"Y","at":"2026-04-15T10:00:40.000Z"}}'
)
"""A document as it lies in databases: it is never read otherwise."""
KEPT_3 = (
    KEPT_2.replace('"v":2', '"v":3')
    .replace('"ch":"02"', '"ch":"01"')
    .replace(
        '"opened":"2026-04-15T10:00:00.000Z"',
        '"opened":"2026-04-15T10:00:00.000Z","ui":["02","05"]',
    )
)
"""As it is written now, of a challenge in an app: never otherwise either."""


def test_a_document_is_written_for_ever_as_it_was() -> None:
    transaction = a_transaction(reasons=("device:none",), device_channel="01")
    transaction = replace(transaction, link_digest=link_digest(transaction.linked))
    sent = SentMessage(
        1, NOW, "+48 *** *** 761", "pl/payment/0123456789ab", "k2", UUID(int=1), "first", "m-1",
        SmsState.SENT,
    )  # fmt: skip
    check = {
        "at": "2026-04-15T10:00:20.000Z",
        "verdict": "rejected",
        "elements": {"pin": False, "otp": True},
    }
    challenge = a_challenge(
        attempts=1,
        interaction_counter=2,
        opened_at=NOW,
        outcome=Outcome("accepted", TransStatus.AUTHENTICATED),
        outcome_at=NOW + timedelta(seconds=40),
    )
    basis = Basis(
        "0.2.0",
        dict.fromkeys(Keys.PURPOSES, "k1") | {"otp": "k2"},
        eci="05",
        proof=Proof("visa-v7", "visa-1", None),
        visitors={"areq": "k1:00"},
        checks=(check,),
        messages=(sent,),
        consent_id=7,
        rendering=Rendering("02", "05"),
    )

    assert document(transaction, challenge, basis) == KEPT_3


def test_a_document_is_read_for_ever_as_it_was() -> None:
    found = whole(KEPT_2)

    assert found["link"]["digest"] == (
        "d617f9a50521416b0b00b18ed0df149d11d2dfbb09a09ddece2aa2e292134d6d"
    )
    assert found["key_ids"] == {
        "audit": "k1",
        "data": "k1",
        "form": "k1",
        "identifier_index": "k1",
        "otp": "k2",
        "pan_index": "k1",
        "phone_index": "k1",
        "pin": "k1",
    }
    assert found["challenge"]["elements"] == [
        {"name": "pin", "kind": "knowledge"},
        {"name": "otp", "kind": "possession"},
    ]
    assert found["challenge"]["messages"][0]["to"] == "+48 *** *** 761"
    assert found["answer"]["exemption"] == "none"
    assert found["answer"]["applied_by"] is None
    assert found["outcome"]["trans_status_reason"] is None
    assert "interface" not in found["challenge"]
    assert whole(KEPT_3)["challenge"] == {
        **found["challenge"], "interface": "html", "ui_template": "05"
    }  # fmt: skip


def test_the_key_of_most_purposes_is_named_once() -> None:
    given_ = dict.fromkeys(Keys.PURPOSES, "k2") | {"pan_index": "k1", "otp": "k3"}

    assert short_keys(tuple(given_.items())) == {"*": "k2", "pan_index": "k1", "otp": "k3"}
    assert short_keys((("otp", "k1"),)) == {"otp": "k1"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"v":4,"sw":"9"}', {"v": 4, "sw": "9"}),
        ('{"visitors":{}}', {"visitors": {}}),
        ('{"v":3,"visitors":{}}', {"v": 3, "visitors": {}}),
        ("[1]", {"document": [1]}),
    ],
    ids=["of a later format", "of none", "no longer whole", "no object"],
)
def test_what_cannot_be_read_whole_is_given_as_it_stands(text: str, found: Any) -> None:
    assert whole(text) == found


@pytest.mark.parametrize("kind", [Stored, StoredChallenge, StoredMessage, StoredOutcome])
def test_every_name_stands_in_the_guide(kind: type[msgspec.Struct]) -> None:
    guide = (ROOT / "docs" / "operate" / "evidence.md").read_text(encoding="utf-8")
    _, section = guide.split(f"| {kind.__name__} | ", 1)
    rows = section.split("\n\n", 1)[0].splitlines()
    named = {row.split("`")[1] for row in rows[2:]}

    assert named == {field.encode_name for field in msgspec.structs.fields(kind)}
