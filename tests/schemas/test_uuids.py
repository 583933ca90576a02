"""A UUID that keeps its text is like any other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.uuids import SpelledUuid

if TYPE_CHECKING:
    import asyncpg


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_it_is_the_uuid_of_its_number(number: int, other: int) -> None:
    spelled, plain = SpelledUuid(number), UUID(int=number)

    assert str(spelled) == str(plain) == f"{spelled}"
    assert spelled == plain
    assert plain == spelled
    assert hash(spelled) == hash(plain)
    assert (spelled.bytes, spelled.hex, spelled.version) == (plain.bytes, plain.hex, plain.version)
    assert (spelled < UUID(int=other)) is (plain < UUID(int=other))
    assert msgspec.json.encode(spelled) == msgspec.json.encode(plain)
    for again in (copy.copy(spelled), copy.deepcopy(spelled)):
        assert (again, str(again)) == (plain, str(plain))


@pytest.mark.parametrize("number", [-1, 2**128])
def test_it_has_128_bits(number: int) -> None:
    with pytest.raises(ValueError, match="128 bits"):
        SpelledUuid(number)


def test_it_never_changes() -> None:
    with pytest.raises(TypeError):
        SpelledUuid(1).int = 2  # type: ignore[misc]


async def test_the_database_takes_it(db: asyncpg.Connection) -> None:
    spelled = SpelledUuid(2**127 + 5)

    assert await db.fetchval("SELECT $1::uuid", spelled) == spelled
    assert await db.fetchval("SELECT $1::uuid[]", [spelled]) == [spelled]
