"""What a CReq of an SDK, or its sealed Erro, means for the challenge: an event, from its elements.

Laws:
- What opens and breaks the protocol ends the challenge [rule 6.64].
- A CReq that comes when the time is over is compared with nothing: no code is used up.
- A native screen has one entry: the PIN waits, sealed, for the code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from acs.challenge import machine, sdk
from acs.challenge.events import (
    AnswerChecked,
    CancelAsked,
    EntryMalformed,
    Opened,
    PartGiven,
    ResendAsked,
    TrustChosen,
    Verdict,
)
from acs.challenge.responses import asked_and_answered
from acs.challenge.screens import Notice
from acs.flows import answers, erros, evidence
from acs.flows.answers import Entries
from acs.flows.apply import take
from acs.flows.in_app import pin_place
from acs.flows.sdk_talk import OUT_OF_ORDER
from acs.pages.native import trust_element
from acs.store.pool import Missing, Unavailable
from acs.transaction import Elements
from schemas import messages
from schemas.compiler import Context
from schemas.problems import ProtocolError, naming
from schemas.values import MessageType
from schemas.vault import CannotOpen, Secret

if TYPE_CHECKING:
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.flows.apply import Applied
    from acs.flows.sdk_talk import Post, Talk
    from acs.ports import Ports
    from acs.store.pool import Connection
    from schemas.compiler import Reading


async def event_of(
    ports: Ports, conn: Connection, applied: Applied, talk: Talk, post: Post, *, now: datetime
) -> Event:
    """Read a message and turn it into an event, the last one left to take."""
    if talk.is_erro:
        error = messages.read_erro(talk.plain).values
        erros.note(error, talk.dialogue.transaction)
        return sdk.failure(error)
    try:
        reading = _read(ports, applied, talk)
    except ProtocolError as error:
        transaction = applied.dialogue.transaction
        return erros.creq_refused(transaction, error.problem, error.message_type)
    talk.now_is = replace(talk.now_is, counter=talk.was.counter + 1)
    talk.masked = messages.masked("CReq", reading.values)
    if machine.due_timer(applied.challenge, ports.policies.challenge, now) is not None:
        return Opened()  # too late for whatever it says: nothing is compared, no code is used up
    if talk.is_first:
        return await _first(ports, conn, applied, talk, reading, post=post, now=now)
    return await _later(ports, conn, applied, talk, reading, now=now)


def _read(ports: Ports, applied: Applied, talk: Talk) -> Reading:
    """Read a CReq that is the next one of its session; raises ProtocolError."""
    if sdk.is_out_of_order(talk.seen, talk.was.counter + 1):
        raise ProtocolError(OUT_OF_ORDER, message_type=MessageType.CREQ)
    additions = ports.directory_servers.additions_of(applied.dialogue.transaction.ds_id)
    return messages.read_creq(talk.plain, _context(applied, talk), additions)


async def _first(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    reading: Reading,
    *,
    post: Post,
    now: datetime,
) -> Event:
    """Open the challenge for an SDK that may begin with a cancel [rule 9, row 12]."""
    applied.beside.visitor = evidence.visitor(
        ports.keys,
        applied.dialogue.transaction.acs_trans_id,
        "challenge",
        post.address,
        post.program,
    )
    wish = sdk.said(reading.values, html=talk.in_html).wish
    if isinstance(wish, sdk.Cancels):
        return CancelAsked(wish.why)
    return await answers.withdrawn(conn, applied, now) or Opened(talk.was.lasts)


def _context(applied: Applied, talk: Talk) -> Context:
    transaction = applied.dialogue.transaction
    earlier = asked_and_answered(transaction)
    if not talk.is_first:
        earlier["CRes"] = _shown(applied, talk)
    return Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        flow="first" if talk.is_first else "subsequent",
        earlier=earlier,
    )


def _shown(applied: Applied, talk: Talk) -> dict[str, object]:
    """Give of the screen that a CReq answers what decides which elements it must have."""
    if talk.in_html:
        return {"acsUiType": "05"}
    transaction = applied.dialogue.transaction
    offer = trust_element(transaction.message_version, asks_pin=asks_pin(applied, talk))
    offered = {offer: "shown"} if transaction.offers_trust and offer is not None else {}
    return {"acsUiType": "01", **offered}


async def _later(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    reading: Reading,
    *,
    now: datetime,
) -> Event:
    """Turn what the cardholder did into an event."""
    transaction = applied.dialogue.transaction
    misplaced = sdk.misplaced(reading.values, html=talk.in_html)
    if misplaced:
        return erros.creq_refused(transaction, naming("203", misplaced), MessageType.CREQ)
    said = sdk.said(reading.values, html=talk.in_html)
    wants = said.trusts
    if wants is not None and transaction.offers_trust and wants != applied.challenge.trusts:
        await take(ports, conn, applied, TrustChosen(wants), now)
    if isinstance(said.wish, sdk.Cancels):
        return CancelAsked(said.wish.why)
    withdrawn = await answers.withdrawn(conn, applied, now)
    if withdrawn is not None:
        return withdrawn
    if isinstance(said.wish, sdk.Resends):
        return ResendAsked()
    return await _entered(ports, conn, applied, talk, said.wish, now=now)


async def _entered(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    entered: sdk.Enters,
    *,
    now: datetime,
) -> Event:
    """Check what was entered. A native screen has one entry: the PIN waits there for the code."""
    if talk.in_html:
        return await answers.submit(ports, conn, applied, Entries(entered.entry, entered.pin), now)
    if asks_pin(applied, talk):
        if not answers.is_pin(entered.entry):
            return EntryMalformed(Notice.PIN_FORMAT)
        place = pin_place(talk.was.acs_trans_id)
        sealed = ports.keys.vault.seal(entered.entry.reveal().encode(), place)
        talk.now_is = replace(talk.now_is, pin_sealed=sealed)
        return PartGiven()
    entries = Entries(entered.entry, _pin(ports, talk))
    event = await answers.submit(ports, conn, applied, entries, now)
    if isinstance(event, AnswerChecked) and event.verdict is not Verdict.EXPIRED:
        # Which element was wrong is never told, so both are asked for anew.
        talk.now_is = replace(talk.now_is, pin_sealed=None)
    return event


def asks_pin(applied: Applied, talk: Talk) -> bool:
    """Tell whether the native screen asks for the PIN, before the code."""
    both = applied.challenge.elements is Elements.PIN_AND_OTP
    return both and not talk.in_html and talk.now_is.pin_sealed is None


def _pin(ports: Ports, talk: Talk) -> Secret:
    if talk.was.pin_sealed is None:
        return Secret("")
    try:
        opened = ports.keys.vault.open(talk.was.pin_sealed, pin_place(talk.was.acs_trans_id))
    except CannotOpen as error:
        raise Unavailable(Missing.KEYS) from error
    return Secret(opened.decode())
