"""The issuer's settings of the enrolment side; a value past a legal bound cannot be made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from enrollment.identifiers import NONRESIDENT_PATTERN
from enrollment.model import FAILURES_CEILING, EffectiveLimits

PIN_LENGTHS: Final = (4, 8)
"""How short and how long a PIN may be made by the policy."""

_TEMP_BLOCK_FLOOR = timedelta(minutes=15)


class Activation(StrEnum):
    """Who switches 3-D Secure on: the client card by card, or the last missing piece by itself."""

    PER_CARD = "per_card"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPolicy:
    """Failed authentications in a row, and what follows. Raises ValueError on a bad value.

    ``failures_max`` cannot pass five (RTS art. 4(3)(b)). A temporary block lasts until midnight of
    the issuer's zone and at least ``temp_block_min``; after ``temp_blocks_max`` of them within
    ``temp_blocks_window`` the next one is permanent (RTS art. 4(4)).
    """

    failures_max: int = FAILURES_CEILING
    temp_block_min: timedelta = timedelta(hours=6)
    temp_blocks_max: int = 3
    temp_blocks_window: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        """Refuse what the law or good sense forbids."""
        if not 1 <= self.failures_max <= FAILURES_CEILING:
            message = f"sca.max_consecutive_failures must be 1 to {FAILURES_CEILING}"
            raise ValueError(message)
        if self.temp_block_min < _TEMP_BLOCK_FLOOR:
            message = "sca.temp_block must be at least 15 minutes"
            raise ValueError(message)
        if self.temp_blocks_max < 1:
            message = "sca.perm_block_after must be at least 1"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPolicy:
    """What the issuer decides about persons, phones, PINs and limits.

    ``countries`` are the calling codes of phones that may be recorded. ``initial_limits`` are
    written for a new account; all members None = nothing is written.
    """

    audience: str = "enrollment"
    api_origin: str | None = None
    activation: Activation = Activation.PER_CARD
    copy_on_replace: bool = True
    countries: tuple[str, ...] = ("48",)
    phone_persons_max: int = 3
    nonresident_pattern: str = NONRESIDENT_PATTERN
    pin_length_min: int = PIN_LENGTHS[0]
    pin_length_max: int = PIN_LENGTHS[1]
    pin_changes_day: int = 5
    step_up_sends_day: int = 10
    initial_limits: EffectiveLimits = field(default_factory=EffectiveLimits)
    attempts: AttemptPolicy = field(default_factory=AttemptPolicy)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        re.compile(self.nonresident_pattern)
        lengths = (PIN_LENGTHS[0], self.pin_length_min, self.pin_length_max, PIN_LENGTHS[1])
        if list(lengths) != sorted(lengths):
            message = "the PIN for internet payments has {} to {} digits".format(*PIN_LENGTHS)
            raise ValueError(message)
