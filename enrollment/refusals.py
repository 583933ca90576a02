"""Why a use case of the enrolment API says no: an ordinary value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Value_co = TypeVar("Value_co", covariant=True)


class RefusalCode(StrEnum):
    """The reasons; each is a stable text id that callers may translate."""

    NOT_FOUND = "not_found"
    BAD_QUERY = "bad_query"
    VERSION_CHANGED = "version_changed"
    CONFLICT = "conflict"
    PERSON_CLOSED = "person_closed"
    TOO_YOUNG = "too_young"
    MINOR_NOT_ALLOWED = "minor_not_allowed"
    BIRTH_DATE_INVALID = "birth_date_invalid"
    BIRTH_DATE_DIFFERS = "birth_date_differs"
    IDENTIFIER_FORMAT = "identifier_format"
    IDENTIFIER_CHECK_DIGIT = "identifier_check_digit"
    IDENTIFIER_DATE = "identifier_date"
    IDENTIFIER_TAKEN = "identifier_taken"
    PHONE_INVALID = "phone_invalid"
    PHONE_NOT_MOBILE = "phone_not_mobile"
    PHONE_COUNTRY = "phone_country_not_allowed"
    PHONE_SHARED = "phone_shared_too_often"
    SCOPE_MISSING = "scope_missing"
    CURRENCY_UNKNOWN = "currency_unknown"
    CURRENCY_FIXED = "currency_fixed"
    PERSON_UNKNOWN = "person_unknown"
    ACCOUNT_UNKNOWN = "account_unknown"
    PERSON_TWICE = "person_twice"
    LUHN = "luhn"
    UNKNOWN_RANGE = "unknown_range"
    OTHER_HOLDER = "other_holder"
    OTHER_REFERENCE = "other_reference"
    PAN_FIXED = "pan_fixed"
    ILLEGAL_TRANSITION = "illegal_transition"
    EFFECTIVE_IN_FUTURE = "effective_in_future"
    REPLACEMENT_UNKNOWN = "replacement_unknown"
    REPLACEMENT_NOT_ALLOWED = "replacement_not_allowed"
    RAISE_IN_BRANCH = "raise_in_branch"
    DUAL_CONTROL_NEEDED = "dual_control_needed"
    OTHER_STAFF = "other_staff"
    NOT_OF_ACCOUNT = "not_of_account"
    NO_SUCH_BLOCK = "no_such_block"
    TEXT_UNKNOWN = "text_unknown"
    TEXT_CHANGED = "text_changed"
    CONSENT_TWICE = "consent_twice"
    CONSENT_NOT_GIVEN = "consent_not_given"
    PIN_LENGTH = "pin_length"
    PIN_MISMATCH = "pin_mismatch"
    WEAK_PIN = "weak_pin"
    PIN_CHANGES = "pin_changes"
    MISSING = "missing"
    LOCKED = "locked"
    STEP_UP_REQUIRED = "step_up_required"
    STEP_UP_INVALID = "step_up_invalid"
    STEP_UP_PARAMETERS = "step_up_parameters"
    TOO_MANY_CODES = "too_many_codes"
    PHONE_NOT_REACHABLE = "phone_not_reachable"
    TOO_OFTEN = "too_often"
    INVALID = "invalid"
    SESSION_OVER = "session_over"
    REGISTRATION_OVER = "registration_over"
    NOT_YET = "not_yet"
    CONSENT_REQUIRED = "consent_required"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    CONTAINS_ID = "contains_id"
    MISMATCH = "mismatch"
    SAME_AS_OLD = "same_as_old"
    PHONE_SAME = "phone_same"
    PHONE_CHANGES = "phone_changes"
    HOST_UNAVAILABLE = "host_unavailable"
    HOST_UNKNOWN = "host_unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One "no": its reason, the member of the body it is about, and when to try again."""

    code: RefusalCode
    field: str | None = None
    retry_after_s: int | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done(Generic[Value_co]):
    """A use case that was carried out; ``version`` is that of the thing shown."""

    value: Value_co
    version: int | None = None
    created: bool = False
