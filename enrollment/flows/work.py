"""What every use case of the enrolment API is handed: one open transaction and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from enrollment.refusals import Refusal, RefusalCode
from schemas import audit

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.events import Actor, EventName
    from enrollment.policy import EnrollmentPolicy
    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Keys


@dataclass(frozen=True, slots=True)
class Work:
    """One request's transaction, keys, settings, actor and time."""

    conn: Connection
    keys: Keys
    policy: EnrollmentPolicy
    otp_policy: OtpPolicy
    actor: Actor
    now: datetime

    async def record(
        self, name: EventName, about: object, *, outcome: str = "ok", **details: object
    ) -> None:
        """Append an audit event to the transaction; details hold no secret and no number."""
        event = self.actor.event(name, about, self.now, outcome=outcome, details=details)
        await audit.append(self.conn, self.keys.audit, event)


def version_fault(if_match: int | None, version: int | None) -> Refusal | None:
    """Refuse a change whose caller saw another version; ``version`` None = there is nothing yet."""
    if if_match is None or if_match == version:
        return None
    return Refusal(RefusalCode.VERSION_CHANGED)
