"""What an entry screen says in every user interface."""

from __future__ import annotations

import pytest

from acs.challenge.screens import Amount, Notice, ResendState
from acs.pages import wording
from tests.acs.pages.shown import AT, CODE
from tests.records import replace

SPENT = ResendState(allowed=False, wait_s=0, left=0)


def test_only_what_went_wrong_sounds_like_it() -> None:
    tones = {tone: {n for n in Notice if wording.tone(n) == tone} for tone in ("good", "info")}

    assert tones == {
        "good": {Notice.CODE_SENT, Notice.EXTENDED},
        "info": {Notice.RESEND_TOO_SOON, Notice.RESEND_SPENT, Notice.SMS_UNKNOWN},
    }
    assert wording.tone(Notice.WRONG) == "error"


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "title"),
        ({"amount": None}, "title_no_amount"),
        ({"amount": None, "adds_card": True}, "title_add_card"),
    ],
)
def test_the_title_is_of_what_is_confirmed(changes: dict[str, object], title: str) -> None:
    assert wording.title_id(replace(CODE, **changes)) == title


@pytest.mark.parametrize(
    ("changes", "text_id"),
    [
        ({"notice": Notice.WRONG}, "notice_wrong"),
        ({"notice": Notice.WRONG, "attempts_left": 1}, "notice_wrong_last"),
        ({"notice": Notice.WRONG, "attempts_left": None}, "notice_wrong_uncounted"),
        ({"notice": Notice.CODE_EMPTY, "asks_pin": False}, "notice_code_empty"),
        ({"notice": Notice.CODE_EMPTY}, "notice_code_empty_pin"),
        ({"notice": Notice.CODE_EXPIRED}, "notice_code_expired"),
        ({"notice": Notice.CODE_EXPIRED, "resend": SPENT}, "notice_code_expired_spent"),
        ({"notice": Notice.RESEND_SPENT}, "notice_resend_spent"),
        ({"notice": Notice.RESEND_SPENT, "code_live": False}, "notice_code_expired_spent"),
        (
            {"notice": Notice.RESEND_SPENT, "code_live": False, "amount": None},
            "notice_code_expired_spent_no_amount",
        ),
        (
            {"notice": Notice.SMS_FAILED, "resend": SPENT, "amount": None},
            "notice_sms_failed_spent_no_amount",
        ),
    ],
)
def test_a_notice_fits_what_can_still_be_done(changes: dict[str, object], text_id: str) -> None:
    assert wording.notice_id(replace(CODE, **changes)) == text_id


def test_attempts_are_told_once() -> None:
    spent = replace(CODE, attempts_spent=1, attempts_left=2)

    assert wording.attempts_hint_id(CODE) is None
    assert wording.attempts_hint_id(spent) == "attempts_left"
    assert wording.attempts_hint_id(replace(spent, attempts_left=1)) == "attempts_last"
    assert wording.attempts_hint_id(replace(spent, notice=Notice.WRONG)) is None


def test_the_help_speaks_of_a_pin_only_where_there_is_one() -> None:
    assert "help_pin" in wording.help_ids(CODE)
    assert "help_pin" not in wording.help_ids(replace(CODE, asks_pin=False))


def test_the_help_sends_nobody_to_a_code_that_will_not_be_sent() -> None:
    assert "help_no_message" in wording.help_ids(CODE)
    assert "help_no_message" not in wording.help_ids(replace(CODE, resend=SPENT))


def test_an_amount_is_the_message_s_or_none() -> None:
    assert wording.amount(CODE, "en") == "123.45 PLN"
    assert wording.amount(replace(CODE, amount=Amount(1500000, 0, "392")), "en") == "1,500,000 JPY"
    assert wording.amount(replace(CODE, amount=None), "en") is None


def test_times_are_the_bank_s() -> None:
    assert wording.clock_time(AT, wording.SECONDS, "pl") == "17:08:00"
