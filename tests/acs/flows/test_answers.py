"""What of an answer is looked at before anything is compared."""

from __future__ import annotations

from uuid import UUID

import pytest

from acs.flows import answers
from acs.flows.answers import Entries
from schemas.vault import Secret


def test_entries_do_not_show_what_was_typed() -> None:
    text = repr(Entries(Secret("123456"), Secret("4826")))
    assert "123456" not in text
    assert "4826" not in text


@pytest.mark.parametrize(
    ("entry", "digits"),
    [
        ("48 26", "4826"),
        ("\u00a04826", "4826"),
        ("\u202a4826\u202c\ufeff", "4826"),
        ("４８２６", "4826"),
        ("48-26", "48-26"),
    ],
)
def test_a_pin_is_read_without_its_blanks_and_what_is_invisible(entry: str, digits: str) -> None:
    assert answers._digits(Secret(entry)) == digits


@pytest.mark.parametrize(
    ("entry", "is_one"),
    [("4826", True), ("48 26 31 05", True), ("482", False), ("482631059", False), ("48a6", False)],
)
def test_a_pin_has_four_to_eight_digits(entry: str, is_one: bool) -> None:
    assert answers.is_pin(Secret(entry)) is is_one


@pytest.mark.parametrize(
    "text",
    [
        *(None, 7, "", "x" * 36, "d7c1ee9994784 4a6b1f2391e29c6b340", "{" + "0" * 34 + "}"),
        "d7c1f4a26c354a539f0e1b1d5f3e9a10----",
        "d7c1f4a2-6c35-4a539f0e--1b1d5f3e9a10",
        "urn:d7c1f4a26c354a539f0e1b1d5f3e9a10",
        "d7c1f4a2-6c35-4a53-9f0e-1b1d5f3e9_10",
        "d7c1f4a2-6c35-4a53-9f0e-1b1d5f3e9a1\u0660",
        "d7c1f4a2-6c35-4a53-9f0e-1b1d5f3e9a1\n",
    ],
)
def test_an_identifier_has_its_canonical_form(text: object) -> None:
    assert answers.uuid_of(text) is None


def test_an_identifier_may_be_spelled_in_capitals() -> None:
    text = "D7C1F4A2-6C35-4A53-9F0E-1B1D5F3E9A10"
    assert answers.uuid_of(text) == UUID(text)
