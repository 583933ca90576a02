"""What a provider's call about a delivery says, and whether it is the provider's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.http.callback import (
    Basic,
    Call,
    Door,
    Header,
    Shape,
    TokenAndHash,
    Unreadable,
    UrlAndForm,
    is_proved,
    told,
)
from otp.gateways.port import Report, ReportState
from schemas.secret import Secret
from tests.records import replace

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
OURS = UUID("11111111-2222-4333-8444-555555555555")
URL = "https://acs.bank.example/sms/reports/carrier/" + "t" * 22
SHAPE = Shape(
    format="form",
    sms_id="ref",
    provider_id="msg",
    state=("state",),
    states={
        "SENT": ReportState.ACCEPTED,
        "DLV": ReportState.DELIVERED,
        "BAD": ReportState.FAILED,
    },
    at="at",
    reason="why",
    expired_reasons=frozenset({"late"}),
)
DOOR = Door(provider="carrier", token=Secret("t" * 22), shape=SHAPE)


def call(body: bytes = b"", url: str = URL, **headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call("POST", url, named, body, NOW)


def form(**members: str) -> Call:
    return call(urlencode(members).encode())


def the_one(door: Door, one: Call) -> Report | None:
    reports = told(door, one).reports
    assert len(reports) <= 1
    return reports[0] if reports else None


def test_a_report_has_ids_a_state_a_time_and_a_reason() -> None:
    one = form(ref=str(OURS), msg="P1", state="DLV", at="1772625600", why="000", to="48600700800")

    assert the_one(DOOR, one) == Report(
        "carrier", OURS, "P1", ReportState.DELIVERED, datetime(2026, 3, 4, 12, 0, tzinfo=UTC), "000"
    )


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ({"ref": OURS.hex}, (OURS, None)),
        ({"ref": "not ours", "msg": "P1"}, (None, "P1")),
        ({"msg": "P" * 500}, (None, "P" * 200)),
        ({"ref": "not ours"}, None),
        ({"msg": ""}, None),
        ({}, None),
    ],
)
def test_one_of_the_ids_is_enough(members: dict[str, str], kept: object) -> None:
    report = the_one(DOOR, form(state="DLV", **members))

    assert (None if report is None else (report.sms_id, report.provider_id)) == kept


def test_a_word_on_no_list_is_passed_over() -> None:
    assert told(DOOR, form(msg="P1", state="NEW")) == replace(
        told(DOOR, form(msg="P1")), passed_over=1
    )


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-04T13:00:00.000+0100", NOW),
        ("2026-03-04T12:00:00Z", NOW),
        ("1772625600", NOW),
        ("2026-03-04T12:00:00", None),  # of which zone?
        ("yesterday", None),
        ("99999999999999999999", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("-1", None),
        ("", None),
    ],
)
def test_a_time_without_its_zone_is_no_time(text: str, at: datetime | None) -> None:
    report = the_one(DOOR, form(msg="P1", state="DLV", at=text))

    assert report is not None
    assert report.at == at


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("EC_ABSENT_SUBSCRIBER", True),
        ("30008", True),
        ("no route to 48600700800", False),
        ("48600700800", False),
        ("x-4860070-y", False),
        ("x" * 81, False),
        ("a\nb", False),
        ("", False),
    ],
)
def test_a_reason_is_a_word_that_can_hold_no_number(text: str, kept: bool) -> None:
    report = the_one(DOOR, form(msg="P1", state="BAD", why=text))

    assert report is not None
    assert report.reason == (text if kept else None)


def test_a_failure_for_being_late_is_an_expiry_and_a_delivery_never_is() -> None:
    late = the_one(DOOR, form(msg="P1", state="BAD", why="late"))
    delivered = the_one(DOOR, form(msg="P1", state="DLV", why="late"))

    assert late is not None
    assert delivered is not None
    assert (late.state, delivered.state) == (ReportState.EXPIRED, ReportState.DELIVERED)


def test_a_name_with_a_question_mark_is_in_the_query() -> None:
    shape = replace(SHAPE, sms_id="?id")
    one = replace(form(state="DLV", id="x"), url=f"{URL}?id={OURS}")

    report = the_one(replace(DOOR, shape=shape), one)

    assert report is not None
    assert report.sms_id == OURS


def test_members_with_several_values_are_several_reports() -> None:
    shape = replace(SHAPE, format="query", joined=",")
    url = f"{URL}?msg=P1,P2,P3&state=DLV,NEW,BAD&at=1772625600,1772625600&why=,,late"

    both = told(replace(DOOR, shape=shape), call(url=url))

    assert [(one.provider_id, one.state) for one in both.reports] == [
        ("P1", ReportState.DELIVERED),
        ("P3", ReportState.EXPIRED),
    ]
    assert both.reports[1].at is None
    assert both.passed_over == 1


def listed(items: object) -> Call:
    return call(json.dumps(items).encode())


JSON_SHAPE = replace(
    SHAPE,
    format="json",
    items="results",
    state=("s.name", "s.group"),
    provider_id="id",
    sms_id=None,
)
JSON_DOOR = replace(DOOR, shape=JSON_SHAPE)


def test_a_list_in_json_is_read_item_by_item() -> None:
    items = [
        {"id": "P1", "s": {"name": "SENT", "group": "DLV"}},
        {"id": 2, "s": {"name": "other", "group": "DLV"}},
        {"id": "P3", "s": "broken"},
        "no object",
        None,
    ]

    both = told(JSON_DOOR, listed({"results": items}))

    assert [(one.provider_id, one.state) for one in both.reports] == [
        ("P1", ReportState.ACCEPTED),
        ("2", ReportState.DELIVERED),
    ]
    assert both.passed_over == 3


def test_the_whole_body_may_be_the_list_or_the_report() -> None:
    item = {"id": "P1", "s": {"name": "DLV"}}
    whole = replace(DOOR, shape=replace(JSON_SHAPE, items="."))
    single = replace(DOOR, shape=replace(JSON_SHAPE, items=None))

    assert len(told(whole, listed([item, item])).reports) == 2
    assert len(told(single, listed(item)).reports) == 1


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"5", b'"x"', b"null", b"{}", b'{"results": {}}', b"[" * 50_000]
)
def test_json_of_another_shape_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        told(JSON_DOOR, call(body))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join(b"a=b" for _ in range(1000))])
def test_a_form_of_another_shape_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        told(DOOR, call(body))


def test_a_call_of_endless_reports_is_bounded() -> None:
    shape = replace(SHAPE, joined=",")
    one = form(msg=",".join("P" * 1 for _ in range(5000)), state=",".join(["DLV"] * 5000))

    assert len(told(replace(DOOR, shape=shape), one).reports) == 1000


@given(st.binary(max_size=300), st.sampled_from(["query", "form", "json"]), st.text(max_size=30))
def test_no_call_is_an_error(body: bytes, kind: Any, query: str) -> None:
    door = replace(DOOR, shape=replace(SHAPE, format=kind))
    with contextlib.suppress(Unreadable):
        told(door, call(body, url=f"{URL}?{urlencode({'state': query})}"))


# --- proofs -------------------------------------------------------------------------------------


def test_the_token_of_the_path_opens_its_own_door() -> None:
    assert DOOR.opens("t" * 22)
    assert not DOOR.opens("t" * 21)
    assert not DOOR.opens("")
    assert not DOOR.opens("\udcff")


def test_without_another_proof_the_path_is_enough() -> None:
    assert is_proved(None, call())


@pytest.mark.parametrize(
    ("given_header", "right"),
    [
        ("Basic " + base64.b64encode(b"me:pw").decode(), True),
        ("Basic " + base64.b64encode(b"me:PW").decode(), False),
        ("Basic", False),
        ("", False),
    ],
)
def test_a_password_proves_a_call(given_header: str, right: bool) -> None:
    assert is_proved(Basic("me", Secret("pw")), call(authorization=given_header)) is right


def test_a_fixed_header_proves_a_call() -> None:
    proof = Header("X-Key", Secret("k3y"))

    assert is_proved(proof, call(x_key="k3y"))
    assert not is_proved(proof, call(x_key="k3"))
    assert not is_proved(proof, call())


# From Twilio's documentation and the tests of its client: key 12345.
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
TWILIO = UrlAndForm(Secret("12345"))
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def twilio(url: str = TWILIO_URL, signature: str = SIGNATURE, **members: str) -> Call:
    body = urlencode({**TWILIO_FORM, **members}).encode()
    return call(body, url, x_twilio_signature=signature)


def test_the_documented_example_of_a_signature_is_proved() -> None:
    assert is_proved(TWILIO, twilio())


@pytest.mark.parametrize(
    "forged",
    [
        twilio(Digits="1235"),
        twilio(More="x"),
        twilio(url=TWILIO_URL + "&x=1"),
        twilio(url=TWILIO_URL.replace("https", "http")),
        twilio(url=TWILIO_URL.replace("mycompany", "yourcompany")),
        twilio(signature=SIGNATURE.lower()),
        twilio(signature=""),
        twilio(signature="é"),
        twilio(url=TWILIO_URL + "\udcff"),
        replace(twilio(), body=b""),
        replace(twilio(), body=b"\xff"),
    ],
)
def test_a_changed_url_form_or_signature_is_not_proved(forged: Call) -> None:
    assert not is_proved(TWILIO, forged)


@pytest.mark.parametrize("signed_with_port", [True, False])
@pytest.mark.parametrize("called_with_port", [True, False])
def test_a_port_may_be_left_out_on_either_side(
    signed_with_port: bool, called_with_port: bool
) -> None:
    plain, ported = "https://acs.example/r?x=%20", "https://acs.example:443/r?x=%20"
    signed = (ported if signed_with_port else plain) + "a1b"
    mac = hmac.new(b"12345", signed.encode(), hashlib.sha1).digest()

    one = call(
        b"a=1&b=",
        ported if called_with_port else plain,
        x_twilio_signature=base64.b64encode(mac).decode(),
    )

    assert is_proved(TWILIO, one)


KEY = "k" * 32
BODY = b'{"status": "delivered"}'
CLAIMS = {"iat": int(NOW.timestamp()), "payload_hash": hashlib.sha256(BODY).hexdigest()}
VONAGE = TokenAndHash(Secret(KEY))


def vonage(
    claims: dict[str, Any], *, key: str = KEY, alg: str = "HS256", body: bytes = BODY
) -> Call:
    return call(body, authorization="Bearer " + jwt.encode(claims, key, algorithm=alg))


@pytest.mark.parametrize(
    "right",
    [
        CLAIMS,
        CLAIMS | {"payload_hash": str(CLAIMS["payload_hash"]).upper()},
        CLAIMS | {"iat": int((NOW - timedelta(hours=30)).timestamp())},
        CLAIMS | {"exp": int((NOW + timedelta(hours=1)).timestamp()), "aud": "x", "iss": "Vonage"},
    ],
)
def test_a_signed_token_over_the_body_is_proved(right: dict[str, Any]) -> None:
    assert is_proved(VONAGE, vonage(right))


@pytest.mark.parametrize(
    "forged",
    [
        vonage(CLAIMS, key="x" * 32),
        vonage(CLAIMS, body=BODY + b" "),
        vonage(CLAIMS, key="k" * 64, alg="HS512"),
        vonage({"iat": CLAIMS["iat"]}),
        vonage({"payload_hash": CLAIMS["payload_hash"]}),
        vonage(CLAIMS | {"payload_hash": None}),
        vonage(CLAIMS | {"iat": int((NOW + timedelta(minutes=5)).timestamp())}),
        vonage(CLAIMS | {"exp": int((NOW - timedelta(minutes=5)).timestamp())}),
        vonage(CLAIMS | {"exp": "tomorrow"}),
        vonage(CLAIMS | {"iat": "now"}),
        call(BODY),
        call(BODY, authorization="Bearer"),
        call(BODY, authorization="Bearer a.b.c"),
        call(BODY, authorization="Bearer \udcff"),
        call(BODY, authorization="Basic bWU6cHc="),
        call(BODY, authorization="Bearer eyJhbGciOiJub25lIn0.e30."),
    ],
)
def test_another_token_is_not_proved(forged: Call) -> None:
    assert not is_proved(VONAGE, forged)


# --- configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sms_id": None, "provider_id": None}, "sms_id or provider_id"),
        ({"state": ()}, "state and states"),
        ({"states": {}}, "state and states"),
        ({"methods": frozenset()}, "methods are GET and POST"),
        ({"methods": frozenset({"PUT"})}, "methods are GET and POST"),
        ({"items": "results"}, "items are a list in JSON"),
        ({"joined": ", "}, "joined is one sign"),
        ({"format": "json", "joined": ","}, "joined is one sign"),
    ],
)
def test_a_shape_that_could_give_no_report_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(SHAPE, **changes)


@pytest.mark.parametrize("token", ["", "short", "t" * 129, "t" * 21 + "/", "t" * 21 + "ł"])
def test_a_token_that_could_be_guessed_or_stands_in_no_path_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="the token of reports"):
        replace(DOOR, token=Secret(token))


def test_a_short_signing_key_is_refused_and_none_is_shown() -> None:
    with pytest.raises(ValueError, match="32 bytes or more"):
        TokenAndHash(Secret("k" * 31))
    assert "kkk" not in repr(VONAGE)
    assert "tttt" not in repr(DOOR)
