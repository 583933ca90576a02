"""Which passwords are refused, and why."""

from __future__ import annotations

import pytest

from enrollment import password_rules
from enrollment.password_rules import PasswordFault
from enrollment.policy import NonresidentNumbers, PortalPolicy

POLICY = PortalPolicy(forbidden_words=("Bank Przykład", "Kartolina"))
PHONE = "+48600700761"


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("1234567", "too_short"),
        ("krótkie", "too_short"),
        ("a" * 129, "too_long"),
        ("password", "common"),
        ("Haslo123!", "common"),
        ("2024Qwerty!!", "common"),
        ("kartolina99", "common"),
        ("bank przykład", "common"),
        ("aaaaaaaabbb", "common"),
        ("01234567", "common"),
        ("98765432", "common"),
        ("48151623", "common"),
        ("abcdefghij", "common"),
        ("x600700761x!", "contains_id"),
        ("moj 600-700-761 nr", "contains_id"),
        ("trzy mokre kamienie", None),
        ("zażółć gęślą jaźń", None),
        ("🐎🔋📎 koń bateria", None),
        ("a1b2c3d4e5", None),
        ("x" * 60 + "yz" * 34, None),
    ],
)
def test_a_password_is_judged(password: str, fault: str | None) -> None:
    wanted = None if fault is None else PasswordFault(fault)

    assert password_rules.fault(password_rules.normal(password), POLICY, PHONE) == wanted


def test_what_looks_the_same_is_the_same() -> None:
    assert password_rules.normal("zaz\u0307o\u0301ł") == password_rules.normal("zażół")


def test_numbers_are_found_wherever_they_stand() -> None:
    text = "x44051401359y ab1234567890"
    found = password_rules.numbers_in(text, NonresidentNumbers())
    own = password_rules.numbers_in(text, NonresidentNumbers(("A9999999", "A99")))

    assert list(found) == ["44051401359", "AB1234567890"]
    assert list(own) == ["44051401359", "X4405140", "B1234567", "X44", "B12"]
