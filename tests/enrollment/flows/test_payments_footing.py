"""What a running challenge rests on: the same as the standing says, in a look of its own."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import flows
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

DAY, MONTH = date(2026, 6, 17), date(2026, 6, 1)
CHANGES = {
    "nothing": "SELECT",
    "card": "UPDATE enrollment.card SET status = 'blocked_stolen'",
    "enrolment": "UPDATE enrollment.enrolment SET state = 'suspended', reason = 'card_expired'",
    "disputed": "UPDATE enrollment.phone SET state = 'disputed'",
    "no phone": "UPDATE enrollment.phone SET state = 'retired', valid_to = now()",
    "text": "UPDATE enrollment.consent_text SET good_until = '2026-06-16'",
    "block": """
        INSERT INTO enrollment.sca_state (person_id, failures, block_kind, block_until, updated_at)
        SELECT person_id, 5, 'sca_temp', now(), now() FROM enrollment.person""",
}


@pytest.mark.parametrize("consents", [(), (True,), (True, False), (True, False, True)])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_challenge_rests_on_what_the_standing_says(
    db: asyncpg.Connection,
    owner: asyncpg.Connection,
    keys: Keys,
    now: datetime,
    change: str,
    consents: tuple[bool, ...],
) -> None:
    client = await people.make_client(hands(db, keys, now))
    for accepted in consents:
        await people.consent(hands(db, keys, now), client.person_id, accepted=accepted)
    await owner.execute(CHANGES[change])

    footing = await flows.footing_of(db, client.card_id, DAY)
    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert footing is not None
    assert standing is not None
    phone = standing.phone
    assert (footing.card_status, footing.enrolment, footing.enrolment_reason, footing.block) == (
        standing.card_status,
        standing.enrolment,
        standing.enrolment_reason,
        standing.block,
    )
    assert footing.consent_valid == standing.consent_valid
    assert footing.consent_id == await flows.consent_in_force(db, client.person_id)
    assert footing.phone_id == (None if phone is None else phone.phone_id)
    assert footing.phone_usable == (phone is not None and phone.usable)
    number = flows.number_on(keys, footing)
    assert (None if number is None else number.reveal()) == (
        people.PHONE if footing.phone_usable else None
    )


async def test_a_card_that_nobody_knows_gives_no_footing(db: asyncpg.Connection) -> None:
    assert await flows.footing_of(db, uuid4(), DAY) is None
