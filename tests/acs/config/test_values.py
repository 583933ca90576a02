"""A value is refused for what it is, before anybody asks what it means."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import values
from acs.config.section import Section
from acs.config.settings import Settings


def said(name: str, value: object) -> tuple[str, ...]:
    """Give what is said of the demo with this setting."""
    with pytest.raises(config.ConfigError) as error:
        config.read(given={"profile": "demo", name: value})
    return error.value.sentences


def test_the_defaults_are_sound() -> None:
    assert list(values.faults(Settings())) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty: leave it out where there is none"),
        (" Bank", "begins or ends with a blank"),
        ("Ba\u200bnk", "holds a sign that cannot be seen"),
        ("Bank\n", "holds a sign that cannot be seen"),
        ("Bank\udcff", "holds a sign that cannot be seen"),
    ],
)
def test_a_text_is_one_that_can_be_seen(text: str, fault: str) -> None:
    """An empty word among the forbidden ones would forbid nothing, or every password."""
    assert said("portal.forbidden_words", ["Bank", text]) == (f"portal.forbidden_words[1] {fault}",)


def test_an_empty_role_does_not_leave_the_service_with_the_rights_of_the_owner() -> None:
    assert said("database.role", "")[0].startswith("database.role is empty")


def test_a_count_is_one_that_the_database_can_hold() -> None:
    assert said("otp.total_day", 2**31) == ("otp.total_day is above 2147483647",)
    assert config.read(given={"profile": "demo", "otp.total_day": 2**31 - 1}).otp.total_day > 0


class _Wait(Section, frozen=True, kw_only=True):
    longest_s: int = 0
    tries_days: tuple[int, ...] = ()


class _Waits(Section, frozen=True, kw_only=True):
    of: tuple[_Wait, ...] = ()


def test_a_span_of_an_entry_is_judged_as_one() -> None:
    too_long = _Waits(of=(_Wait(), _Wait(longest_s=2**32, tries_days=(1, 36_526))))

    assert list(values.faults(too_long)) == [
        "of[1].longest_s is longer than a hundred years",
        "of[1].tries_days[1] is longer than a hundred years",
    ]


def test_a_provider_may_say_nothing_where_all_is_well() -> None:
    carrier = {
        "url": "https://sms.example/",
        "body": {"text": "{text}", "to": "{to}", "coding": "{alphabet}"},
        "alphabets": {"gsm7": "", "ucs2": "unicode"},
        "answer": [{"path": "error", "accepted": [""]}],
    }

    config.read(given={"profile": "demo", "sms.http": {"carrier": carrier}})


def test_no_word_of_a_secret_is_told() -> None:
    assert said("database.url", "canary\n") == ("database.url holds a sign that cannot be seen",)


@pytest.mark.parametrize("odd", [1.5, None, {"m": [float("nan")]}, "a\0b"])
def test_a_request_is_written_from_what_json_and_forms_have(odd: object) -> None:
    body = {"to": "{to}", "text": "{text}\r\n", "odd": odd}
    carrier = {"url": "https://sms.example/", "body": body}

    (sentence,) = said("sms.http", {"carrier": carrier})
    assert sentence.startswith("sms.http.carrier.body.odd")
