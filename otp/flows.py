"""Make a code and queue its message; check an entry; forget. On the caller's open transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.model import (
    CheckResult,
    CodeState,
    Issued,
    IssueRequest,
    IssueResult,
    Refused,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Keys, Secret

__all__ = ["CheckResult", "CodeState", "IssueRequest", "IssueResult", "Issued", "Refused"]


async def issue(
    conn: Connection, keys: Keys, policy: OtpPolicy, request: IssueRequest, now: datetime
) -> IssueResult:
    """Make the challenge's next code and queue its message, or say why not."""
    raise NotImplementedError


async def check(  # noqa: PLR0913
    conn: Connection,
    keys: Keys,
    policy: OtpPolicy,
    challenge_id: UUID,
    link_digest: bytes,
    entry: Secret,
    now: datetime,
    *,
    other_elements_right: bool = True,
) -> CheckResult:
    """Count the try, then compare. With a wrong PIN beside it the code is never consumed."""
    raise NotImplementedError


async def state_of(conn: Connection, challenge_id: UUID) -> CodeState | None:
    """Tell where the code of a challenge stands."""
    raise NotImplementedError


async def forget(conn: Connection, challenge_id: UUID) -> None:
    """Overwrite the MAC at the end of the challenge and drop a message that has not left."""
    raise NotImplementedError
