"""How a document of ``evidence/1`` was written: whole, and the measure of what is read now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acs.authentication.case import Exemption
from acs.evidence import message, moment
from acs.transaction import ASKED
from schemas.canonical import to_json

if TYPE_CHECKING:
    from acs.challenge.state import Challenge
    from acs.evidence import Basis
    from acs.transaction import Transaction


def document(one: Transaction, challenge: Challenge | None, basis: Basis) -> str:
    """Write the document to the letter."""
    answered = {
        "trans_status": one.trans_status,
        "trans_status_reason": one.trans_status_reason,
        "at": moment(one.created_at),
    }
    members = {
        "format": "evidence/1",
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
        "link": msgspec.structs.asdict(one.linked) | {"digest": one.link_digest.hex()},
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
            **answered,
            "rule": one.rule,
            "reasons": one.reasons,
            "exemption": basis.exemption,
            "applied_by": _applied_by(basis.exemption, one),
        },
        "challenge": None if challenge is None else _challenge(one, challenge, basis),
        "outcome": {**answered, "name": "answered", "challenge_cancel": None}
        if challenge is None or challenge.outcome is None or challenge.outcome_at is None
        else {
            "name": challenge.outcome.name,
            "trans_status": challenge.outcome.trans_status,
            "trans_status_reason": challenge.outcome.reason,
            "challenge_cancel": challenge.outcome.challenge_cancel,
            "at": moment(challenge.outcome_at),
        },
        "eci": basis.eci,
        "authentication_value": basis.proof,
        "visitors": dict(basis.visitors),
        "key_ids": dict(basis.key_ids),
    }
    return to_json(members).decode()


def _applied_by(exemption: Exemption, one: Transaction) -> str | None:
    if exemption is Exemption.NONE:
        return None
    ours = {Exemption.ISSUER, Exemption.TRUSTED}
    if one.trans_status == "Y":
        ours.add(Exemption.LOW_VALUE)
    return "issuer" if exemption in ours else "requestor"


def _challenge(one: Transaction, challenge: Challenge, basis: Basis) -> dict[str, object]:
    opened_at = challenge.opened_at
    return {
        "elements": [
            {"name": asked.name, "kind": asked.kind} for asked in ASKED[challenge.elements]
        ],
        "checks": basis.checks,
        "attempts": challenge.attempts,
        "interaction_counter": challenge.interaction_counter,
        "language": challenge.language,
        "phone": one.phone_mask,
        "messages": [message(sent) for sent in basis.messages],
        "opened_at": None if opened_at is None else moment(opened_at),
    }
