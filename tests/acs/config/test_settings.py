"""Addresses of listeners; settings that speak for another part keep its defaults and its names."""

from __future__ import annotations

import msgspec
import pytest

from acs.challenge.policy import ChallengePolicy
from acs.config.settings import Challenge, Listen, Otp, Settings
from otp.policy import OtpPolicy


@pytest.mark.parametrize("text", ["127.0.0.1:8081", "[::1]:8081", "localhost:0", "acs.example:443"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(Listen.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "8081", ":8081", "host", "host:", "host:99999", "::1:80", "[]:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not host:port"):
        Listen.parse(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("h", False)],
)
def test_only_loopback_is_this_machine(host: str, local: bool) -> None:
    assert Listen(host, 1).is_loopback is local


def test_the_section_otp_is_the_policy_of_one_time_codes() -> None:
    assert OtpPolicy(**msgspec.structs.asdict(Otp())) == OtpPolicy()


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
