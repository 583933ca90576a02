"""What is missing after a crash is counted: of an answer's rows none may be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from loadtests.bench import statements
from loadtests.bench.crash import missing

if TYPE_CHECKING:
    import asyncpg

    from tests.loadtests.bench.conftest import Filled


async def _stored(filled: Filled, owner: asyncpg.Connection) -> str:
    await statements.capture(filled.dsn, filled.ports, filled.make, filled.cards)
    return str(await owner.fetchval("SELECT acs_trans_id FROM acs.transaction"))


async def test_what_is_stored_is_not_missing_and_what_is_not_is(
    filled: Filled, owner: asyncpg.Connection
) -> None:
    acs_trans_id = await _stored(filled, owner)

    assert await missing(owner, [acs_trans_id]) == 0
    assert await missing(owner, [acs_trans_id, str(uuid4())]) == 1


@pytest.mark.parametrize(
    "gone",
    [
        "DELETE FROM acs.message_log WHERE direction = 'out'",
        "DELETE FROM audit.evidence",
        "DELETE FROM audit.event WHERE name = 'authentication.decided'",
    ],
)
async def test_an_answer_without_one_of_its_rows_is_missing(
    filled: Filled, owner: asyncpg.Connection, gone: str
) -> None:
    acs_trans_id = await _stored(filled, owner)
    await owner.execute("SET session_replication_role = replica")  # past what guards the records
    await owner.execute(gone)

    assert await missing(owner, [acs_trans_id]) == 1
