"""What staff may look up: one person by the bank's reference. Every search is audited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from enrollment.events import EventName
from enrollment.flows import ages
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enrollment.flows.work import Work
    from enrollment.store.cards import CardView
    from enrollment.store.search import FoundAccount, FoundPerson


@dataclass(frozen=True, slots=True)
class Found:
    """A person with accounts and cards."""

    person: FoundPerson
    accounts: Sequence[FoundAccount]
    cards: Sequence[CardView]
    is_minor: bool


async def find_person(work: Work, ref: str) -> Done[Found] | Refusal:
    """Find a person; that somebody looked is noted, also when there was nobody."""
    person = await search.person(work.conn, ref, work.now)
    if person is None:
        await work.record(EventName.STAFF_SEARCH, ref, outcome="not_found")
        return Refusal(RefusalCode.NOT_FOUND)
    await work.record(EventName.STAFF_SEARCH, person.person_id)
    found = Found(
        person,
        await search.accounts(work.conn, person.person_id),
        await cards.views_of_person(work.conn, person.person_id),
        ages.is_minor(work, person.person_id, person.birth_date_ct),
    )
    return Done(found, person.version)
