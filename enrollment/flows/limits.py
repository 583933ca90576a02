"""Limits for internet payments: a branch sets and raises them, a client only lowers them.

Where the bank lets clients raise, too, they come back up to what the branch allows; minors do not.
What a client lowered stays lower, whatever the branch sets, until the client has it lifted there.
Levels: product -> account (branch) -> card (branch) -> card (client); what counts is the minimum of
those that are set, and 0 switches internet payments off. A change works at the next payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from enrollment import rules
from enrollment.events import EventName
from enrollment.flows import ages, notices
from enrollment.flows.notices import NoticeKind
from enrollment.flows.work import version_fault
from enrollment.model import EffectiveLimits, Use, calendar_of
from enrollment.policy import PortalRaise
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import belongings, cards, limits, persons
from enrollment.store.limits import Level, StoredLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from enrollment.flows.work import Work


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What an account may spend and has spent in the current day and month."""

    account_id: UUID
    currency: str
    limits: EffectiveLimits
    use: Use


@dataclass(frozen=True, slots=True)
class CardLimits:
    """What a card may spend, level by level; ``effective`` includes the account's limits.

    While a new phone of the holder waits, payments are measured against half, and so it says.
    ``is_off_by_client``: internet payments are off, and only the client's own limits make it so.
    """

    card_id: UUID
    currency: str
    branch: EffectiveLimits
    client: EffectiveLimits
    effective: EffectiveLimits
    use: Use
    is_halved: bool = False
    is_off_by_client: bool = False


async def account_limits(work: Work, account_id: UUID) -> Done[AccountLimits] | Refusal:
    """Read the limits of an account and their use."""
    account = await cards.lock_account(work.conn, account_id)
    if account is None:
        return Refusal(RefusalCode.NOT_FOUND)
    levels = await limits.levels(work.conn, account_id)
    stored = levels[Level.ACCOUNT]
    view = AccountLimits(
        account_id,
        rules.currency_letters(account.currency),
        stored.limits,
        await limits.use(work.conn, account_id, *calendar_of(work.now)),
    )
    return Done(view, stored.version)


