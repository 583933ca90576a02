"""What an authentication rests on, as one document that is never changed. Pure.

A bank that is told "this was not me" must prove that the payment was authenticated, recorded and
not hit by a fault (PSD2 art. 72). The document says what was asked, which elements were asked for
and what came of each, by which messages, texts, keys and software, and how it ended.

Laws:
- No PAN, code, PIN, phone number, authentication value, address or browser stands in it; of the
  last three a keyed hash or a masked form does. So it can be kept while the personal data beside
  it is erased.
- Equal facts give equal bytes; the digest of the bytes goes into the audit log.
- What came of a single element is here and nowhere on a page (RTS art. 4(3)(a)).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from acs.authentication.case import Exemption
from acs.transaction import ASKED
from schemas.canonical import to_json
from schemas.records import Record
from schemas.values import TransStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acs.challenge.state import Challenge
    from acs.transaction import Transaction
    from otp.model import SentMessage

FORMAT: Final = "evidence/1"


class Proof(Record, frozen=True):
    """The authentication value without the value: its key, and a keyed hash once it is made."""

    profile: str
    key_id: str
    reference: str | None


class Basis(Record, frozen=True):
    """What is known besides the transaction and its challenge.

    ``visitors`` are keyed hashes of address and program by where they were seen; ``checks`` what
    each comparison came to; ``key_ids`` names keys by their purpose; ``consent_id`` the client's
    declaration that codes by SMS rest on.
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


def document(transaction: Transaction, challenge: Challenge | None, basis: Basis) -> str:
    """Write the document of an authentication that has its outcome.

    Identifiers and words of a list stand here as they are; the writer spells them.
    """
    one = transaction
    answered_at = moment(one.created_at)
    members = {
        "format": FORMAT,
        "software": basis.software,
        "ids": {
            "acs_trans_id": one.acs_trans_id,
            "three_ds_server_trans_id": one.three_ds_server_trans_id,
            "ds_trans_id": one.ds_trans_id,
            "sdk_trans_id": one.sdk_trans_id,
            "ds": one.ds_id,
        },
        "message": {
            "version": one.message_version,
            "channel": one.device_channel,
            "category": one.message_category,
        },
        "link": _link(one),
        "card": {
            "token": one.card_id,
            "last4": one.last4,
            "scheme": one.scheme,
            "range": one.range_id,
            "range_version": one.range_version,
        },
        "person_id": one.person_id,
        "consent_id": basis.consent_id,
        "answer": {
            "trans_status": one.trans_status,
            "trans_status_reason": one.trans_status_reason,
            "rule": one.rule,
            "reasons": one.reasons,
            "exemption": basis.exemption,
            "applied_by": _applied_by(basis.exemption, one),
            "at": answered_at,
        },
        "challenge": None if challenge is None else _challenge(one, challenge, basis),
        "outcome": _outcome(one, challenge, answered_at),
        "eci": basis.eci,
        "authentication_value": basis.proof,
        "visitors": dict(basis.visitors),
        "key_ids": dict(basis.key_ids),
    }
    return to_json(members).decode()


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
        "reported_at": None if sent.reported_at is None else moment(sent.reported_at),
    }


def _link(transaction: Transaction) -> dict[str, object]:
    return {
        "acs_trans_id": transaction.acs_trans_id,
        "ds_trans_id": transaction.ds_trans_id,
        "card_id": transaction.card_id,
        "purchase_amount": transaction.purchase_amount,
        "purchase_currency": transaction.purchase_currency,
        "purchase_exponent": transaction.purchase_exponent,
        "merchant_name": transaction.merchant_name,
        "acquirer_bin": transaction.acquirer_bin,
        "acquirer_merchant_id": transaction.acquirer_merchant_id,
        "message_category": transaction.message_category,
        "device_channel": transaction.device_channel,
        "digest": transaction.link_digest.hex(),
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


def _challenge(transaction: Transaction, challenge: Challenge, basis: Basis) -> dict[str, object]:
    return {
        "elements": [
            {"name": one.name, "kind": str(one.kind)} for one in ASKED[challenge.elements]
        ],
        "checks": [dict(check) for check in basis.checks],
        "attempts": challenge.attempts,
        "interaction_counter": challenge.interaction_counter,
        "language": challenge.language,
        "phone": transaction.phone_mask,
        "messages": [message(one) for one in basis.messages],
        "opened_at": None if challenge.opened_at is None else moment(challenge.opened_at),
    }


def _outcome(
    transaction: Transaction, challenge: Challenge | None, answered_at: str
) -> dict[str, object]:
    if challenge is None or challenge.outcome is None or challenge.outcome_at is None:
        return {
            "name": "answered",
            "trans_status": str(transaction.trans_status),
            "trans_status_reason": _text(transaction.trans_status_reason),
            "challenge_cancel": None,
            "at": answered_at,
        }
    outcome = challenge.outcome
    return {
        "name": outcome.name,
        "trans_status": str(outcome.trans_status),
        "trans_status_reason": _text(outcome.reason),
        "challenge_cancel": _text(outcome.challenge_cancel),
        "at": moment(challenge.outcome_at),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
