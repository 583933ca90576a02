"""The sealed cookie: made here, read here, and good for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from msgspec.structs import replace

from enrollment.portal import state
from enrollment.portal.state import Flash, Pending

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys


def test_a_state_comes_back_as_it_was(keys: Keys, now: datetime) -> None:
    pending = Pending("limits.lower", uuid4(), "+48 *** *** 761", now, uuid4(), "0694", {"a": 1})
    made = replace(
        state.fresh(now, "en"),
        errand={"login": "x"},
        pending=pending,
        flash=Flash("login_bad", "error", {"n": 3}, "code"),
        typed={"phone": "600"},
    )

    assert state.read(keys.vault, state.write(keys.vault, made), now) == made


@pytest.mark.parametrize("cookie", ["", "x", "ł", "A" * 60, "====", "\x00"])
def test_a_cookie_that_is_none_of_ours_begins_afresh(
    keys: Keys, now: datetime, cookie: str
) -> None:
    found = state.read(keys.vault, cookie, now)

    assert (found.errand, found.pending, found.made_at) == ({}, None, now)


def test_one_changed_character_makes_it_none_of_ours(keys: Keys, now: datetime) -> None:
    made = replace(state.fresh(now), errand={"login": "x"})
    cookie = state.write(keys.vault, made)
    other = "A" if cookie[50] != "A" else "B"

    assert state.read(keys.vault, cookie[:50] + other + cookie[51:], now).errand == {}


def test_an_old_one_keeps_the_language_alone(keys: Keys, now: datetime) -> None:
    made = replace(state.fresh(now, "en"), errand={"login": "x"})
    cookie = state.write(keys.vault, made)

    found = state.read(keys.vault, cookie, now + state.LIFETIME + timedelta(seconds=1))

    assert (found.language, found.errand) == ("en", {})


def test_no_cookie_is_longer_than_browsers_take(keys: Keys, now: datetime) -> None:
    typed = {str(number): "ż" * 100 for number in range(40)}
    made = replace(state.fresh(now), typed=typed)

    assert len(state.write(keys.vault, made)) <= state.COOKIE_MAX


def test_a_form_s_token_is_of_one_browser_and_one_session(keys: Keys, now: datetime) -> None:
    one, other = state.fresh(now), state.fresh(now)
    token = state.form_token(keys, one, "session")

    assert state.is_form_token(keys, one, "session", token)
    assert not state.is_form_token(keys, one, "", token)
    assert not state.is_form_token(keys, other, "session", token)


def test_what_was_said_is_forgotten_and_the_rest_is_kept(now: datetime) -> None:
    made = replace(state.fresh(now), flash=Flash("login_bad"), typed={"a": "b"}, errand={"c": "d"})

    assert made.told() == replace(made, flash=None, typed={})
