"""Keep what an authentication rests on, with its outcome; show and verify it later.

Laws: the document is written in the transaction that makes the outcome final, so there is no
outcome without it and none of something that was rolled back. Its digest goes into the audit event
of that outcome. What happens afterwards (the value is made, the network confirms) is told by later
events of the audit log under the same acsTransID.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acs import VERSION, evidence
from acs.crypto.eci import eci_of
from acs.evidence import Basis, Proof
from acs.store import audit_chain, sdk_sessions
from acs.store import evidence as store
from acs.store.evidence import SeenIn, Visitor
from acs.stored_evidence import whole
from enrollment import flows as enrollment_flows
from otp import flows as otp_flows
from schemas.audit import AuditEvent
from schemas.canonical import to_json
from schemas.values import DeviceChannel, TransStatus
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from acs.authentication.range_policy import RangePolicy
    from acs.authentication.rendering import Rendering
    from acs.ports import Ports
    from acs.store.audit_chain import Told
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.transaction import AuthenticationValue, Transaction
    from enrollment.model import Footing
    from otp.model import SentMessage
    from schemas.vault import Keys

_TEXT_MAX = 500


def visitor(
    keys: Keys, acs_trans_id: UUID, seen_in: SeenIn, address: str | None, program: str | None
) -> Visitor:
    """Seal where a cardholder came from: IP address and user agent, as far as they are known."""
    seen = {"ip": _cut(address), "user_agent": _cut(program)}
    plain = to_json(seen)
    tag = keys.audit.tag(b"visitor/1", acs_trans_id.bytes, seen_in.encode(), plain)
    sealed = keys.vault.seal(plain, _visitor_place(acs_trans_id, seen_in))
    return Visitor(seen_in, sealed, f"{tag.key_id}:{tag.value.hex()}")


def proof(keys: Keys, acs_trans_id: UUID, value: AuthenticationValue) -> Proof:
    """Tell of an authentication value without it: whoever has the value can be compared with."""
    tag = keys.audit.tag(b"value/1", acs_trans_id.bytes, value.value.reveal().encode())
    return Proof(value.profile, value.key_id, f"{tag.key_id}:{tag.value.hex()}")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of an outcome without a look: what was seen on the way to it.

    ``visitor`` is about to be stored with it; an earlier sight goes before it.
    """

    visitor: Visitor | None = None
    footing: Footing | None = None
    messages: tuple[SentMessage, ...] | None = None
    rendering: Rendering | None = None


async def of_outcome(ports: Ports, conn: Connection, dialogue: Dialogue, gathered: Gathered) -> str:
    """Write the evidence of a challenge that has just got its outcome."""
    transaction, challenge = dialogue.transaction, dialogue.challenge
    acs_trans_id = transaction.acs_trans_id
    issued = ports.tables.now.by_id(transaction.range_id)
    policy = None if issued is None else issued.range.policy
    status = TransStatus.COULD_NOT if challenge.outcome is None else challenge.outcome.trans_status
    visitors = () if gathered.visitor is None else (gathered.visitor,)
    visitors = (*visitors, *await store.visitors(conn, acs_trans_id))
    messages = gathered.messages
    if messages is None:
        messages = tuple(await otp_flows.messages_of(conn, acs_trans_id))
    basis = Basis(
        software=VERSION,
        key_ids=ports.keys.active,
        eci=eci_of(
            transaction.scheme,
            transaction.message_category,
            status,
            override=None if policy is None else policy.eci,
        ),
        proof=_promised(transaction, status, policy),
        visitors={one.seen_in: one.tag for one in visitors},
        checks=dialogue.checks,
        messages=messages,
        consent_id=await _consent(conn, transaction, gathered.footing),
        rendering=gathered.rendering or await _rendering(conn, transaction),
    )
    return evidence.document(transaction, challenge, basis)


async def _rendering(conn: Connection, transaction: Transaction) -> Rendering | None:
    """Look up how an app shows the challenge, where no CReq brought the outcome."""
    if transaction.device_channel != DeviceChannel.APP:
        return None
    session = await sdk_sessions.read(conn, transaction.acs_trans_id)
    return None if session is None else session.rendering


