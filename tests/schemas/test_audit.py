"""An audit event: equal events have equal bytes, and its hash covers every column."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas import audit
from schemas.audit import AuditEvent
from schemas.secret import Tag

if TYPE_CHECKING:
    import asyncpg

    from schemas.vault import Keys

EVENT = AuditEvent(
    at=datetime(2026, 6, 17, 10, 0, tzinfo=UTC),
    name="card.enrolled",
    actor_kind="staff",
    actor="branch:7",
    object="card:1",
    outcome="done",
    origin="10.0.0.1",
    request_id="r-1",
    details={"b": 1, "a": "ł"},
)


def test_the_order_of_details_does_not_matter() -> None:
    other = dataclasses.replace(EVENT, details={"a": "ł", "b": 1})

    assert EVENT.canonical() == other.canonical()


@pytest.mark.parametrize(
    "changed",
    [
        {"at": EVENT.at + timedelta(microseconds=1)},
        {"name": "card.removed"},
        {"actor_kind": "person"},
        {"actor": "branch:8"},
        {"object": "card:2"},
        {"outcome": "refused"},
        {"origin": "10.0.0.2"},
        {"request_id": "r-2"},
        {"details": {"a": "ł", "b": 2}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_column_is_covered(changed: dict[str, object]) -> None:
    other = dataclasses.replace(EVENT, **changed)  # type: ignore[arg-type]

    assert EVENT.canonical() != other.canonical()


def test_text_cannot_move_from_one_column_into_the_next() -> None:
    one = dataclasses.replace(EVENT, actor='a","b', object="c")
    other = dataclasses.replace(EVENT, actor="a", object='b","c')

    assert one.canonical() != other.canonical()


async def test_what_is_stored_proves_itself(db: asyncpg.Connection, keys: Keys) -> None:
    await audit.append(db, keys.audit, EVENT)
    row = await db.fetchrow("SELECT * FROM audit.event")
    columns = {field.name: row[field.name] for field in dataclasses.fields(AuditEvent)}
    read = AuditEvent(**{**columns, "details": json.loads(row["details"])})

    assert read == EVENT
    assert keys.audit.matches(Tag(row["key_id"], row["mac"]), b"audit/1", read.canonical())
