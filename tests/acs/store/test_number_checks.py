"""Answers about SIM cards: believed for a while, the newest one, under any key of the phone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from acs.authentication.facts import Number, Swap
from acs.store import number_checks
from acs.store.number_checks import Known
from schemas.vault import Tag
from tests.acs.people import NOW

if TYPE_CHECKING:
    import asyncpg

PHONE, OTHER = Tag("k2", b"p" * 32), Tag("k1", b"q" * 32)
SECOND = timedelta(seconds=1)


async def test_an_answer_is_believed_for_a_while(db: asyncpg.Connection) -> None:
    await number_checks.keep(db, PHONE, Swap.RECENT, NOW)
    said = Known(swap=Swap.RECENT)
    assert await number_checks.fresh(db, [PHONE], NOW - SECOND, NOW) == said
    assert await number_checks.fresh(db, [OTHER, PHONE], NOW - SECOND, NOW) == said
    assert await number_checks.fresh(db, [PHONE], NOW, NOW) == Known()
    assert await number_checks.fresh(db, [OTHER], NOW - SECOND, NOW) == Known()


@pytest.mark.parametrize("number", [Number.GOOD, Number.PORTED, Number.UNALLOCATED])
async def test_each_question_has_an_answer_of_its_own(
    db: asyncpg.Connection, number: Number
) -> None:
    await number_checks.keep(db, OTHER, number, NOW)
    await number_checks.keep(db, PHONE, Swap.NONE, NOW + SECOND)
    both = await number_checks.fresh(db, [PHONE, OTHER], NOW - SECOND, NOW)
    assert both == Known(Swap.NONE, number)
    assert await number_checks.fresh(db, [PHONE, OTHER], NOW, NOW) == Known(Swap.NONE)


async def test_the_newest_answer_stays_whoever_comes_first(db: asyncpg.Connection) -> None:
    await number_checks.keep(db, PHONE, Swap.EARLIER, NOW)
    await number_checks.keep(db, PHONE, Swap.RECENT, NOW + SECOND)
    await number_checks.keep(db, PHONE, Swap.NONE, NOW)
    assert await number_checks.fresh(db, [PHONE], NOW - SECOND, NOW) == Known(Swap.RECENT)


async def test_old_answers_are_cleared_away(db: asyncpg.Connection) -> None:
    await number_checks.keep(db, PHONE, Swap.NONE, NOW)
    assert await number_checks.lapse(db, NOW, 10) == 0
    assert await number_checks.lapse(db, NOW + SECOND, 10) == 1


async def test_what_a_clock_that_was_ahead_kept_is_asked_again(db: asyncpg.Connection) -> None:
    await number_checks.keep(db, PHONE, Swap.NONE, NOW.replace(year=2126))
    before = await number_checks.fresh(db, [PHONE], NOW - SECOND, NOW)
    await number_checks.keep(db, PHONE, Swap.RECENT, NOW)
    after = await number_checks.fresh(db, [PHONE], NOW - SECOND, NOW)

    assert (before, after) == (Known(), Known(swap=Swap.RECENT))
