"""Records never change, and another one is made by naming what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.records import Record, replace

if TYPE_CHECKING:
    from decimal import Decimal


class Price(Record, frozen=True):
    amount: Decimal | int
    currency: str = "985"


def test_a_record_cannot_be_changed() -> None:
    price: Any = Price(1)
    with pytest.raises(AttributeError):
        price.amount = 2


def test_records_of_equal_members_are_equal() -> None:
    assert Price(1) == Price(1, "985")
    assert Price(1) != Price(2)


def test_another_one_differs_in_what_is_named() -> None:
    assert replace(Price(1), currency="978") == Price(1, "978")
    with pytest.raises(TypeError):
        replace(Price(1), colour="red")
