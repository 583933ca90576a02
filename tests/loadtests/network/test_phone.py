"""The phone shows what arrived, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from loadtests.network.phone import Phones, Sms

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sms(text: str, to: str = "+48501000101", after_s: int = 0) -> Sms:
    return Sms(to, "BankDemo", text, NOW + timedelta(seconds=after_s))


def test_the_newest_text_comes_first() -> None:
    phones = Phones()
    phones.receive("1", sms("first"))
    phones.receive("2", sms("second", after_s=5))

    assert [entry.text for entry in phones.inbox("+48501000101")] == ["second", "first"]


@pytest.mark.parametrize(
    "msisdn", ["+48501000101", "48501000101", "0048501000101", "+48 501-000-101"]
)
def test_a_number_is_found_however_it_is_written(msisdn: str) -> None:
    phones = Phones()
    phones.receive("1", sms("hello"))

    assert [entry.text for entry in phones.inbox(msisdn)] == ["hello"]


def test_the_same_id_again_changes_nothing() -> None:
    phones = Phones()
    taken = [phones.receive("1", sms("hello")), phones.receive("1", sms("hello"))]

    assert (taken, len(phones.inbox("48501000101"))) == ([True, False], 1)


def test_the_time_is_utc_with_milliseconds() -> None:
    assert sms("x").public() == {
        "to": "+48501000101",
        "from": "BankDemo",
        "text": "x",
        "sent_at": "2026-03-01T12:00:00.000Z",
    }


def test_the_number_heard_last_is_listed_first() -> None:
    phones = Phones()
    phones.receive("1", sms("a", "+48501000101"))
    phones.receive("2", sms("b", "+48501000102"))
    phones.receive("3", sms("c", "+48501000101"))

    assert [number for number, _ in phones.numbers()] == ["+48501000101", "+48501000102"]
