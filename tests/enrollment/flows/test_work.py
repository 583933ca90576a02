"""One request's hands: its events and its idea of the version it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from enrollment.events import EventName
from enrollment.flows.work import version_fault
from enrollment.refusals import Refusal, RefusalCode
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_an_event_is_appended_to_the_transaction(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await hands(db, keys, now).record(EventName.PIN_SET, "p", outcome="ok", kind="x")

    row = await db.fetchrow("SELECT name, at, object, outcome, details FROM audit.event")
    assert (row["name"], row["at"], row["object"], row["outcome"]) == ("pin.set", now, "p", "ok")
    assert json.loads(row["details"]) == {"kind": "x", "channel": "branch"}


@pytest.mark.parametrize(
    ("if_match", "version", "is_refused"),
    [(None, 1, False), (None, None, False), (1, 1, False), (1, 2, True), (1, None, True)],
)
def test_a_version_that_was_not_seen_is_not_changed(
    if_match: int | None, version: int | None, *, is_refused: bool
) -> None:
    expected = Refusal(RefusalCode.VERSION_CHANGED) if is_refused else None

    assert version_fault(if_match, version) == expected
