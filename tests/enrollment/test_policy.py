"""Settings past a legal bound cannot be made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from enrollment.policy import AttemptPolicy, EnrollmentPolicy


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures_max": 6},
        {"failures_max": 0},
        {"temp_block_min": timedelta(minutes=14)},
        {"temp_blocks_max": 0},
    ],
)
def test_an_attempt_policy_past_a_bound_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sca\."):
        AttemptPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pin_length_min": 3},
        {"pin_length_max": 9},
        {"pin_length_min": 6, "pin_length_max": 5},
    ],
)
def test_a_pin_has_four_to_eight_digits(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="4 to 8 digits"):
        EnrollmentPolicy(**wrong)  # type: ignore[arg-type]


def test_the_defaults_are_within_every_bound() -> None:
    assert EnrollmentPolicy().attempts.failures_max == 5
