"""Merchant names: nothing invisible is left, nothing readable is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.pages.names import NAME_LENGTH_MAX, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Księgarnia Pod Lipą", "Księgarnia Pod Lipą"),
        ("allegro.pl", "allegro.pl"),
        ("  A \t B\n\u2028C  ", "A B C"),
        ("A\u00a0B\u3000C", "A B C"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066a\u2069\u200e\u200f\u061c", "a"),
        ("pay\u200bpal\u2060\ufeff\u00ad", "paypal"),
        ("A\x00B\x1bC\x7f", "ABC"),
        ("\u3164\u115f\u2800", ""),
        ("\uff21\uff22", "AB"),
        ("Z\u0301\u0301\u0301\u0301\u0301algo", "Ź\u0301\u0301algo"),
        ("\u0301abc", "abc"),
        ("<b>&\"'", "<b>&\"'"),
        ("\ue000\ufe0f\U000e0041x", "x"),
        ("שלום", "שלום"),
        ("Kawiarnia ☕", "Kawiarnia ☕"),
        ("x" * 200, "x" * NAME_LENGTH_MAX),
    ],
)
def test_cleaned_names(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize("name", ["\u202e\u200b ", "\U0001f600\U0001f600", "€€€", "***", "\u2714"])
def test_nothing_readable_gives_the_fallback(name: str) -> None:
    assert shown_name(name, fallback="ACME-0001") == "ACME-0001"


def test_without_a_fallback_signs_are_better_than_nothing() -> None:
    assert shown_name("***") == "***"


@given(st.text(max_size=120))
def test_cleaning_is_idempotent(name: str) -> None:
    once = shown_name(name)

    assert shown_name(once) == once


@given(st.text(max_size=120))
def test_no_invisible_character_is_left(name: str) -> None:
    categories = {unicodedata.category(character) for character in shown_name(name)}

    assert not categories & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
