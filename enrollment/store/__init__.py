"""The tables of schema ``enrollment``: one function a query, frozen records, no decisions."""

from typing import Any

Row = Any
"""A driver's record: members by name, values as the column's type says."""


def changed_one(touched: int, what: str) -> None:
    """Fail where a statement missed the one row that its transaction holds: nothing may go on."""
    if touched != 1:
        message = f"{what}, held by this transaction, is not as it was read"
        raise AssertionError(message)
