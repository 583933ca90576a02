from __future__ import annotations

from dataclasses import fields
from typing import get_args

from acs.challenge import effects


def test_no_effect_carries_anything_secret() -> None:
    carried = {field.name for effect in get_args(effects.Effect) for field in fields(effect)}

    assert carried == {"due_at", "name", "page", "timer"}


def test_effects_that_say_the_same_are_equal() -> None:
    """The shell and the tests look for them in a step."""
    assert effects.QueueResults() in (effects.StopTimers(), effects.QueueResults())
