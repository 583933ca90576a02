"""The issuer's settings of the enrolment side; a value past a legal bound cannot be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from enrollment.model import FAILURES_CEILING

PIN_LENGTHS: Final = (4, 8)
"""How short and how long a PIN may be made by the policy."""

_SIGNS: Final = {"A": "[A-Z]", "9": "[0-9]"}
_TEMP_BLOCK_FLOOR = timedelta(minutes=15)


class Activation(StrEnum):
    """Who switches 3-D Secure on: the client card by card, or the last missing piece by itself."""

    PER_CARD = "per_card"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class NonresidentNumbers:
    """What the numbers look like that the bank gives to clients without a PESEL.

    ``shapes``: A stands for a letter, 9 for a digit. ``is_luhn``: the last of the digits follows
    from the others by Luhn's rule, so that slips of the pen are found.
    """

    shapes: tuple[str, ...] = ("AA9999999999",)
    is_luhn: bool = True

    @property
    def patterns(self) -> tuple[str, ...]:
        """Give the regular expression of each shape."""
        return tuple("".join(_SIGNS[sign] for sign in shape) for shape in self.shapes)


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


class PortalRaise(StrEnum):
    """How far a client may raise limits: not at all, or up to what the branch allows."""

    NEVER = "never"
    UP_TO_BRANCH = "up_to_branch"


class RegistrationMode(StrEnum):
    """What a first registration takes besides the number and the SMS."""

    STRICT = "strict"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPolicy:
    """How a client registers for the portal. Raises ValueError on a bad value.

    ``strict`` asks for an activation code of the branch, too (RTS art. 24(2)(b)); ``legacy`` does
    not. The password by SMS lives at most an hour.
    """

    mode: RegistrationMode = RegistrationMode.STRICT
    lifetime: timedelta = timedelta(minutes=60)
    sms_lifetime: timedelta = timedelta(minutes=15)
    sends_max: int = 3
    attempts_max: int = 5
    password_within: timedelta = timedelta(minutes=10)
    per_number_day: int = 3
    per_number_week: int = 5
    per_address_hour: int = 10
    activation_code_life: timedelta = timedelta(days=14)
    activation_attempts_max: int = 5
    activation_codes_day: int = 5

    def __post_init__(self) -> None:
        """Refuse what would make guessing worth while."""
        if not timedelta(0) < self.sms_lifetime <= timedelta(minutes=60):
            message = "registration.sms_lifetime_s must be at most an hour"
            raise ValueError(message)
        if not (1 <= self.attempts_max <= 5 and 1 <= self.activation_attempts_max <= 5):  # noqa: PLR2004
            message = "a password or code of a registration has 1 to 5 tries"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPolicy:
    """How a client is let into the portal and kept there. Raises ValueError on a bad value.

    Five minutes without an act end a session, at most (RTS art. 4(3)(d)); wrong passwords lock the
    way in until midnight of the issuer's zone.
    """

    session_idle: timedelta = timedelta(minutes=5)
    session_max: timedelta = timedelta(minutes=30)
    password_failures_max: int = 3
    code_failures_max: int = 5
    logins_per_address_hour: int = 30
    numbers_per_address_hour: int = 10
    resets_day: int = 3
    reset_failures_max: int = 5
    phone_cooling: timedelta = timedelta(hours=24)
    phone_changes_year: int = 3
    password_length_min: int = 8
    password_length_max: int = 128
    forbidden_words: tuple[str, ...] = ()
    events_days: int = 90

    def __post_init__(self) -> None:
        """Refuse what the law or good sense forbids."""
        if not timedelta(0) < self.session_idle <= timedelta(minutes=5):
            message = "portal.session_idle_s must be at most five minutes"
            raise ValueError(message)
        if not 1 <= self.password_failures_max <= FAILURES_CEILING:
            message = f"portal.password_failures_max must be 1 to {FAILURES_CEILING}"
            raise ValueError(message)
        if not 1 <= self.code_failures_max <= FAILURES_CEILING:
            message = f"portal.code_failures_max must be 1 to {FAILURES_CEILING}"
            raise ValueError(message)
        if not 8 <= self.password_length_min <= self.password_length_max <= 128:  # noqa: PLR2004
            message = "a password has 8 to 128 characters"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPolicy:
    """What the issuer decides about persons, phones, PINs and limits.

    ``countries`` are the calling codes of phones that may be recorded. ``owner_sees_all``: the
    owner of a joint account sees the co-owners' cards, too.
    """

    audience: str = "enrollment"
    api_origin: str | None = None
    activation: Activation = Activation.PER_CARD
    copy_on_replace: bool = True
    owner_sees_all: bool = False
    countries: tuple[str, ...] = ("48",)
    phone_persons_max: int = 3
    pin_length_min: int = PIN_LENGTHS[0]
    pin_length_max: int = PIN_LENGTHS[1]
    pin_changes_day: int = 5
    step_up_sends_day: int = 10
    nonresident: NonresidentNumbers = field(default_factory=NonresidentNumbers)
    portal_raise: PortalRaise = PortalRaise.NEVER
    attempts: AttemptPolicy = field(default_factory=AttemptPolicy)
    registration: RegistrationPolicy = field(default_factory=RegistrationPolicy)
    portal: PortalPolicy = field(default_factory=PortalPolicy)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        lengths = (PIN_LENGTHS[0], self.pin_length_min, self.pin_length_max, PIN_LENGTHS[1])
        if list(lengths) != sorted(lengths):
            message = "the PIN for internet payments has {} to {} digits".format(*PIN_LENGTHS)
            raise ValueError(message)
