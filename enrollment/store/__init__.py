"""The tables of schema ``enrollment``: one function a query, frozen records, no decisions."""

from typing import Any

Row = Any
"""A driver's record: members by name, values as the column's type says."""
