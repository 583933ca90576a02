"""Consents, their texts and step-ups in their tables."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from enrollment.store import consents
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys


@pytest.fixture
async def person_id(db: asyncpg.Connection, keys: Keys, now: datetime) -> UUID:
    return await people.make_person(hands(db, keys, now))


async def test_the_hash_of_a_text_is_of_its_exact_bytes(
    db: asyncpg.Connection, now: datetime
) -> None:
    texts = await consents.current_texts(db, now)

    assert len(texts) == 8
    for text in texts:
        assert text.sha256 == hashlib.sha256(text.body.encode()).digest()


async def test_a_text_with_another_hash_cannot_be_stored(owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "INSERT INTO enrollment.consent_text"
            " (code, version, language, body, sha256, valid_from)"
            " VALUES ('terms', 2, 'en', 'New.', sha256('Old.'), now())"
        )


@pytest.mark.parametrize("change", ["body = body || ' '", "version = 7", "valid_from = now()"])
async def test_a_text_that_was_shown_does_not_change(
    owner: asyncpg.Connection, change: str
) -> None:
    with pytest.raises(asyncpg.RaiseError, match="load a new version"):
        await owner.execute(f"UPDATE enrollment.consent_text SET {change}")


async def test_a_text_of_tomorrow_is_not_shown_today(
    db: asyncpg.Connection, owner: asyncpg.Connection, now: datetime
) -> None:
    await owner.execute(
        "INSERT INTO enrollment.consent_text (code, version, language, body, sha256, valid_from)"
        " VALUES ('terms', 2, 'en', 'New.', sha256('New.'), $1)",
        now + timedelta(seconds=1),
    )

    def version(texts: list[consents.ConsentText]) -> int:
        return next(one.version for one in texts if (one.code, one.language) == ("terms", "en"))

    assert version(await consents.current_texts(db, now)) == 1
    assert version(await consents.current_texts(db, now + timedelta(seconds=1))) == 2


async def test_the_newest_declaration_counts(
    db: asyncpg.Connection, now: datetime, person_id: UUID
) -> None:
    text = next(one for one in await consents.current_texts(db, now) if one.code == "terms")
    for act in ("refused", "given"):
        await consents.add(db, person_id, text, act, consents.Taken("portal", ""), now=now)

    found = await consents.newest(db, person_id)

    assert [(one.code, one.act) for one in found] == [("terms", "given")]


async def test_a_step_up_is_used_once_by_its_person_for_its_action_in_its_time(
    db: asyncpg.Connection, now: datetime, person_id: UUID
) -> None:
    phone_id = await db.fetchval("SELECT phone_id FROM enrollment.phone")
    step_up = uuid4()
    until = now + timedelta(seconds=300)
    await consents.add_step_up(
        db, step_up, person_id, phone_id, action="pin.set", expires_at=until, now=now
    )

    assert not await consents.use_step_up(db, step_up, uuid4(), "pin.set", now)
    assert not await consents.use_step_up(db, step_up, person_id, "limits.lower", now)
    assert not await consents.use_step_up(db, step_up, person_id, "pin.set", until)
    assert await consents.is_open_step_up(db, step_up, person_id, "pin.set", now)
    assert await consents.use_step_up(db, step_up, person_id, "pin.set", now)
    assert not await consents.use_step_up(db, step_up, person_id, "pin.set", now)
    assert not await consents.is_open_step_up(db, step_up, person_id, "pin.set", now)
    assert await consents.step_ups_since(db, person_id, now) == 1
    assert await consents.step_ups_since(db, person_id, until) == 0
