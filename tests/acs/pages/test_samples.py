"""The samples are of every kind: what a gallery leaves out nobody looks at."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from acs.challenge.screens import CodeScreen, ErrorScreen, ErrorText, Notice, Outcome, ReturnScreen
from acs.challenge.screens import Screen as AnyScreen
from acs.pages.samples import SIZES, app_screens, every_screen

SCREENS = every_screen("pl", ("pl", "en"), "plum")


def test_every_kind_of_screen_is_there() -> None:
    assert {type(screen) for screen in SCREENS.values()} == set(get_args(AnyScreen))


@pytest.mark.parametrize("asks_pin", [False, True])
def test_every_notice_is_there(*, asks_pin: bool) -> None:
    codes = [screen for screen in SCREENS.values() if isinstance(screen, CodeScreen)]

    assert {code.notice for code in codes if code.asks_pin is asks_pin} >= set(Notice)


def test_every_end_is_there() -> None:
    ends = {screen.outcome for screen in SCREENS.values() if isinstance(screen, ReturnScreen)}
    errors = {screen.text_id for screen in SCREENS.values() if isinstance(screen, ErrorScreen)}

    assert (ends, errors) == (set(get_args(Outcome)), set(get_args(ErrorText)))


def test_an_app_is_shown_every_kind_of_entry() -> None:
    shown = app_screens("pl", "plum").values()
    kinds = {(screen.asks_pin, screen.amount is None, screen.offers_trust) for screen in shown}

    assert {screen.brand.theme for screen in shown} == {"plum"}
    assert {one[:2] for one in kinds} == {
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    }
    assert {one[2] for one in kinds} == {True, False}


def test_every_name_can_be_a_file_s() -> None:
    assert [name for name in SCREENS if not re.fullmatch(r"[a-z0-9-]+", name)] == []


def test_the_sizes_are_those_of_the_specification() -> None:
    assert list(SIZES.values())[:4] == [(250, 400), (390, 400), (500, 600), (600, 400)]
