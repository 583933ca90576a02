"""What the bank tells of accounts and cards. A file sent twice changes nothing the second time.

Laws: a card's PAN never changes, a new PAN is a new card; no upsert switches 3-D Secure on that
the client switched off; who holds a card on an account has a role at it, and a card whose holder
lost the role is suspended. Lock order: account, person, card, enrolment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from enrollment import callers, pan, rules
from enrollment.events import EventName
from enrollment.flows import enrolments, notices
from enrollment.flows.notices import NoticeKind
from enrollment.flows.work import version_fault
from enrollment.model import CardStatus, EnrolmentState, PersonStatus
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, limits, persons
from enrollment.store.cards import Account, Card, CardView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from enrollment.flows.work import Work
    from schemas.vault import Secret

CLOCKS_DIFFER: Final = timedelta(seconds=callers.LEEWAY_S)
"""A host's clock may be ahead of ours by as much as that of who signs a service token."""

NEW_STATUS: Final = "active"
"""What a new account is of which the bank does not say it."""


@dataclass(frozen=True, slots=True)
class AccountData:
    """What the bank says of an account; ``currency`` in letters, ``roles`` by person.

    ``status`` None = says nothing of it, and what is there stays; a new account is active.
    """

    currency: str
    roles: Mapping[UUID, str]
    status: str | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as the bank's systems see it."""

    account_id: UUID
    ref: str
    currency: str
    status: str
    roles: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class CardData:
    """What the bank says of a card; ``expiry`` is YYMM."""

    pan: Secret
    expiry: str
    product: str
    person_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class StatusData:
    """What the host says of a card's status, since when, and which card follows it."""

    status: CardStatus
    reason: str | None
    replaced_by: UUID | None
    effective: datetime | None


async def put_account(
    work: Work, ref: str, data: AccountData, if_match: int | None
) -> Done[AccountView] | Refusal:
    """Make an account of that reference, or bring it up to date."""
    currency = rules.currency_number(data.currency)
    if currency is None:
        return Refusal(RefusalCode.CURRENCY_UNKNOWN, "currency")
    if set(data.roles) != await cards.known_persons(work.conn, data.roles):
        return Refusal(RefusalCode.PERSON_UNKNOWN, "people")
    found = await cards.lock_account_by_ref(work.conn, ref)
    fault = version_fault(if_match, None if found is None else found.version)
    if fault is None and found is not None and found.currency != currency:
        fault = Refusal(RefusalCode.CURRENCY_FIXED, "currency")
    if fault is not None:
        return fault
    if found is None:
        made = Account(uuid4(), ref, currency, data.status or NEW_STATUS)
        if not await cards.insert_account(work.conn, made, work.now):
            # Race: another request made the same reference a moment ago.
            return Refusal(RefusalCode.CONFLICT)
        await cards.put_members(work.conn, made.account_id, data.roles)
        await work.record(EventName.ACCOUNT_UPSERTED, made.account_id, created=True)
        return Done(_account_view(made, data.roles), made.version, created=True)
    return await _update_account(work, found, data)


async def _update_account(work: Work, found: Account, data: AccountData) -> Done[AccountView]:
    roles = await cards.members(work.conn, found.account_id)
    changed = replace(found, status=data.status or found.status)
    if (found.status, roles) == (changed.status, dict(data.roles)):
        return Done(_account_view(found, roles), found.version)
    await cards.update_account(work.conn, changed, work.now)
    await cards.put_members(work.conn, found.account_id, data.roles)
    await work.record(
        EventName.ACCOUNT_UPSERTED,
        found.account_id,
        status=changed.status,
        added=len(data.roles.keys() - roles.keys()),
        removed=len(roles.keys() - data.roles.keys()),
    )
    for person_id in await cards.card_holders_of_account(work.conn, found.account_id):
        is_moved = (person_id in roles) != (person_id in data.roles)
        if is_moved or found.status != changed.status:
            await persons.lock(work.conn, person_id)
            await enrolments.recompute(work, person_id)
    return Done(_account_view(changed, data.roles), found.version + 1)


def _account_view(account: Account, roles: Mapping[UUID, str]) -> AccountView:
    return AccountView(
        account.account_id,
        account.ref,
        rules.currency_letters(account.currency),
        account.status,
        dict(roles),
    )


