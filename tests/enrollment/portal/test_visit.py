"""How a refusal of the flows is said."""

from __future__ import annotations

import pytest

from enrollment.portal.state import Flash
from enrollment.portal.visit import flash_of
from enrollment.refusals import Refusal, RefusalCode
from tests.enrollment.portal.browsing import PAGES

MET = (
    "identifier_format", "identifier_check_digit", "identifier_date", "too_often",
    "too_many_codes", "step_up_invalid", "step_up_required", "phone_not_reachable", "locked",
    "pin_length", "pin_mismatch", "weak_pin", "pin_changes", "raise_in_branch", "text_changed",
    "consent_not_given", "consent_required", "phone_invalid", "phone_not_mobile",
    "phone_country_not_allowed", "phone_shared_too_often", "phone_same", "phone_changes",
    "too_short", "too_long", "common", "contains_id", "mismatch", "same_as_old", "invalid",
    "host_unavailable", "host_unknown", "illegal_transition",
)  # fmt: skip
"""What a client can meet in the portal."""


@pytest.mark.parametrize(
    ("refusal", "flash"),
    [
        (
            Refusal(RefusalCode.WEAK_PIN, "pin"),
            Flash("refused_weak_pin", "error", {"minutes": 0}, "pin"),
        ),
        (
            Refusal(RefusalCode.STEP_UP_INVALID, "step_up"),
            Flash("refused_step_up_invalid", "error", {"minutes": 0}, "code"),
        ),
        (
            Refusal(RefusalCode.TOO_MANY_CODES, retry_after_s=61),
            Flash("refused_too_many_codes", "error", {"minutes": 2}),
        ),
        (
            Refusal(RefusalCode.TEXT_CHANGED, "consents[0].version"),
            Flash("refused_text_changed", "error", {"minutes": 0}),
        ),
        (Refusal(RefusalCode.MISSING, missing=("pin", "phone")), Flash("missing_pin", "error")),
    ],
)
def test_a_refusal_names_its_text_its_field_and_the_minutes(refusal: Refusal, flash: Flash) -> None:
    assert flash_of(refusal) == flash


@pytest.mark.parametrize("code", MET)
def test_every_refusal_a_client_can_meet_has_words_of_its_own(code: str) -> None:
    assert PAGES.has_text(f"refused_{RefusalCode(code)}")
