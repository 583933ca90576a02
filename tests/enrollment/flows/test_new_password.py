"""A password is judged against what is known of its person, and replaces the sessions before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import new_password, sessions
from enrollment.flows.sessions import Over, OverReason
from enrollment.refusals import Refusal, RefusalCode
from enrollment.store import access
from schemas.vault import Secret
from tests.enrollment import doors, people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


@pytest.mark.parametrize(
    ("password", "code"),
    [
        (f"a {people.PESELS[1]} b", RefusalCode.CONTAINS_ID),
        (f"a {people.PESELS[2]} b", None),  # somebody else's number is only a number
        ("tel. 600-700-761", RefusalCode.CONTAINS_ID),
        ("trzy mokre kamienie", None),
    ],
)
async def test_the_own_number_and_phone_are_no_password(
    db: asyncpg.Connection, keys: Keys, now: datetime, password: str, code: RefusalCode | None
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    fault = await new_password.fault(work, person_id, (Secret(password), Secret(password)))

    assert (None if fault is None else fault.code) == code


async def test_the_password_in_use_is_refused_in_either_spelling(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    await new_password.put(work, person_id, Secret("zażółć gęślą"), "registered")
    decomposed = Secret("zaz\u0307o\u0301łc\u0301 ge\u0328s\u0301la\u0328")
    fault = await new_password.fault(work, person_id, (decomposed, decomposed))

    assert fault == Refusal(RefusalCode.SAME_AS_OLD, "password")


async def test_a_new_password_ends_the_sessions_and_is_kept_as_a_hash(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    opened = await sessions.open_session(work, person_id)
    await new_password.put(work, person_id, Secret(doors.PASSWORD), "password_reset")
    stored = await access.password(db, person_id)

    assert await sessions.resume(work, opened.token) == Over(OverReason.ENDED)
    assert stored is not None
    assert stored[0].startswith("$argon2id$")
