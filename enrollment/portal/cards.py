"""The cards: the list, one card, 3-D Secure on and off, limits, a block."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from enrollment.flows import card_blocks, clients, enrolments, limits
from enrollment.flows.masks import masks
from enrollment.flows.step_up import Intent
from enrollment.flows.work import Errand
from enrollment.model import EffectiveLimits, EnrolmentState
from enrollment.portal import confirm, gate
from enrollment.portal.render import currency_number
from enrollment.portal.state import Flash
from enrollment.portal.visit import Page
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action
from schemas.amounts import iso_exponent
from schemas.enrollment_api import AMOUNT_MAX, COUNT_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from enrollment.flows.clients import OwnCard
    from enrollment.flows.work import Work
    from enrollment.model import HostSaid
    from enrollment.portal.visit import Answer, Visit

AMOUNTS: Final = ("per_tx", "per_day", "per_month")
COUNTS: Final = ("count_day", "count_month")
_NUMBER: Final = re.compile(r"[0-9]{1,13}([.,][0-9]{1,3})?")
_GROUPED: Final = re.compile(r"([0-9]{1,3}(?:([.,])[0-9]{3})(?:\2[0-9]{3})*)(?!\2)[.,]([0-9]+)")
"""As the pages write amounts, 1.000,00 or 1,000.00; one mark alone may be either."""
_FILLING: Final = re.compile(r"[\s\u00a0\u202f']")
_CENTS: Final = 2


async def show_cards(visit: Visit) -> Answer:
    """Show all cards of the client."""
    done = await clients.own_cards(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/help")
    values = {
        "cards": done.value,
        "mask": await _mask(visit),
        "joint": await clients.joint_cards(visit.work, visit.client),
    }
    return Page("cards.html", "cards_title", values)


async def show_card(visit: Visit) -> Answer:
    """Show one card with everything that can be done with it."""
    own = await _own(visit)
    if own is None:
        return gate.not_found()
    values = {
        "own": own,
        "amounts": AMOUNTS,
        "counts": COUNTS,
        "mask": await _mask(visit),
        "minor": await clients.is_minor(visit.work, visit.client),
        "may_raise": await limits.may_raise(visit.work, visit.client),
        "can_block": visit.ports.enrollment.host.is_there,
        "is_asked": await card_blocks.is_asked(visit.work, own.card.card_id),
    }
    return Page("card.html", "card_title", values, title_values={"last4": own.card.last4})


async def switch(visit: Visit) -> Answer:
    """Ask for the code that switches 3-D Secure on or off."""
    own = await _own(visit)
    if own is None:
        return gate.not_found()
    activates = visit.form.get("wish") == "activate"
    is_on = own.card.enrolment.state is EnrolmentState.ACTIVE
    back = "/cards" if visit.form.get("from") == "cards" else f"/cards/{own.card.card_id}"
    if activates == is_on:
        return visit.go(back)
    fault = await enrolments.switch_fault(
        visit.work, visit.client, own.card.card_id, "activate" if activates else "deactivate"
    )
    if fault is not None:
        return visit.refused(fault, back)
    action = Action.THREEDS_ACTIVATE if activates else Action.THREEDS_DEACTIVATE
    return await confirm.ask(visit, Intent(action, own.card.card_id), own.card.last4, back)


async def block(visit: Visit) -> Answer | Errand[Answer]:
    """Have the bank block a card, after the box that says "I know what this means"."""
    own = await _own(visit)
    if own is None:
        return gate.not_found()
    here = f"/cards/{own.card.card_id}"
    if visit.form.get("sure") != "yes":
        return visit.wrong("block_unsure", "sure", here)
    kind: card_blocks.BlockWish = (
        "permanent" if visit.form.get("wish") == "permanent" else "temporary"
    )
    wished = await card_blocks.wish(visit.work, visit.client, own.card.card_id, kind)
    if isinstance(wished, Refusal):
        return visit.refused(wished, here)

    async def then(work: Work, said: HostSaid) -> Answer:
        done = await card_blocks.settle(work, wished, said)
        if isinstance(done, Refusal):
            return visit.refused(done, here)
        return visit.go(here, Flash(f"blocked_{kind}"))

    host = visit.ports.enrollment.host
    return Errand(lambda: host.block(wished.card_ref, wished.wish, wished.wish_id), then)


async def show_limits(visit: Visit) -> Answer:
    """Show the limits of all cards, each with its form."""
    done = await clients.own_cards(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    values = {
        "cards": done.value,
        "amounts": AMOUNTS,
        "counts": COUNTS,
        "written": written,
        "mask": await _mask(visit),
        "minor": await clients.is_minor(visit.work, visit.client),
        "may_raise": await limits.may_raise(visit.work, visit.client),
    }
    return Page("limits.html", "limits_title", values)


async def lower_limits(visit: Visit) -> Answer:
    """Ask for the code that changes the client's own limits of a card."""
    own = await _own(visit)
    if own is None:
        return gate.not_found()
    names = (*AMOUNTS, *COUNTS)
    given = {name: visit.form.get(name, "") for name in names}
    wanted = limits_of(given, own)
    if isinstance(wanted, str):
        return visit.wrong("limit_unreadable", wanted, "/limits", *names, "card")
    if wanted == own.limits.client and visit.version == own.limits_version:
        return visit.go("/limits", Flash("act_dropped", "info"))
    fault = await limits.lower_fault(
        visit.work, visit.client, own.card.card_id, wanted, visit.version
    )
    if fault is not None and fault.code is RefusalCode.VERSION_CHANGED:
        # Nothing typed is kept: the form shows what holds now.
        return visit.refused(fault, "/limits")
    if fault is not None:
        return visit.refused(fault, "/limits", *names, "card")
    intent = Intent(Action.LIMITS_LOWER, own.card.card_id, wanted.as_dict())
    return await confirm.ask(visit, intent, own.card.last4, "/limits", visit.version)


