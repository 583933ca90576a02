"""The words of the one-time password keep their secrets and refuse a whole card number."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from otp.model import ActionText, IssuedCode, IssueRequest, PaymentText, Purpose
from schemas.vault import Secret

CHALLENGE = UUID("11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize("last4", ["", "069", "06945", "4111111111110694", "06a4", "٠٦٩٤"])
def test_a_payment_text_takes_four_digits_of_the_card_and_nothing_else(last4: str) -> None:
    with pytest.raises(ValueError, match="last four digits"):
        PaymentText("1,00 PLN", "Sklep", "m1", last4)


def test_the_error_about_the_card_number_does_not_repeat_it() -> None:
    with pytest.raises(ValueError, match="last four") as caught:
        PaymentText("1,00 PLN", "Sklep", "m1", "4111111111110694")

    assert "4111" not in str(caught.value)


def test_an_issued_code_does_not_show_itself() -> None:
    code = IssuedCode(CHALLENGE, 1, Secret("482913"), datetime(2026, 6, 17, tzinfo=UTC))

    assert "482913" not in repr(code)


def test_a_request_does_not_show_the_phone_number() -> None:
    request = IssueRequest(
        challenge_id=CHALLENGE,
        purpose=Purpose.STEP_UP,
        link_digest=bytes(32),
        phone=Secret("+48600700800"),
        phone_mask="+48 *** *** 800",
        language="pl",
        text=ActionText("limit"),
    )

    assert "600700800" not in repr(request)
