"""What an authentication rests on, as one document that is never changed. Pure.

A bank that is told "this was not me" must prove that the payment was authenticated, recorded and
not hit by a fault (PSD2 art. 72). The document says what was asked, which elements were asked for
and what came of each, by which messages, texts, keys and software, and how it ended.

It is written short, and read whole: see ``acs.stored_evidence``.

Laws:
- No PAN, code, PIN, phone number, authentication value, address or browser stands in it; of the
  last three a keyed hash or a masked form does. So it can be kept while the personal data beside
  it is erased.
- It is complete by itself: transaction and messages go years before it does.
- Equal facts give equal bytes; the digest of the bytes, as stored, goes into the audit log.
- What came of a single element is here and nowhere on a page (RTS art. 4(3)(a)).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from acs.authentication.case import Exemption
from acs.stored_evidence import (
    FORMAT,
    Stored,
    StoredChallenge,
    StoredMessage,
    StoredOutcome,
    encode,
    short_keys,
)
from acs.transaction import ASKED, link_digest
from schemas.records import Record
from schemas.values import TransStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acs.authentication.rendering import Rendering
    from acs.challenge.state import Challenge
    from acs.transaction import Transaction
    from otp.model import SentMessage


class Proof(Record, frozen=True):
    """The authentication value without the value: its key, and a keyed hash once it is made."""

    profile: str
    key_id: str
    reference: str | None


class Basis(Record, frozen=True):
    """What is known besides the transaction and its challenge.

    ``visitors`` are keyed hashes of address and program by where they were seen; ``checks`` what
    each comparison came to; ``key_ids`` names keys by their purpose; ``consent_id`` the client's
    declaration that codes by SMS rest on; ``rendering`` how an app shows a challenge.
    """

    software: str
    key_ids: Mapping[str, str]
    exemption: Exemption = Exemption.NONE
    eci: str | None = None
    proof: Proof | None = None
    visitors: Mapping[str, str] = msgspec.field(default_factory=dict)
    checks: Sequence[Mapping[str, object]] = ()
    messages: Sequence[SentMessage] = ()
    consent_id: int | None = None
    rendering: Rendering | None = None


def document(transaction: Transaction, challenge: Challenge | None, basis: Basis) -> str:
    """Write the document of an authentication that has its outcome, as it is stored.

    Identifiers and words of a list stand here as they are; the writer spells them. No code was
    bound to the link of an answer without a challenge, so nothing but the link itself is told.
    """
    one = transaction
    proof, exemption = basis.proof, basis.exemption
    stored = Stored(
        format=FORMAT,
        software=basis.software,
        acs_trans_id=one.acs_trans_id,
        three_ds_server_trans_id=one.three_ds_server_trans_id,
        ds_trans_id=one.ds_trans_id,
        ds_id=one.ds_id,
        message_version=one.message_version,
        device_channel=one.device_channel,
        message_category=one.message_category,
        last4=one.last4,
        scheme=one.scheme,
        range_id=one.range_id,
        range_version=one.range_version,
        trans_status=one.trans_status,
        rule=one.rule,
        at=moment(one.created_at),
        key_ids=short_keys(tuple(basis.key_ids.items())),
        visitors=basis.visitors,
        sdk_trans_id=one.sdk_trans_id,
        card_id=one.card_id,
        person_id=one.person_id,
        consent_id=basis.consent_id,
        purchase_amount=one.purchase_amount,
        purchase_currency=one.purchase_currency,
        purchase_exponent=one.purchase_exponent,
        merchant_name=one.merchant_name,
        acquirer_bin=one.acquirer_bin,
        acquirer_merchant_id=one.acquirer_merchant_id,
        trans_status_reason=one.trans_status_reason,
        reasons=one.reasons or None,
        exemption=None if exemption is Exemption.NONE else exemption,
        applied_by=_applied_by(exemption, one),
        eci=basis.eci,
        authentication_value=None
        if proof is None
        else (proof.profile, proof.key_id, proof.reference),
        challenge=None if challenge is None else _challenge(one, challenge, basis),
        outcome=None if challenge is None else _outcome(challenge),
    )
    return encode(stored)


def digest(text: str) -> str:
    """Give the SHA-256 of a document, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def moment(at: datetime) -> str:
    """Write a time in UTC, to the millisecond."""
    return f"{_second(int(at.timestamp() // 1))}.{at.microsecond // 1000:03}Z"


@lru_cache(maxsize=64)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def message(sent: SentMessage) -> dict[str, object]:
    """Tell of one message: which text, by whom, and what became of it."""
    return {
        "seq": sent.seq,
        "at": moment(sent.sent_at),
        "template": sent.template,
        "key_id": sent.mac_key_id,
        "to": sent.phone_mask,
        "sms_id": _text(sent.sms_id),
        "provider": sent.provider,
        "provider_id": sent.provider_id,
        "state": None if sent.state is None else str(sent.state),
        "report": sent.report,
        "reported_at": _moment(sent.reported_at),
    }


_OURS: Final = (Exemption.ISSUER, Exemption.TRUSTED)


def _applied_by(exemption: Exemption, transaction: Transaction) -> str | None:
    """Say whose exemption it is: a small payment may be the issuer's (Y) or claimed (I)."""
    if exemption is Exemption.NONE:
        return None
    is_ours = exemption in _OURS or (
        exemption is Exemption.LOW_VALUE and transaction.trans_status == TransStatus.AUTHENTICATED
    )
    return "issuer" if is_ours else "requestor"


def _challenge(transaction: Transaction, challenge: Challenge, basis: Basis) -> StoredChallenge:
    phone, bound = transaction.phone_mask, transaction.link_digest
    shown = basis.rendering
    return StoredChallenge(
        elements=[(one.name, one.kind) for one in ASKED[challenge.elements]],
        language=challenge.language,
        attempts=challenge.attempts,
        interaction_counter=challenge.interaction_counter,
        checks=basis.checks or None,
        phone=phone,
        messages=[_short_message(one, phone) for one in basis.messages] or None,
        opened_at=_moment(challenge.opened_at),
        link=None if bound == link_digest(transaction.linked) else bound.hex(),
        rendering=None if shown is None else (shown.interface, shown.template),
    )


def _short_message(sent: SentMessage, phone: str | None) -> StoredMessage:
    return StoredMessage(
        seq=sent.seq,
        at=moment(sent.sent_at),
        to=None if sent.phone_mask == phone else sent.phone_mask,
        template=sent.template,
        key_id=sent.mac_key_id,
        sms_id=sent.sms_id,
        provider=sent.provider,
        provider_id=sent.provider_id,
        state=sent.state,
        report=sent.report,
        reported_at=_moment(sent.reported_at),
    )


def _outcome(challenge: Challenge) -> StoredOutcome | None:
    outcome, at = challenge.outcome, challenge.outcome_at
    if outcome is None or at is None:
        return None
    return StoredOutcome(
        name=outcome.name,
        trans_status=outcome.trans_status,
        at=moment(at),
        trans_status_reason=outcome.reason,
        challenge_cancel=outcome.challenge_cancel,
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else moment(at)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
