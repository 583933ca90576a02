"""A client has the bank's card host block an own card.

Laws: no transaction is open while the host is asked. The wish is on disk before, and is struck out
together with what the host's yes changes; a process that dies in between leaves it to a worker, who
asks again under the same id. So a yes is never lost and takes effect once; a no changes nothing.
Lock order: person, wish, card.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

from enrollment import rules
from enrollment.events import EventName
from enrollment.flows import cards as card_flows
from enrollment.flows import clients, notices
from enrollment.flows.cards import StatusData
from enrollment.flows.notices import NoticeKind
from enrollment.model import CardStatus
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, host_wishes, persons
from enrollment.store.host_wishes import HostWish

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.store.cards import CardView
    from schemas.queries import Connection

BlockWish = Literal["temporary", "permanent"]

LEASE: Final = timedelta(seconds=30)
"""Who asks the host has its answer long before that, or is dead (``enrollment.host``)."""
GIVEN_UP_AFTER: Final = timedelta(minutes=15)
"""So long a wish that was left is asked again; by then the client has called."""

_BECOMES: Final = {"temporary": CardStatus.BLOCKED_TEMP, "permanent": CardStatus.BLOCKED}


async def wish(work: Work, person_id: UUID, card_id: UUID, kind: BlockWish) -> HostWish | Refusal:
    """Keep what a client wishes of an own card; after the commit the host is asked."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    card = await cards.view(work.conn, card_id)
    if card is None or card.person_id != person_id:
        return Refusal(RefusalCode.NOT_FOUND)
    if not rules.may_become(card.status, _BECOMES[kind]):
        return Refusal(RefusalCode.ILLEGAL_TRANSITION, "wish")
    made = HostWish(uuid4(), person_id, card_id, card.ref, kind, work.now)
    await host_wishes.add(work.conn, made, work.now + LEASE)
    return made


async def settle(work: Work, wished: HostWish, *, is_taken: bool) -> Done[CardView] | Refusal:
    """Carry out what the host said; ``host_unavailable`` (502): nothing was done, phone us."""
    await persons.lock(work.conn, wished.person_id)
    becomes, card_id = _BECOMES[wished.wish], wished.card_id
    is_ours = await host_wishes.strike_out(work.conn, wished.wish_id)
    before = await cards.view(work.conn, card_id)
    if before is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if not is_ours:
        # A worker took us for dead and has settled it.
        is_done = before.status is becomes
        return Done(before, before.version) if is_done else Refusal(RefusalCode.HOST_UNAVAILABLE)
    outcome = "ok" if is_taken else "host_unavailable"
    await work.record(EventName.CARD_BLOCK_ASKED, card_id, outcome=outcome, wish=wished.wish)
    if not is_taken:
        return Refusal(RefusalCode.HOST_UNAVAILABLE)
    said = StatusData(becomes, "blocked by the client", None, None)
    done = await card_flows.set_status(work, card_id, said)
    if isinstance(done, Done) and before.status is not becomes:
        ends = {"last4": before.last4}
        await notices.tell(work, wished.person_id, NoticeKind.CARD_BLOCKED, ends)
    return done


async def claim(conn: Connection, now: datetime, limit: int) -> list[HostWish]:
    """Lease wishes that were left by who asked."""
    return await host_wishes.claim(conn, now, now + LEASE, limit)


async def settle_left(work: Work, wished: HostWish, *, is_taken: bool) -> None:
    """Carry out what the host said of a wish that was left; a no may be asked again for a while."""
    if is_taken or work.now - wished.asked_at >= GIVEN_UP_AFTER:
        by = replace(work.actor, person_id=wished.person_id)
        await settle(replace(work, actor=by), wished, is_taken=is_taken)
