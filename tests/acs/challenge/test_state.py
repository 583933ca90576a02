from __future__ import annotations

from acs.challenge.effects import Page, Show
from acs.challenge.state import Step
from tests.acs.people import a_challenge


def test_a_step_answers_with_the_last_page_it_shows() -> None:
    step = Step(a_challenge(), (Show(Page.CODE), Show(Page.FINAL)))

    assert step.page is Page.FINAL


def test_a_step_nobody_waits_for_has_no_page() -> None:
    assert Step(a_challenge()).page is None
