"""What every use case of the enrolment API is handed: one open transaction and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from enrollment.refusals import Refusal, RefusalCode
from schemas import audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from enrollment.events import Actor, EventName
    from enrollment.model import HostSaid
    from enrollment.policy import EnrollmentPolicy
    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Keys

Out = TypeVar("Out")


def _tell_nobody(_failure: Exception) -> None:
    """Leave it at that."""


@dataclass(frozen=True, slots=True)
class Work:
    """One request's transaction, keys, settings, actor and time.

    ``is_bulk``: it is a line of a file, among thousands. ``note`` hears of what could not be done
    beside the rest, as of a value that is sealed under a key which is gone.
    """

    conn: Connection
    keys: Keys
    policy: EnrollmentPolicy
    otp_policy: OtpPolicy
    actor: Actor
    now: datetime
    is_bulk: bool = False
    note: Callable[[Exception], None] = _tell_nobody

    async def record(
        self, name: EventName, about: object, *, outcome: str = "ok", **details: object
    ) -> None:
        """Append an audit event to the transaction; details hold no secret and no number."""
        event = self.actor.event(name, about, self.now, outcome=outcome, details=details)
        await audit.append(self.conn, self.keys.audit, event)


@dataclass(frozen=True, slots=True)
class Errand(Generic[Out]):
    """A question to the world outside, asked while no transaction is open, and what follows of it.

    ``ask`` runs after the commit of what led to it, ``then`` in a transaction of its own. A process
    may die between the two: what led to it has to be on disk for who finishes it.
    """

    ask: Callable[[], Awaitable[HostSaid]]
    then: Callable[[Work, HostSaid], Awaitable[Out]]


NOT_YET: Final = 0
"""The version that a caller names who wants to make a thing and to change none."""


def version_fault(if_match: int | None, version: int | None) -> Refusal | None:
    """Refuse a change whose caller saw another version; ``version`` None = there is nothing yet."""
    if if_match is None or if_match == (NOT_YET if version is None else version):
        return None
    return Refusal(RefusalCode.VERSION_CHANGED)