async def put_card(
    work: Work, ref: str, data: CardData, *, is_in_range: bool, if_match: int | None
) -> Done[CardView] | Refusal:
    """Make a card of that reference, or bring it up to date; its PAN stays what it is."""
    number_fault = pan_fault(data.pan, is_in_range=is_in_range)
    if number_fault is not None:
        return number_fault
    await persons.claim(work.conn, pan.tag(work.keys, data.pan))
    account = await cards.lock_account(work.conn, data.account_id)
    if account is None:
        return Refusal(RefusalCode.ACCOUNT_UNKNOWN, "account_id")
    person = await persons.lock(work.conn, data.person_id)
    if person is None or person.status is PersonStatus.CLOSED:
        return Refusal(RefusalCode.PERSON_UNKNOWN, "person_id")
    found = await cards.lock_card_by_ref(work.conn, ref)
    seen = None if found is None else await cards.view(work.conn, found.card_id)
    fault = version_fault(
        if_match, None if seen is None else seen.version
    ) or await _known_pan_fault(work, ref, found, data)
    if fault is None and (found is None or found.account_id != data.account_id):
        fault = await _account_fault(work, account, seen, data.person_id)
    if fault is not None:
        return fault
    if found is None:
        return await _make_card(work, ref, data)
    return await _update_card(work, found, data)


async def _account_fault(
    work: Work, account: Account, seen: CardView | None, person_id: UUID
) -> Refusal | None:
    """Tell why a card cannot be put on that account: nobody's card hangs on a stranger's money.

    # Race: the account that the card leaves is not held: held after the card, it would wait for who
    # holds it and waits for the holder. Its currency never changes.
    """
    if person_id not in await cards.members(work.conn, account.account_id):
        return Refusal(RefusalCode.NOT_OF_ACCOUNT, "account_id")
    if seen is not None and seen.currency != account.currency:
        # Money: the card's own limits are amounts in the currency of the account it came from.
        return Refusal(RefusalCode.CURRENCY_FIXED, "account_id")
    return None


def pan_fault(number: Secret, *, is_in_range: bool) -> Refusal | None:
    """Tell why a card number cannot be one of ours, before anything is looked up."""
    if not pan.luhn(number.reveal()):
        return Refusal(RefusalCode.LUHN, "pan")
    return None if is_in_range else Refusal(RefusalCode.UNKNOWN_RANGE, "pan")


async def _known_pan_fault(
    work: Work, ref: str, found: Card | None, data: CardData
) -> Refusal | None:
    indexes = pan.index(work.keys, data.pan)
    if found is not None and found.pan_idx not in indexes:
        return Refusal(RefusalCode.PAN_FIXED, "pan")
    if found is not None and found.person_id != data.person_id:
        return Refusal(RefusalCode.OTHER_HOLDER, "person_id")
    known = await cards.card_by_pan(work.conn, indexes)
    if known is None or known[1] == ref:
        return None
    _, _, holder = known
    is_own = holder == data.person_id
    return Refusal(RefusalCode.OTHER_REFERENCE if is_own else RefusalCode.OTHER_HOLDER, "pan")


async def _make_card(work: Work, ref: str, data: CardData) -> Done[CardView] | Refusal:
    tag = pan.tag(work.keys, data.pan)
    card = Card(
        card_id=uuid4(),
        ref=ref,
        account_id=data.account_id,
        person_id=data.person_id,
        last4=pan.last4(data.pan),
        expiry=data.expiry,
        product=data.product,
        pan_idx=tag.value,
    )
    sealed = pan.seal(work.keys, card.card_id, data.pan)
    if not await cards.insert_card(work.conn, card, tag, sealed, work.now):
        # Race: another request made the same reference with another PAN a moment ago.
        return Refusal(RefusalCode.CONFLICT)
    await cards.insert_enrolment(
        work.conn,
        card.card_id,
        by=work.actor.name,
        channel=work.actor.channel or "api",
        now=work.now,
    )
    await work.record(EventName.CARD_UPSERTED, card.card_id, created=True)
    await enrolments.recompute(work, card.person_id)
    return await show(work, card.card_id, created=True)


async def _update_card(work: Work, found: Card, data: CardData) -> Done[CardView] | Refusal:
    wanted = replace(found, account_id=data.account_id, product=data.product, expiry=data.expiry)
    if wanted != found:
        await cards.update_card(work.conn, wanted, work.now)
        await work.record(
            EventName.CARD_UPSERTED, found.card_id, renewed=found.expiry != data.expiry
        )
        await enrolments.recompute(work, found.person_id)
    return await show(work, found.card_id)


