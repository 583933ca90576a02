"""A value is refused for what it is, before anybody asks what it means."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import values
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


def test_no_word_of_a_secret_is_told() -> None:
    assert said("database.url", "canary\n") == ("database.url holds a sign that cannot be seen",)


@pytest.mark.parametrize("odd", [1.5, None, {"m": [float("nan")]}, "a\0b"])
def test_a_request_is_written_from_what_json_and_forms_have(odd: object) -> None:
    body = {"to": "{to}", "text": "{text}\r\n", "odd": odd}
    carrier = {"url": "https://sms.example/", "body": body}

    (sentence,) = said("sms.http", {"carrier": carrier})
    assert sentence.startswith("sms.http.carrier.body.odd")
