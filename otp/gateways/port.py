"""What the service needs of an SMS gateway, and the three answers there are.

Laws: a gateway carries a text and knows nothing of codes. It never raises for what a network does:
whatever happens becomes one of the three answers. `Rejected` is said only when the message surely
was not taken; in doubt it is `Unknown`, because a second provider would send a second message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from schemas.secret import Secret


@dataclass(frozen=True, slots=True)
class SmsJob:
    """One message to carry.

    `sms_id` is our own id, the same for every try of the message. `to` is in E.164 form. After
    `validity_s` seconds the message must not be delivered any more.
    """

    sms_id: UUID
    to: Secret
    text: Secret
    sender: str
    validity_s: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the message, under its own id if it gave one."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message was surely not taken. `retryable`: another provider, or a later try, may take it.

    `reason` is a word for operators (an HTTP status, the name of an error): never message content.
    """

    retryable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell whether the message was taken."""

    reason: str


SendOutcome = Accepted | Rejected | Unknown


class ReportState(StrEnum):
    """What a delivery report says. The last three are final; `delivered` wins over the others."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's word on a message: a hint for people and failover, never proof of a code.

    At least one of our own id and the provider's is known; with both, ours decides. `at` is the
    provider's time, with its zone, if it gave one. `reason` is a word for operators; 80 characters
    of it are kept.
    """

    provider: str
    sms_id: UUID | None
    provider_id: str | None
    state: ReportState
    at: datetime | None = None
    reason: str | None = None


if TYPE_CHECKING:
    OnReport = Callable[[Report], Awaitable[None]]
    """Stores a report; returns when it is stored, so that the provider may be told so.

    Any report may come any number of times, in any order. What it raises (no database) means: not
    stored, the provider should tell it again.
    """


@runtime_checkable
class ReportsByItself(Protocol):
    """A gateway whose provider reports over the gateway's own connection, such as SMPP."""

    def report_to(self, on_report: OnReport) -> None:
        """Remember whom to give reports; called once, before the first message."""


class SmsGateway(Protocol):
    """One provider."""

    @property
    def name(self) -> str:
        """Give the provider's name in settings, metrics and rows; at most 40 characters."""

    @property
    def idempotent(self) -> bool:
        """Tell whether a second try under the same `sms_id` never makes a second message."""

    async def send(self, job: SmsJob) -> SendOutcome:
        """Hand the message over; bounded in time by the gateway itself."""

    async def find_out(self, job: SmsJob) -> SendOutcome:
        """Ask the provider what became of a message nobody knows of; Unknown if it cannot tell.

        Never sends. Bounded in time like `send`.
        """

    async def close(self) -> None:
        """Let go of connections."""