async def set_status(work: Work, card_id: UUID, data: StatusData) -> Done[CardView] | Refusal:
    """Follow what the host says of a card; 3-D Secure of the card follows at once.

    Which card follows it may be told later than its end: the rest is as if told at once.
    """
    shown = await cards.view(work.conn, card_id)
    if shown is None:
        return Refusal(RefusalCode.NOT_FOUND)
    await persons.lock(work.conn, shown.person_id)
    card = await cards.lock_card(work.conn, card_id)
    if card is None:
        return Refusal(RefusalCode.NOT_FOUND)
    fault = await _status_fault(work, card, data)
    if fault is not None:
        return fault
    if card.status is data.status and data.replaced_by in (None, card.replaced_by):
        return await show(work, card_id)
    was_on = False
    if data.replaced_by is not None:
        was_on = await _hand_over(work, card, data.replaced_by)
    await cards.set_status(
        work.conn,
        card,
        data.status,
        reason=data.reason,
        replaced_by=data.replaced_by,
        now=work.now,
    )
    await work.record(
        EventName.CARD_STATUS,
        card_id,
        was=card.status.value,
        becomes=data.status.value,
        reason=data.reason,
        effective=None if data.effective is None else data.effective.isoformat(),
        replaced_by=None if data.replaced_by is None else str(data.replaced_by),
    )
    await enrolments.recompute(work, card.person_id)
    if data.replaced_by is not None:
        await _tell_of_replacement(work, card, data.replaced_by, was_on=was_on)
    return await show(work, card_id)


async def _status_fault(work: Work, card: Card, data: StatusData) -> Refusal | None:
    if not rules.may_become(card.status, data.status):
        return Refusal(RefusalCode.ILLEGAL_TRANSITION, "status")
    if data.effective is not None and data.effective > work.now + CLOCKS_DIFFER:
        return Refusal(RefusalCode.EFFECTIVE_IN_FUTURE, "effective")
    if data.replaced_by is None:
        return None
    if data.status is not CardStatus.REPLACED:
        return Refusal(RefusalCode.REPLACEMENT_NOT_ALLOWED, "replaced_by")
    new = await cards.view(work.conn, data.replaced_by)
    is_of_holder = new is not None and new.person_id == card.person_id
    if not is_of_holder or data.replaced_by == card.card_id:
        return Refusal(RefusalCode.REPLACEMENT_UNKNOWN, "replaced_by")
    return None


async def _hand_over(work: Work, card: Card, replaced_by: UUID) -> bool:
    """Carry limits and 3-D Secure over to the card that follows; before the old one ends.

    Gives whether the client has 3-D Secure on for the old one.
    """
    was_on = await enrolments.is_on_for_client(work, card.person_id, card.card_id)
    copied = await limits.copy(work.conn, card.card_id, replaced_by, work.now)
    for level, becomes in copied.items():
        await work.record(
            EventName.LIMIT_SET,
            replaced_by,
            level=level.value,
            was=None,
            becomes=becomes.as_dict(),
            of_card=str(card.card_id),
        )
    if work.policy.copy_on_replace:
        await enrolments.copy_to_replacement(work, card.person_id, card.card_id, replaced_by)
    return was_on


async def _tell_of_replacement(work: Work, card: Card, replaced_by: UUID, *, was_on: bool) -> None:
    """Tell the client whether 3-D Secure goes on with the card that follows, if it was wanted."""
    new = await cards.view(work.conn, replaced_by)
    if new is None:
        return
    ends = {"last4": card.last4, "new_last4": new.last4}
    if new.enrolment.state is EnrolmentState.ACTIVE:
        await notices.tell(work, card.person_id, NoticeKind.CARD_REPLACED, ends)
    elif was_on and new.enrolment.state in (EnrolmentState.NONE, EnrolmentState.ELIGIBLE):
        await notices.tell(work, card.person_id, NoticeKind.CARD_REPLACED_OFF, ends)


async def show(work: Work, card_id: UUID, *, created: bool = False) -> Done[CardView] | Refusal:
    """Read one card."""
    view = await cards.view(work.conn, card_id)
    if view is None:
        return Refusal(RefusalCode.NOT_FOUND)
    return Done(view, view.version, created=created)
