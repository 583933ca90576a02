"""An audit event: equal events have equal bytes, and its hash covers every column."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    other = msgspec.structs.replace(EVENT, details={"a": "ł", "b": 1})

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
    other = msgspec.structs.replace(EVENT, **changed)

    assert EVENT.canonical() != other.canonical()


def test_text_cannot_move_from_one_column_into_the_next() -> None:
    one = msgspec.structs.replace(EVENT, actor='a","b', object="c")
    other = msgspec.structs.replace(EVENT, actor="a", object='b","c')

    assert one.canonical() != other.canonical()


def written(event: AuditEvent, details: str) -> bytes:
    """Write an event as the standard library does; tags of years ago were made of such bytes."""
    members = [
        event.at.isoformat(),
        event.name,
        event.actor_kind,
        event.actor,
        event.object,
        event.outcome,
        event.origin,
        event.request_id,
        details,
    ]
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def test_every_character_is_written_as_it_always_was() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1))))
    event = msgspec.structs.replace(EVENT, details={"every": every, every: "x"})
    details = json.dumps(event.details, ensure_ascii=False, sort_keys=True)

    assert event.details_json() == details
    assert event.canonical() == written(event, details)


@given(
    st.dictionaries(
        st.text(),
        st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text() | st.booleans()),
    ),
    st.text(),
)
def test_any_details_are_written_as_they_always_were(details: dict[str, object], who: str) -> None:
    event = msgspec.structs.replace(EVENT, details=details, actor=who)
    expected = json.dumps(details, ensure_ascii=False, sort_keys=True)

    assert event.details_json() == expected
    assert event.canonical() == written(event, expected)


async def test_what_is_stored_proves_itself(db: asyncpg.Connection, keys: Keys) -> None:
    await audit.append(db, keys.audit, EVENT)
    row = await db.fetchrow("SELECT * FROM audit.event")
    columns = {name: row[name] for name in AuditEvent.__struct_fields__}
    read = AuditEvent(**{**columns, "details": json.loads(row["details"])})

    assert read == EVENT
    assert keys.audit.matches(Tag(row["key_id"], row["mac"]), b"audit/1", read.canonical())
