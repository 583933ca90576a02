"""What is kept for a while only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment import callers, flows, idempotency
from enrollment.callers import Asked, Token
from tests.enrollment import api

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_token_ids_and_answers_are_forgotten_in_their_time(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    text = api.sign(api.claims_of("bank", now), "bank")
    token = callers.verify(api.callers(), text, Asked("GET", "/", None, b""), now)
    assert isinstance(token, Token)
    await callers.is_first_use(db, token)
    await idempotency.take(db, idempotency.ticket(keys, "c", "k", ("PUT", "/", b"")), now)

    forgotten = [
        await flows.forget_used(db, now + timedelta(**span), 10)
        for span in ({"minutes": 1}, {"minutes": 3}, {"hours": 24})
    ]

    assert forgotten == [0, 1, 1]
