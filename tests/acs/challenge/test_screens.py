"""Screens: values that hold nothing secret in what a log or a traceback would print."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from acs.challenge.screens import Notice, RetryScreen, ReturnScreen
from tests.acs.pages.shown import CODE
from tests.records import replace


def test_the_notices_are_pinned() -> None:
    """They are stored with the challenge and are text ids: their meaning never changes."""
    assert {notice.value for notice in Notice} == {
        "wrong",
        "code_empty",
        "code_format",
        "pin_format",
        "code_expired",
        "code_sent",
        "resend_too_soon",
        "resend_spent",
        "sms_failed",
        "sms_unknown",
        "stale",
        "extended",
    }


def test_no_notice_tells_which_element_was_wrong() -> None:
    """RTS art. 4(3)(a): one word stands for a wrong PIN, a wrong code and both."""
    assert [notice for notice in Notice if "wrong" in notice] == [Notice.WRONG]


def test_a_screen_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CODE.merchant = "Other"  # type: ignore[misc]


def test_the_form_token_is_not_printed() -> None:
    retry = RetryScreen("challenge", (("form_token", "token-canary"),), "pl")

    assert "token-canary" not in repr(CODE) + repr(retry)


def test_what_goes_back_to_the_shop_is_not_printed() -> None:
    screen = ReturnScreen("https://shop.example/n", "cres-canary", "data-canary", "done", "pl")

    assert "canary" not in repr(screen)


def test_a_screen_is_a_value() -> None:
    assert replace(CODE) == CODE
