"""The audit events of the enrolment side: their names, and who acted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.audit import ActorKind, AuditEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class EventName(StrEnum):
    """What can happen here; a name never changes its meaning."""

    PERSON_CREATED = "person.created"
    PERSON_CHANGED = "person.changed"
    PERSON_RESET = "person.reset"
    PERSON_CLOSED = "person.closed"
    PERSON_PURGED = "person.purged"
    PERSON_REGISTERED = "registration.completed"
    ACTIVATION_ISSUED = "activation.issued"
    ACTIVATION_USED = "activation.used"
    ACTIVATION_VOID = "activation.void"
    REGISTRATION_STARTED = "registration.started"
    REGISTRATION_CONSENT = "registration.consent"
    REGISTRATION_SMS_SENT = "registration.sms_sent"
    REGISTRATION_SMS_FAILED = "registration.sms_failed"
    REGISTRATION_VERIFIED = "registration.verified"
    REGISTRATION_FAILED = "registration.failed"
    REGISTRATION_WRONG_CODE = "registration.wrong_code"
    REGISTRATION_EXPIRED = "registration.expired"
    REGISTRATION_CANCELLED = "registration.cancelled"
    PHONE_DISPUTED = "phone.disputed"
    PHONE_REQUESTED = "phone.requested"
    PHONE_CONFIRMED = "phone.confirmed"
    PHONE_DROPPED = "phone.dropped"
    LOGIN_OK = "login.ok"
    LOGIN_FAILED = "login.failed"
    LOGIN_LOCKED = "login.locked"
    LOGIN_LOGOUT = "login.logout"
    LOGIN_TIMEOUT = "login.timeout"
    PASSWORD_SET = "password.set"  # noqa: S105 - the name of an event
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the name of an event
    PASSWORD_RESET_FAILED = "password.reset_failed"  # noqa: S105 - the name of an event
    MERCHANT_TRUSTED = "merchant.trusted"
    MERCHANT_REMOVED = "merchant.removed"
    PREF_CHANGED = "pref.changed"
    CARD_BLOCK_ASKED = "block.asked"
    IDENTIFIER_LINKED = "person.identifier_linked"
    IDENTIFIER_ENDED = "person.identifier_ended"
    PHONE_CHANGED = "phone.changed"
    ACCOUNT_UPSERTED = "account.upserted"
    CARD_UPSERTED = "card.upserted"
    CARD_STATUS = "card.status"
    THREEDS_ACTIVATED = "threeds.activated"
    THREEDS_DEACTIVATED = "threeds.deactivated"
    THREEDS_SUSPENDED = "threeds.suspended"
    THREEDS_RESUMED = "threeds.resumed"
    LIMIT_SET = "limit.set"
    LIMIT_RAISED = "limit.raised"
    LIMIT_LOWERED = "limit.lowered"
    LIMIT_REFUSED = "limit.refused"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_OUTDATED = "consent.outdated"
    CONSENT_TEXT_LOADED = "consent.text_loaded"
    PIN_SET = "pin.set"
    PIN_CHANGED = "pin.changed"
    PIN_FAILED = "pin.failed"
    BLOCK_SET = "block.set"
    BLOCK_WARNED = "block.warned"
    BLOCK_CLEARED = "block.cleared"
    STEP_UP_SENT = "step_up.sent"
    STEP_UP_FAILED = "step_up.failed"
    IMPORT_BATCH = "import.batch"
    STAFF_SEARCH = "staff.search"
    STAFF_UNBLOCK = "staff.unblock"
    API_DENIED = "api.denied"
    JTI_REPLAY = "jti.replay"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a service, perhaps for a member of staff or a person; from where, which request."""

    name: str
    kind: ActorKind = "service"
    person_id: UUID | None = None
    channel: str = ""
    staff: str = ""
    origin: str = ""
    request_id: str = ""

    def event(
        self,
        name: EventName,
        about: object,
        now: datetime,
        *,
        outcome: str = "ok",
        details: Mapping[str, object] | None = None,
    ) -> AuditEvent:
        """Make the event; ``about`` is the id of what it happened to, never a PAN or number."""
        more: dict[str, object] = dict(details or {})
        if self.person_id is not None:
            more["on_behalf_of"] = str(self.person_id)
        if self.staff:
            more.setdefault("staff", self.staff)
        if self.channel:
            more["channel"] = self.channel
        return AuditEvent(
            at=now,
            name=name.value,
            actor_kind=self.kind,
            actor=self.name[:100],
            object=str(about)[:100],
            outcome=outcome[:60],
            origin=self.origin[:60],
            request_id=self.request_id[:64],
            details=more,
        )


ACS = Actor("acs", kind="system")
"""The Access Control Server itself, which counts failures and sets blocks."""
