"""Counts what an act costs: statements that reach the database, and slow hashes of PINs.

Two answers that may not be told apart by their time have to cost the same. Time is for a
benchmark (`loadtests/quiet.py`); a suite counts, and a count cannot fail by load.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from enrollment import pin_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg
    import pytest


_OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")  # asked once about each new type


@dataclass
class Cost:
    """The statements in their order, and how often argon2 ran."""

    statements: list[str] = field(default_factory=list)
    hashes: int = 0


def connections(pool: asyncpg.Pool) -> list[asyncpg.Connection]:
    """Give the connections of a pool that are open."""
    return [one._con for one in pool._holders if one._con is not None]


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, conns: list[asyncpg.Connection]) -> Iterator[Cost]:
    """Write down what these connections, and the hashing threads, are asked for."""
    cost = Cost()

    def note(query: Any) -> None:
        text = " ".join(query.query.split())
        if not any(word in text for word in _OF_THE_DRIVER):
            cost.statements.append(text)

    compare, make = pin_hash._verify, pin_hash._hash

    def compared(*given: Any) -> bool:
        cost.hashes += 1
        return compare(*given)

    def made(*given: Any) -> str:
        cost.hashes += 1
        return make(*given)

    with monkeypatch.context() as patch:
        patch.setattr(pin_hash, "_verify", compared)
        patch.setattr(pin_hash, "_hash", made)
        for conn in conns:
            conn.add_query_logger(note)
        try:
            yield cost
        finally:
            for conn in conns:
                conn.remove_query_logger(note)