def limits_of(given: Mapping[str, str], own: OwnCard) -> EffectiveLimits | str:
    """Read what was typed; an empty field keeps the client's own limit as it is.

    Gives the name of a field that cannot be read.
    """
    exponent = iso_exponent(currency_number(own.limits.currency)) or 0
    before = own.limits.client.as_dict()
    wanted: dict[str, int | None] = {}
    for name in (*AMOUNTS, *COUNTS):
        text = _FILLING.sub("", given[name])
        if not text:
            wanted[name] = before[name]
            continue
        read = _minor(text, exponent if name in AMOUNTS else 0)
        if read is None or read > (AMOUNT_MAX if name in AMOUNTS else COUNT_MAX):
            return name
        wanted[name] = read
    return EffectiveLimits(**wanted)


def written(minor: int | None, currency: str) -> str:
    """Write an amount as it is typed into a form: digits and a point, no grouping.

    It has all its decimals or, where they are noughts, none: "2500.5" is no amount of money.
    """
    if minor is None:
        return ""
    exponent = iso_exponent(currency_number(currency)) or 0
    text = f"{Decimal(minor).scaleb(-exponent):f}"
    whole, point, decimals = text.partition(".")
    return whole if point and not decimals.strip("0") else text


def _minor(text: str, exponent: int) -> int | None:
    if grouped := _GROUPED.fullmatch(text):
        text = f"{grouped[1].replace(grouped[2], '')}.{grouped[3]}"
    if not text.isascii() or not _NUMBER.fullmatch(text):
        return None
    number = text.replace(",", ".")
    if len(number.partition(".")[2]) > max(exponent, _CENTS):
        return None  # "1.000" would be one, where a thousand may be meant
    try:
        scaled = Decimal(number).scaleb(exponent)
    except InvalidOperation:
        return None
    return int(scaled) if scaled == scaled.to_integral_value() else None


async def _mask(visit: Visit) -> Callable[[OwnCard], str]:
    """Give how a card's number is shown."""
    found = await masks(visit.work, visit.client)
    return lambda own: found[own.card.card_id]


async def _own(visit: Visit) -> OwnCard | None:
    done = await clients.own_cards(visit.work, visit.client)
    if not isinstance(done, Done):
        return None
    return next((own for own in done.value if own.card.card_id == visit.key), None)
