"""What a phone shows that has the first part of a message and waits for the next one."""

from __future__ import annotations

import re

import pytest

from enrollment.words import Action, action_text
from otp.alphabets import parts
from otp.flows import CATALOGUES, LETTERED
from otp.message import Catalogue, compose
from otp.model import ActionText, CardText, PaymentText
from schemas.vault import Secret

CODE = Secret("048291")
_FIRST_PART = 67
"""Letters of UCS-2 in each part of several."""
IN_PARTS = pytest.mark.parametrize(
    "catalogue", [CATALOGUES["uk"], LETTERED["pl"]], ids=["uk", "pl with its letters"]
)


@IN_PARTS
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PaymentText("12345,67 PLN", "Księgarnia Żółw i Spółka", "1", "0694"), "12345,67 PLN"),
        (CardText("Księgarnia Żółw i", "1", "0694", adds=True), "*0694"),
        (CardText("Księgarnia Żółw i", "1", "0694", adds=False), "*0694"),
    ],
    ids=["payment", "card added", "card used"],
)
def test_amount_payee_and_code_are_in_the_first_part(
    text: PaymentText | CardText, told: str, catalogue: Catalogue
) -> None:
    """A phone may show that part alone while the next one is on its way."""
    message = compose(catalogue, text, CODE, 1, 300)
    assert message is not None
    first = message.reveal()[:_FIRST_PART]

    assert [part for part in (told, text.payee, "048291") if part not in first] == []


@IN_PARTS
@pytest.mark.parametrize("seq", [1, 3])
@pytest.mark.parametrize(
    "text",
    [
        PaymentText("1234567,89 PLN", "Ą" * 200, "1", "0694"),
        PaymentText("1234567,89 PLN", "\U00020000" * 200, "1", "0694"),
        CardText("Ą" * 200, "1", "0694", adds=True),
        CardText("Ą" * 200, "1", "0694", adds=False),
        ActionText("Ą" * 200),
    ],
    ids=["payment", "signs of two units", "card added", "card used", "action"],
)
def test_a_long_name_is_cut_before_the_code_leaves_the_first_part(
    text: PaymentText | CardText | ActionText, seq: int, catalogue: Catalogue
) -> None:
    message = compose(catalogue, text, CODE, seq, 300)
    assert message is not None
    first = parts(message.reveal(), "ucs2")[0]

    assert "048291" in first
    assert len(re.findall("[Ą\U00020000]", first)) >= 7


@IN_PARTS
@pytest.mark.parametrize("action", Action)
def test_action_and_code_are_in_the_first_part(action: Action, catalogue: Catalogue) -> None:
    said = action_text(action, catalogue.language, "0694")
    message = compose(catalogue, ActionText(said), CODE, 1, 300)
    assert message is not None
    first = message.reveal()[:_FIRST_PART]

    assert [part for part in (said, "048291") if part not in first] == []
