"""The stored form of evidence: short, and read whole again. Pure.

What is stored holds no fact twice and nothing that is null, empty or follows from other members:

- identifiers, message category, channel and card once, though they are part of the link as well;
- no digest of the link where it is the one that ``acs.transaction.link_digest`` gives;
- no outcome where the answer was the outcome, no exemption where there is none;
- one key for all purposes that use it (``*``), one phone for all messages that went to it;
- no interface of a challenge in a browser: the channel tells it.

A format stays readable for ever: whoever adds, leaves out or derives a member otherwise, gives it
the next number. docs/operate/evidence.md lists the names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

from acs.transaction import AcsTransId, DsTransId, Linked, link_digest
from schemas.values import DeviceChannel

FORMAT: Final = 3
"""What ``v`` says. The first, ``"format": "evidence/1"``, was stored as it is shown."""
_WITHOUT_INTERFACE: Final = 2
"""The format before: it did not tell how a challenge was shown."""


class StoredMessage(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "seq": "n",
        "template": "text",
        "key_id": "key",
        "sms_id": "sms",
        "provider": "by",
        "provider_id": "their",
        "state": "st",
        "report": "said",
        "reported_at": "said_at",
    },
):
    """One message of a challenge; ``to`` where it is not the phone that the challenge names."""

    seq: int
    at: str
    to: str | None = None
    template: str | None = None
    key_id: str | None = None
    sms_id: UUID | None = None
    provider: str | None = None
    provider_id: str | None = None
    state: str | None = None
    report: str | None = None
    reported_at: str | None = None


class StoredChallenge(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "elements": "asked",
        "attempts": "wrong",
        "interaction_counter": "tries",
        "language": "lang",
        "messages": "sms",
        "opened_at": "opened",
        "rendering": "ui",
    },
):
    """What was asked of the cardholder: elements by name and kind, and what came of them.

    ``link`` is the digest that codes were bound to, where it is not that of the document;
    ``rendering`` acsInterface and acsUiTemplate of a challenge in an app.
    """

    elements: Sequence[tuple[str, str]]
    language: str
    attempts: int
    interaction_counter: int
    checks: Sequence[Mapping[str, object]] | None = None
    phone: str | None = None
    messages: Sequence[StoredMessage] | None = None
    opened_at: str | None = None
    link: str | None = None
    rendering: tuple[str, str] | None = None


class StoredOutcome(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"trans_status": "st", "trans_status_reason": "why", "challenge_cancel": "cancel"},
):
    """How a challenge ended; without one the answer is the outcome."""

    name: str
    trans_status: str
    at: str
    trans_status_reason: str | None = None
    challenge_cancel: str | None = None


class Stored(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "format": "v",
        "software": "sw",
        "acs_trans_id": "acs",
        "three_ds_server_trans_id": "tds",
        "ds_trans_id": "ds",
        "sdk_trans_id": "sdk",
        "ds_id": "net",
        "message_version": "ver",
        "device_channel": "ch",
        "message_category": "cat",
        "card_id": "card",
        "scheme": "sch",
        "range_id": "rng",
        "range_version": "rv",
        "person_id": "per",
        "consent_id": "con",
        "purchase_amount": "amt",
        "purchase_currency": "cur",
        "purchase_exponent": "exp",
        "merchant_name": "mer",
        "acquirer_bin": "bin",
        "acquirer_merchant_id": "mid",
        "trans_status": "st",
        "trans_status_reason": "why",
        "exemption": "ex",
        "applied_by": "by",
        "authentication_value": "av",
        "key_ids": "keys",
        "challenge": "chal",
        "outcome": "out",
    },
):
    """The document as it is stored. ``key_ids`` names under ``*`` the key of all other purposes."""

    format: int
    software: str
    acs_trans_id: UUID
    three_ds_server_trans_id: str
    ds_trans_id: str
    ds_id: str
    message_version: str
    device_channel: str
    message_category: str
    last4: str
    scheme: str
    range_id: str
    range_version: int
    trans_status: str
    rule: str
    at: str
    key_ids: Mapping[str, str]
    visitors: Mapping[str, str]
    sdk_trans_id: str | None = None
    card_id: UUID | None = None
    person_id: UUID | None = None
    consent_id: int | None = None
    purchase_amount: int | None = None
    purchase_currency: str | None = None
    purchase_exponent: int | None = None
    merchant_name: str | None = None
    acquirer_bin: str | None = None
    acquirer_merchant_id: str | None = None
    trans_status_reason: str | None = None
    reasons: Sequence[str] | None = None
    exemption: str | None = None
    applied_by: str | None = None
    eci: str | None = None
    authentication_value: tuple[str, str, str | None] | None = None
    challenge: StoredChallenge | None = None
    outcome: StoredOutcome | None = None


def encode(stored: Stored) -> str:
    """Write a document: equal ones have equal bytes."""
    try:
        return _ENCODER.encode(stored).decode()
    except OverflowError:  # a number of more than 64 bits: an amount may have 48 digits
        return _plain(msgspec.to_builtins(stored, order="deterministic"))


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_plain: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@lru_cache(maxsize=8)
def short_keys(key_ids: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Name the key of most purposes once. What is given is shared: nobody changes it."""
    named = dict(key_ids)
    if named.keys() != _PURPOSES:
        return named
    count = Counter(named.values())
    most = max(sorted(count), key=count.__getitem__)
    others = {purpose: key_id for purpose, key_id in named.items() if key_id != most}
    return {_OTHERS: most, **others}


