from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from acs.challenge.policy import ChallengePolicy
from schemas.values import TransStatusReason

MINUTE = timedelta(minutes=1)


def test_the_defaults_are_those_of_the_protocol_and_the_law() -> None:
    policy = ChallengePolicy()

    assert (policy.attempts_max, policy.posts_max) == (3, 20)
    assert policy.first_creq + policy.first_creq_grace == timedelta(seconds=32)
    assert (policy.interaction, policy.cap, policy.replay) == (
        10 * MINUTE,
        30 * MINUTE,
        10 * MINUTE,
    )
    assert policy.attempts_over_reason is TransStatusReason.TOO_MANY_CHALLENGES


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"attempts_max": 0}, "attempts_max is 1 to 5"),
        ({"attempts_max": 6}, "attempts_max is 1 to 5"),
        ({"posts_max": 0}, "posts_max is 1 to 99"),
        ({"posts_max": 100}, "posts_max is 1 to 99"),
        ({"interaction": timedelta(0)}, "interaction is above 0"),
        ({"interaction": 11 * MINUTE}, "interaction is above 0 and at most 10 minutes"),
        ({"cap": 9 * MINUTE}, "cap is not shorter than interaction"),
    ],
)
def test_a_policy_cannot_pass_its_ceilings(setting: dict[str, Any], says: str) -> None:
    """RTS art. 4(3)(b): at most five attempts, whatever the settings say."""
    with pytest.raises(ValueError, match=says):
        ChallengePolicy(**setting)
