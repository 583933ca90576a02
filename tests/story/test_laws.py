"""The laws notice what they are for: each kind of trace of a secret is found."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.story.laws import traces

if TYPE_CHECKING:
    from collections.abc import Callable

PAN = "4000001000000018"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_any_text_around_a_secret_is_noticed(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    text = encode(f"{before}{PAN}{after}".encode()).decode()
    assert any(one.is_in(text) for one in traces("PAN", PAN))


@pytest.mark.parametrize("text", [f"pan {PAN}.", f'"{PAN}"', PAN.encode().hex(), f"-{PAN}-"])
def test_a_secret_in_clear_or_hex_is_noticed(text: str) -> None:
    assert any(one.is_in(text) for one in traces("PAN", PAN))


@pytest.mark.parametrize("text", ["1234567", "0123456", "a123456", "12 34 56", "123455"])
def test_a_longer_number_is_not_taken_for_a_code(text: str) -> None:
    assert not any(one.is_in(text) for one in traces("code", "123456"))
