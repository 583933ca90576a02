"""What a step-up's message says of its action."""

from __future__ import annotations

import pytest

from enrollment.words import Action, action_text
from schemas.enrollment_api import ACTIONS, LANGUAGES

OF_A_NUMBER = {
    Action.THREEDS_ACTIVATE, Action.THREEDS_DEACTIVATE, Action.LIMITS_LOWER, Action.PHONE_CHANGE,
}  # fmt: skip
"""The end of a card's number, or of the new phone's, is what tells one such act from another."""
OF_OTHER_STEPS = {Action.PHONE_CONFIRM, Action.LOGIN, Action.PASSWORD_RESET}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_its_words_in_every_language(language: str, action: Action) -> None:
    text = action_text(action, language, "0694")

    assert "{" not in text
    assert ("0694" in text) is (action in OF_A_NUMBER)


def test_the_api_knows_the_same_actions() -> None:
    assert set(ACTIONS) == {action.value for action in set(Action) - OF_OTHER_STEPS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_actions_never_sound_alike(language: str) -> None:
    texts = [action_text(action, language, "0694") for action in Action]

    assert len(set(texts)) == len(texts)
