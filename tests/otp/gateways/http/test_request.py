"""How a request to a provider is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.http import request
from otp.gateways.http.request import SignedToken
from otp.gateways.port import SmsJob
from schemas.secret import Secret
from tests.records import replace

if TYPE_CHECKING:
    from otp.gateways.http.request import Template

JOB = SmsJob(
    sms_id=UUID("11111111-2222-4333-8444-555555555555"),
    to=Secret("+48600700800"),
    text=Secret("Kod: 048291"),
    sender="BANK",
    validity_s=290,
)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ECHO: dict[str, Template] = {"text": "{text}", "to": "{to_digits}"}


@pytest.mark.parametrize(
    ("text", "alphabet"),
    [
        ("Platnosc 12,50 PLN. Kod: 048291 [€]", "gsm7"),
        ("Płatność 12,50 PLN. Kod: 048291", "ucs2"),
        ("Оплата 12,50 PLN. Код: 048291", "ucs2"),
    ],
)
def test_the_alphabet_is_told_in_the_provider_s_words(text: str, alphabet: str) -> None:
    job = replace(JOB, text=Secret(text))
    words = {"gsm7": "text", "ucs2": "unicode"}

    assert request.message_values(job, NOW)["alphabet"] == alphabet
    assert request.message_values(job, NOW, alphabets=words)["alphabet"] == words[alphabet]


def test_a_validity_is_at_most_what_the_provider_takes() -> None:
    notice = replace(JOB, validity_s=86_400)
    usual = request.message_values(notice, NOW)
    short = request.message_values(notice, NOW, validity_max_s=36_000)

    assert (usual["validity_s"], usual["validity_min"]) == ("86400", "1440")
    assert (short["validity_s"], short["validity_min"]) == ("36000", "600")
    assert int(short["expires_epoch"]) == int(NOW.timestamp()) + 36_000


def test_a_validity_is_at_least_what_the_provider_takes() -> None:
    short = request.message_values(JOB, NOW)
    long = request.message_values(JOB, NOW, validity_min_s=960)

    names = ("validity_s", "validity_min", "expires_epoch")
    assert [short[name] for name in names] == ["290", "4", str(int(NOW.timestamp()) + 290)]
    assert [long[name] for name in names] == ["960", "16", str(int(NOW.timestamp()) + 960)]


def test_a_sender_of_the_provider_goes_before_the_bank_s() -> None:
    assert request.message_values(JOB, NOW)["from"] == "BANK"
    assert request.message_values(JOB, NOW, sender="+48500")["from"] == "+48500"


def test_a_question_knows_our_own_id_and_nothing_else() -> None:
    assert request.id_values(JOB) == {"id": str(JOB.sms_id), "id_hex": JOB.sms_id.hex}


@given(st.text(max_size=50))
def test_a_text_arrives_as_it_was_whatever_is_in_it(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    values = request.message_values(replace(JOB, text=Secret(text)), NOW)

    as_json = json.loads(request.body_of("json", ECHO, values))
    as_form = parse_qs(request.body_of("form", ECHO, values).decode(), keep_blank_values=True)

    assert as_json == {"text": text, "to": "48600700800"}
    assert as_form == {"text": [text], "to": ["48600700800"]}


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://sms.example:8443/v1", "https://sms.example:8443/v1/AC-1?x=1"),
        ("https://sms.example/?a=b&c#d", "https://sms.example/%3Fa%3Db%26c%23d/AC-1?x=1"),
    ],
)
def test_a_value_changes_no_other_part_of_an_address(value: str, url: str) -> None:
    values = {"base": value, "account": "AC-1"}

    assert request.filled_url("{base}/{account}?x=1", values) == url


def test_a_place_without_a_value_takes_its_members_with_it() -> None:
    template: dict[str, Template] = {
        "to": "{to}",
        "callback": "{report_url}?id={id}",
        "messages": [{"text": "{text}", "hooks": {"delivery": {"url": "{report_url}"}}}, "x"],
        "hook": {"url": "{report_url}", "kind": "json"},
        "list": ["{report_url}", "kept"],
        "part": 1,
    }

    assert request.without(template, "report_url") == {
        "to": "{to}",
        "messages": [{"text": "{text}"}, "x"],
        "hook": {"kind": "json"},
        "list": ["kept"],
        "part": 1,
    }


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA"])
def test_a_key_that_cannot_sign_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="no RSA private key of 2048 bits") as refused:
        SignedToken(Secret(key))

    assert refused.value.__suppress_context__
    assert "AAAA" not in str(refused.value)
