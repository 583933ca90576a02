"""Settings that speak for another part keep its defaults and its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs.challenge.policy import ChallengePolicy
from acs.config.settings import Challenge, Database, Settings
from acs.config.sms_settings import Otp
from schemas.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path


def test_the_patience_of_a_challenge_is_the_policys() -> None:
    section, policy = Challenge(), ChallengePolicy()

    for name in ("first_creq", "first_creq_grace", "interaction", "cap", "replay"):
        assert getattr(section, f"{name}_s") == getattr(policy, name).total_seconds()
    assert (section.posts_max, section.cancel_counts) == (policy.posts_max, policy.cancel_counts)
    assert section.attempts_over_reason == policy.attempts_over_reason
    assert section.blocked_reason == policy.blocked_reason
    assert Otp().attempts_max == policy.attempts_max


def test_the_addresses_of_the_database_come_from_texts_or_files(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("postgresql://file/d\n", encoding="utf-8")
    text = Secret("postgresql://text/d")

    assert (Database().address, Database().direct_address) == (None, None)
    assert Database(url=text).direct_address == "postgresql://text/d"
    assert Database(url_file=file).address == "postgresql://file/d"
    assert Database(url=text, direct_url_file=file).address == "postgresql://text/d"
    assert Database(url=text, direct_url_file=file).direct_address == "postgresql://file/d"
    assert Database(url_file=file, direct_url=text).direct_address == "postgresql://text/d"


def test_nothing_changes_after_the_start() -> None:
    with pytest.raises(AttributeError):
        Settings().profile = "demo"  # type: ignore[misc]
