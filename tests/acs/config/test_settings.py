"""Settings that speak for another part keep its defaults and its names."""

from __future__ import annotations

import pytest

from acs.challenge.policy import ChallengePolicy
from acs.config.settings import Challenge, Settings
from acs.config.sms_settings import Otp


def test_the_patience_of_a_challenge_is_the_policys() -> None:
    section, policy = Challenge(), ChallengePolicy()

    for name in ("first_creq", "first_creq_grace", "interaction", "cap", "replay"):
        assert getattr(section, f"{name}_s") == getattr(policy, name).total_seconds()
    assert (section.posts_max, section.cancel_counts) == (policy.posts_max, policy.cancel_counts)
    assert section.attempts_over_reason == policy.attempts_over_reason
    assert section.blocked_reason == policy.blocked_reason
    assert Otp().attempts_max == policy.attempts_max


def test_nothing_changes_after_the_start() -> None:
    with pytest.raises(AttributeError):
        Settings().profile = "demo"  # type: ignore[misc]
