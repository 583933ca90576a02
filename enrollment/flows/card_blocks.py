"""A client has the bank's card host block an own card.

Laws: no transaction is open while the host is asked. The wish is on disk before, and is struck out
together with what the host's answer changes; while there is no answer it stays, and a worker asks
again under the same id, for a day. So a yes is never lost and takes effect once, a no changes
nothing, and silence is never taken for a no. The same wish of a client meanwhile is the same one.
A client who was told that it is not known yet is told how it ended, whatever the end is.
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
from enrollment.model import CardStatus, HostSaid
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, host_wishes, persons
from enrollment.store.host_wishes import HostWish

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.store.cards import CardView
    from schemas.queries import Connection

__all__ = [
    "BlockWish",
    "HostWish",
    "claim",
    "is_asked",
    "set_status",
    "settle",
    "settle_left",
    "wish",
]

BlockWish = Literal["temporary", "permanent"]

LEASE: Final = timedelta(seconds=30)
"""Who asks the host has its answer long before that, or is dead (``enrollment.host``)."""
GIVEN_UP_AFTER: Final = timedelta(days=1)
"""So long a host has to know an id again; whoever watches the alarms has asked it by then."""

_ANSWERS: Final = frozenset({HostSaid.TAKEN, HostSaid.REFUSED})
_BECOMES: Final = {"temporary": CardStatus.BLOCKED_TEMP, "permanent": CardStatus.BLOCKED}
_DONE: Final = {
    CardStatus.BLOCKED_TEMP: NoticeKind.CARD_BLOCKED_TEMP,
    CardStatus.BLOCKED: NoticeKind.CARD_BLOCKED,
}


async def wish(work: Work, person_id: UUID, card_id: UUID, kind: BlockWish) -> HostWish | Refusal:
    """Keep what a client wishes of an own card; after the commit the host is asked."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    card = await cards.view(work.conn, card_id)
    if card is None or card.person_id != person_id:
        return Refusal(RefusalCode.NOT_FOUND)
    if not rules.may_become(card.status, _BECOMES[kind]):
        return Refusal(RefusalCode.ILLEGAL_TRANSITION, "wish")
    due_at = work.now + LEASE
    renewed = await host_wishes.renew(work.conn, card_id, kind, due_at)
    if renewed is not None:
        return renewed
    made = HostWish(uuid4(), person_id, card_id, card.ref, kind, work.now)
    await host_wishes.add(work.conn, made, due_at)
    return made


async def settle(
    work: Work, wished: HostWish, said: HostSaid, *, is_late: bool = False
) -> Done[CardView] | Refusal:
    """Carry out what the host said; ``is_late``: the client is not there any more to be answered.

    ``host_unavailable`` (502): nothing was done, phone us. ``host_unknown`` (504): it may have been
    done, and is asked again.
    """
    await persons.lock(work.conn, wished.person_id)
    due_at = await host_wishes.due_at(work.conn, wished.wish_id)
    # Race: "not reached" is a no of a new wish alone. Who leased it again may have been taken.
    is_no = said is HostSaid.NOT_ASKED and due_at == wished.asked_at + LEASE
    if due_at is not None and not (said in _ANSWERS or is_no):
        return Refusal(RefusalCode.HOST_UNKNOWN)
    becomes, card_id = _BECOMES[wished.wish], wished.card_id
    is_ours = await host_wishes.strike_out(work.conn, wished.wish_id)
    before = await cards.view(work.conn, card_id)
    if before is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if not is_ours:
        # Somebody else has settled it, under the same id, or has blocked the card for good.
        is_done = before.status in {becomes, CardStatus.BLOCKED}
        return Done(before, before.version) if is_done else Refusal(RefusalCode.HOST_UNAVAILABLE)
    is_taken = said is HostSaid.TAKEN
    await _record(work, wished, "ok" if is_taken else "host_unavailable")
    if not is_taken:
        if is_late:
            await _tell_end(work, wished, NoticeKind.CARD_NOT_BLOCKED)
        return Refusal(RefusalCode.HOST_UNAVAILABLE)
    if becomes is CardStatus.BLOCKED:
        await host_wishes.end_temporary(work.conn, card_id)
    data = StatusData(becomes, "blocked by the client", None, None)
    done = await card_flows.set_status(work, card_id, data)
    if isinstance(done, Done) and (is_late or before.status is not becomes):
        ends = {"last4": before.last4}
        await notices.tell(work, wished.person_id, _DONE[becomes], ends)
    return done


async def _tell_end(work: Work, wished: HostWish, kind: NoticeKind) -> None:
    """Tell a client who waits that a wish came to nothing, as far as it still matters."""
    card, becomes = await cards.view(work.conn, wished.card_id), _BECOMES[wished.wish]
    if card is None or not rules.may_become(card.status, becomes):
        return
    # The bank may have said meanwhile that it is done.
    kind = _DONE[becomes] if card.status is becomes else kind
    await notices.tell(work, wished.person_id, kind, {"last4": card.last4})


async def _record(work: Work, wished: HostWish, outcome: str) -> None:
    await work.record(
        EventName.CARD_BLOCK_ASKED,
        wished.card_id,
        outcome=outcome,
        wish=wished.wish,
        asked_at=wished.asked_at.isoformat(),
    )


async def set_status(work: Work, card_id: UUID, data: StatusData) -> Done[CardView] | Refusal:
    """Follow what the bank says of a card; a wish that is fulfilled with it is asked no more.

    So no answer of the host that comes later blocks a card that the bank has unblocked since.
    """
    done = await card_flows.set_status(work, card_id, data)
    if isinstance(done, Refusal):
        return done
    for wished in await host_wishes.of_card(work.conn, card_id):
        is_fulfilled = data.status is _BECOMES[wished.wish]
        if is_fulfilled and await host_wishes.strike_out(work.conn, wished.wish_id):
            await _record(work, wished, "ok")
            await _tell_end(work, wished, _DONE[data.status])
    return done


async def claim(conn: Connection, now: datetime, limit: int) -> list[HostWish]:
    """Lease wishes whose answer is not known, or that were left by who asked."""
    return await host_wishes.claim(conn, now, now + LEASE, limit)


async def settle_left(work: Work, wished: HostWish, said: HostSaid) -> bool:
    """Carry out what the host said of a wish that was left; False while it is not known.

    After a day without an answer the wish ends; client and record are told that it is not known.
    """
    by = replace(work.actor, person_id=wished.person_id)
    work = replace(work, actor=by)
    if said in _ANSWERS:
        await settle(work, wished, said, is_late=True)
        return True
    if work.now - wished.asked_at >= GIVEN_UP_AFTER:
        await persons.lock(work.conn, wished.person_id)
        if await host_wishes.strike_out(work.conn, wished.wish_id):
            await _record(work, wished, "unknown")
            await _tell_end(work, wished, NoticeKind.CARD_BLOCK_UNKNOWN)
    return False


async def is_asked(work: Work, card_id: UUID) -> bool:
    """Tell whether it is not known yet what became of a client's wish about a card."""
    return bool(await host_wishes.of_card(work.conn, card_id))