async def _consent(
    conn: Connection, transaction: Transaction, footing: Footing | None
) -> int | None:
    if footing is not None:
        return footing.consent_id
    if transaction.person_id is None:
        return None
    return await enrollment_flows.consent_in_force(conn, transaction.person_id)


def _promised(
    transaction: Transaction, status: TransStatus, policy: RangePolicy | None
) -> Proof | None:
    """Name the key and profile of the value that the result will carry; it is made with it."""
    if status is not TransStatus.AUTHENTICATED or transaction.pan_sealed is None:
        return None
    if policy is None or policy.av_key_id is None or policy.av_profile is None:
        return None
    return Proof(policy.av_profile, policy.av_key_id, None)


def value_made(
    keys: Keys, acs_trans_id: UUID, value: AuthenticationValue, now: datetime
) -> AuditEvent:
    """Tell which value a result carries, as the RReq's bytes are kept."""
    made = proof(keys, acs_trans_id, value)
    return AuditEvent(
        at=now,
        name="authentication.value_made",
        actor_kind="system",
        actor="acs",
        object=str(acs_trans_id),
        outcome="made",
        details={"profile": made.profile, "key_id": made.key_id, "reference": made.reference},
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """The evidence of an authentication with what the audit log says of it.

    ``document`` is read whole; its digest is that of the stored bytes.
    ``visitors`` are those that were not erased yet; ``messages`` those whose rows are still there,
    as they stand now, for a carrier may report after the outcome. ``faults`` is empty when
    document, events and chain agree.
    """

    document: dict[str, Any]
    visitors: Mapping[str, object]
    messages: tuple[Mapping[str, object], ...]
    events: tuple[Told, ...]
    faults: tuple[str, ...]


async def show(conn: Connection, keys: Keys, acs_trans_id: UUID) -> Shown | None:
    """Read and verify the evidence of one authentication; None when there is none at all."""
    text = await store.document(conn, acs_trans_id)
    events = await audit_chain.of_object(conn, keys.audit, str(acs_trans_id))
    digests = [str(one.evidence) for one in events if one.evidence is not None]
    if text is None:
        return None if not digests else await _without_document(conn, keys, acs_trans_id, events)
    faults = [fault for event in events for fault in event.faults]
    if not digests:
        faults.append("no event of the audit log tells of this document")
    elif digests != [evidence.digest(text)]:
        faults.append("the document was changed after its outcome")
    document = whole(text)
    seen, wrong = await _seen(conn, keys, acs_trans_id, document.get("visitors", {}))
    messages = await otp_flows.messages_of(conn, acs_trans_id)
    told = tuple(evidence.message(one) for one in messages)
    return Shown(document, seen, told, events, (*faults, *wrong))


async def _without_document(
    conn: Connection, keys: Keys, acs_trans_id: UUID, events: tuple[Told, ...]
) -> Shown:
    kept_from = await audit_chain.documents_from(conn, keys.audit)
    is_over = kept_from is not None and acs_trans_id < kept_from
    word = "let go when its time was over" if is_over else "removed"
    return Shown({}, {}, (), events, (f"the document was {word}",))


async def _seen(
    conn: Connection, keys: Keys, acs_trans_id: UUID, tags: Mapping[str, str]
) -> tuple[dict[str, object], list[str]]:
    """Open the visitors that are still there and hold them against the document's hashes."""
    seen: dict[str, object] = {}
    wrong = []
    for one in await store.visitors(conn, acs_trans_id):
        try:
            plain = keys.vault.open(one.sealed, _visitor_place(acs_trans_id, one.seen_in))
        except CannotOpen:
            wrong.append(f"the visitor of the {one.seen_in} cannot be opened")
            continue
        seen[one.seen_in] = json.loads(plain)
        if tags.get(one.seen_in) != one.tag:
            wrong.append(f"the visitor of the {one.seen_in} is not the one of the document")
    return seen, wrong


def _visitor_place(acs_trans_id: UUID, seen_in: SeenIn) -> str:
    return f"acs.visitor|{acs_trans_id}|{seen_in}"


def _cut(text: str | None) -> str | None:
    """Keep what can be stored of a text; a header's bytes that are no UTF-8 come as surrogates."""
    return None if text is None else text[:_TEXT_MAX].encode("utf-8", "replace").decode()