_PURPOSES: Final = frozenset(
    {"audit", "data", "form", "identifier_index", "otp", "pan_index", "phone_index", "pin"}
)
"""The purposes of keys that ``*`` stands for; part of the format. With others all are named."""
_OTHERS: Final = "*"
_NO_EXEMPTION: Final = "none"


def whole(text: str) -> dict[str, Any]:
    """Read a stored document whole.

    One of another format, or one that somebody changed until it has none, is given as it stands.
    """
    kept = json.loads(text)
    if not isinstance(kept, dict):
        return {"document": kept}
    if kept.get("v") not in {FORMAT, _WITHOUT_INTERFACE}:
        return kept
    try:
        found = _whole(msgspec.convert(kept, Stored))
    except msgspec.ValidationError:
        return kept
    return dict(msgspec.to_builtins(found))


def _whole(one: Stored) -> dict[str, object]:
    answered = {
        "trans_status": one.trans_status,
        "trans_status_reason": one.trans_status_reason,
        "at": one.at,
    }
    return {
        "format": one.format,
        "software": one.software,
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
        "consent_id": one.consent_id,
        "answer": {
            **answered,
            "rule": one.rule,
            "reasons": one.reasons or [],
            "exemption": one.exemption or _NO_EXEMPTION,
            "applied_by": one.applied_by,
        },
        "challenge": None if one.challenge is None else _challenge(one, one.challenge),
        "outcome": {"name": "answered", "challenge_cancel": None, **answered}
        if one.outcome is None
        else msgspec.structs.asdict(one.outcome),
        "eci": one.eci,
        "authentication_value": _proof(one.authentication_value),
        "visitors": one.visitors,
        "key_ids": _keys(one.key_ids),
    }


def _link(one: Stored) -> dict[str, object]:
    link = Linked(
        acs_trans_id=AcsTransId(one.acs_trans_id),
        ds_trans_id=DsTransId(one.ds_trans_id),
        card_id=one.card_id,
        purchase_amount=one.purchase_amount,
        purchase_currency=one.purchase_currency,
        purchase_exponent=one.purchase_exponent,
        merchant_name=one.merchant_name,
        acquirer_bin=one.acquirer_bin,
        acquirer_merchant_id=one.acquirer_merchant_id,
        message_category=one.message_category,
        device_channel=one.device_channel,
    )
    bound = None if one.challenge is None else one.challenge.link
    return msgspec.structs.asdict(link) | {"digest": bound or link_digest(link).hex()}


def _challenge(document: Stored, one: StoredChallenge) -> dict[str, object]:
    shown = {} if document.format == _WITHOUT_INTERFACE else _shown(document, one)
    return shown | {
        "elements": [{"name": name, "kind": kind} for name, kind in one.elements],
        "checks": one.checks or [],
        "attempts": one.attempts,
        "interaction_counter": one.interaction_counter,
        "language": one.language,
        "phone": one.phone,
        "messages": [
            msgspec.structs.asdict(sent) | ({"to": one.phone} if sent.to is None else {})
            for sent in one.messages or ()
        ],
        "opened_at": one.opened_at,
    }


_INTERFACES: Final = {"01": "native", "02": "html"}
"""acsInterface in words."""


def _shown(document: Stored, one: StoredChallenge) -> dict[str, object]:
    """Tell by which interface a challenge was shown, or was to be."""
    if document.device_channel == DeviceChannel.BRW:
        return {"interface": "browser", "ui_template": None}
    interface, template = one.rendering or (None, None)
    return {
        "interface": None if interface is None else _INTERFACES.get(interface, interface),
        "ui_template": template,
    }


def _proof(kept: tuple[str, str, str | None] | None) -> dict[str, object] | None:
    return (
        None if kept is None else dict(zip(("profile", "key_id", "reference"), kept, strict=True))
    )


def _keys(kept: Mapping[str, str]) -> dict[str, str]:
    if _OTHERS not in kept:
        return dict(kept)
    return {purpose: kept.get(purpose, kept[_OTHERS]) for purpose in sorted(_PURPOSES)}