async def put_account_limits(
    work: Work, account_id: UUID, wanted: EffectiveLimits, if_match: int | None
) -> Done[AccountLimits] | Refusal:
    """Set the limits that all cards of an account share; all members at once."""
    if await cards.lock_account(work.conn, account_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    levels = await limits.levels(work.conn, account_id)
    fault = version_fault(if_match, levels[Level.ACCOUNT].version)
    if fault is not None:
        return fault
    await _put(work, account_id, Level.ACCOUNT, levels[Level.ACCOUNT], wanted)
    return await account_limits(work, account_id)


async def card_limits(work: Work, card_id: UUID) -> Done[CardLimits] | Refusal:
    """Read the limits of a card, level by level."""
    card = await cards.view(work.conn, card_id)
    if card is None:
        return Refusal(RefusalCode.NOT_FOUND)
    own = await limits.levels(work.conn, card_id)
    above = await _above_client(work, card_id, card.account_id, own)
    client = own[Level.CARD_CLIENT].limits
    effective = rules.minimum(above, client)
    change = await belongings.open_change(work.conn, card.person_id)
    is_halved = change is not None and change.state == "confirmed"
    view = CardLimits(
        card_id,
        rules.currency_letters(card.currency),
        own[Level.CARD_BRANCH].limits,
        client,
        rules.halved(effective) if is_halved else effective,
        await limits.use(work.conn, card_id, *calendar_of(work.now)),
        is_halved,
        client.is_off and not above.is_off,
    )
    return Done(view, own[Level.CARD_BRANCH].version + own[Level.CARD_CLIENT].version)


async def put_card_limits(
    work: Work, card_id: UUID, wanted: EffectiveLimits, if_match: int | None
) -> Done[CardLimits] | Refusal:
    """Set the branch's limits of one card; all members at once."""
    if await cards.lock_card(work.conn, card_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    own = await limits.levels(work.conn, card_id)
    branch = own[Level.CARD_BRANCH]
    fault = version_fault(if_match, branch.version + own[Level.CARD_CLIENT].version)
    if fault is not None:
        return fault
    await _put(work, card_id, Level.CARD_BRANCH, branch, wanted)
    return await card_limits(work, card_id)


async def lift_client_limits(work: Work, card_id: UUID) -> Done[CardLimits] | Refusal:
    """Take away what the client lowered, who asks for it in a branch; the branch's limits stay."""
    if await cards.lock_card(work.conn, card_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    client = (await limits.levels(work.conn, card_id))[Level.CARD_CLIENT]
    if client.limits != EffectiveLimits():
        await _put(work, card_id, Level.CARD_CLIENT, client, EffectiveLimits())
    return await card_limits(work, card_id)


async def lower_fault(
    work: Work,
    person_id: UUID,
    card_id: UUID,
    wanted: EffectiveLimits,
    if_match: int | None = None,
) -> Refusal | None:
    """Tell why a client may not set these limits on a card, before a code is spent on it."""
    card = await cards.lock_card(work.conn, card_id)
    if card is None or card.person_id != person_id:
        return Refusal(RefusalCode.NOT_FOUND)
    own = await limits.levels(work.conn, card_id)
    seen = own[Level.CARD_BRANCH].version + own[Level.CARD_CLIENT].version
    fault = version_fault(if_match, seen)
    if fault is not None:
        return fault
    above = await _above_client(work, card_id, card.account_id, own)
    raised = rules.client_may_set(
        own[Level.CARD_CLIENT].limits,
        above,
        wanted,
        may_raise=await may_raise(work, person_id),
    )
    if raised is None:
        return None
    await work.record(EventName.LIMIT_REFUSED, card_id, outcome="refused", member=raised)
    return Refusal(RefusalCode.RAISE_IN_BRANCH, raised)


async def may_raise(work: Work, person_id: UUID) -> bool:
    """Tell whether the client may raise own limits up to the branch's."""
    if work.policy.portal_raise is not PortalRaise.UP_TO_BRANCH:
        return False
    person = await persons.read(work.conn, person_id)
    return person is not None and not ages.is_minor(work, person_id, person.birth_date_ct)


async def lower_card_limits(
    work: Work, card_id: UUID, wanted: EffectiveLimits
) -> Done[CardLimits] | Refusal:
    """Set the client's own limits of a card, after ``lower_fault`` found nothing against it."""
    own = await limits.levels(work.conn, card_id)
    await _put(work, card_id, Level.CARD_CLIENT, own[Level.CARD_CLIENT], wanted)
    return await card_limits(work, card_id)


async def _above_client(
    work: Work, card_id: UUID, account_id: UUID, own: Mapping[Level, StoredLimits]
) -> EffectiveLimits:
    account = await limits.levels(work.conn, account_id)
    product = await limits.product_of_card(work.conn, card_id)
    return rules.minimum(product, account[Level.ACCOUNT].limits, own[Level.CARD_BRANCH].limits)


async def _put(
    work: Work, owner_id: UUID, level: Level, was: StoredLimits, wanted: EffectiveLimits
) -> None:
    if was.version and was.limits == wanted:
        return
    await limits.put(work.conn, owner_id, level, wanted, by=work.actor.name, now=work.now)
    event = event_of(was.limits if was.version else None, wanted)
    if event is EventName.LIMIT_RAISED:
        for person_id in await limits.persons_of(work.conn, owner_id):
            await notices.tell(work, person_id, NoticeKind.LIMIT_RAISED)
    await work.record(
        event,
        owner_id,
        level=level.value,
        was=was.limits.as_dict(),
        becomes=wanted.as_dict(),
    )


def event_of(was: EffectiveLimits | None, wanted: EffectiveLimits) -> EventName:
    """Name what a change of limits is; ``was`` None = there were none."""
    if was is None:
        return EventName.LIMIT_SET
    is_raise = rules.raises(was, wanted) is not None
    return EventName.LIMIT_RAISED if is_raise else EventName.LIMIT_LOWERED
