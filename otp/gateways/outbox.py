"""The messages on their way: one row each, claimed by one worker at a time.

Laws: number and text are sealed for their row and leave it when it is settled. An attempt is
counted at the claim, so a crash counts. Every later statement names the claim (worker and attempt
number); a worker whose lease has passed changes nothing. A claim under which nothing was handed
over is over sooner: before it hands the message over, its worker must write down to whom.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from otp import store
from otp.gateways import router
from otp.model import Claim, SmsState
from otp.policy import notice_share
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Secret, Vault

_SQL = queries.load(__file__)

_REASON_MAX: Final = 80
"""A word of the configuration, which an answer is compared with, may be a sentence."""
Kind = Literal["code", "password", "held"]
"""What is awaited goes first, a password whatever became of any code. A notice is held until it is
taken from the budget; after that its row says ``notice``, as those that an older version queued.
"""
NOT_HANDED_OVER: Final = timedelta(seconds=8)
"""How long a claim holds before anything is handed over: longer than a place is waited for."""
_NEVER: Final = timedelta(minutes=5)
"""Nothing waits so long for its next try, and no clock of ours is so far ahead unless it was wrong.
"""


async def queue(  # noqa: PLR0913 - the columns of the row
    conn: Connection,
    vault: Vault,
    *,
    sms_id: UUID,
    challenge_id: UUID,
    seq: int,
    number: Secret,
    text: Secret,
    now: datetime,
    expires_at: datetime,
    kind: Kind = "code",
    is_bulk: bool = False,
) -> None:
    """Put a message into the caller's transaction and wake the workers when it commits."""
    number_sealed, text_sealed = sealed(vault, sms_id, number, text)
    await _SQL.queue.run(
        conn,
        sms_id=sms_id,
        challenge_id=challenge_id,
        seq=seq,
        kind=kind,
        is_bulk=is_bulk,
        number_sealed=number_sealed,
        text_sealed=text_sealed,
        calling_code=router.calling_code(number.reveal()),
        now=now,
        expires_at=expires_at,
    )


def sealed(vault: Vault, sms_id: UUID, number: Secret, text: Secret) -> tuple[bytes, bytes]:
    """Seal number and text of a message for their places."""
    return (
        vault.seal(number.reveal().encode(), number_place(sms_id)),
        vault.seal(text.reveal().encode(), text_place(sms_id)),
    )


def number_place(sms_id: UUID) -> str:
    """Give the place a number is sealed for."""
    return f"otp.outbox.number|{sms_id}"


def text_place(sms_id: UUID) -> str:
    """Give the place a text is sealed for."""
    return f"otp.outbox.text|{sms_id}"


async def claim(
    conn: Connection,
    *,
    worker: str,
    idempotent: Collection[str],
    now: datetime,
    lease_began: datetime,
    most: int,
    sms_id: UUID | None = None,
) -> list[Claim]:
    """Take up to `most` awaited messages that may leave now, or the one named if it may.

    Claims made at or before `lease_began` are over.
    """
    rows: Any = await _SQL.claim.all(
        conn,
        sms_id=sms_id,
        worker=worker,
        idempotent=list(idempotent),
        now=now,
        lease_began=lease_began,
        begun=now - NOT_HANDED_OVER,
        never=now + _NEVER,
        most=most,
    )
    return _claims(rows, worker)


async def claim_notices(
    conn: Connection,
    policy: OtpPolicy,
    *,
    worker: str,
    idempotent: Collection[str],
    now: datetime,
    lease_began: datetime,
    most: int,
) -> list[Claim]:
    """Take up to `most` notices, those held as far as they can be taken from the budget now.

    What somebody did goes before what a file did, and each in its order.
    """
    share = notice_share(policy, now)
    rows: Any = await _SQL.claim_notices.all(
        conn,
        worker=worker,
        idempotent=list(idempotent),
        now=now,
        lease_began=lease_began,
        begun=now - NOT_HANDED_OVER,
        never=now + _NEVER,
        most=most,
        share_minute=share.minute,
        share_hour=share.hour,
        share_day=share.day,
        **store.budget(policy, now),
    )
    return _claims(rows, worker)


def _claims(rows: Any, worker: str) -> list[Claim]:  # noqa: ANN401 - a driver's rows
    return [
        Claim(
            row["sms_id"],
            worker,
            row["attempts"],
            row["number_sealed"],
            row["text_sealed"],
            row["expires_at"],
            row["provider"],
            row["doubted_provider"],
            tuple(row["used"]),
            frozenset(row["failed"]),
            row["is_notice"],
        )
        for row in rows
    ]


async def note_provider(
    conn: Connection, claim: Claim, provider: str, *, doubted: str | None = None
) -> bool:
    """Write down who gets the message next; False when the claim is lost: do not send.

    `doubted` may have taken it before. False also when it has said so by now.
    """
    noted = await _SQL.note_provider.run(
        conn,
        provider=provider,
        doubted=doubted,
        sms_id=claim.sms_id,
        worker=claim.worker,
        attempts=claim.attempts,
    )
    return noted == 1


async def settle(
    conn: Connection,
    claim: Claim,
    becomes: SmsState,
    *,
    now: datetime,
    provider_id: str | None = None,
    reason: str | None = None,
) -> bool:
    """Bring the message to rest; False when the claim is lost."""
    settled = await _SQL.settle.run(
        conn,
        becomes=becomes.value,
        provider_id=provider_id,
        reason=_kept(reason),
        now=now,
        sms_id=claim.sms_id,
        worker=claim.worker,
        attempts=claim.attempts,
    )
    return settled == 1


async def queue_again(
    conn: Connection, claim: Claim, *, due_at: datetime, reason: str | None
) -> bool:
    """Give the message back for a later try; False when the claim is lost."""
    queued = await _SQL.queue_again.run(
        conn,
        due_at=due_at,
        reason=_kept(reason),
        sms_id=claim.sms_id,
        worker=claim.worker,
        attempts=claim.attempts,
    )
    return queued == 1


async def sweep(
    conn: Connection,
    *,
    idempotent: Collection[str],
    now: datetime,
    lease_began: datetime,
    most: int,
) -> int:
    """Settle messages that may not leave any more or whose fate nobody knows; give how many."""
    return await _SQL.sweep.run(
        conn,
        idempotent=list(idempotent),
        now=now,
        lease_began=lease_began,
        begun=now - NOT_HANDED_OVER,
        most=most,
    )


async def state_of(conn: Connection, sms_id: UUID) -> SmsState | None:
    """Tell where a message stands; None when its row is gone."""
    state = await _SQL.state_of.value(conn, sms_id=sms_id)
    return None if state is None else SmsState(state)


async def is_reported(conn: Connection, sms_id: UUID) -> bool:
    """Tell whether a provider has said anything of the message."""
    return await _SQL.is_reported.value(conn, sms_id=sms_id) is True


async def waiting(conn: Connection, now: datetime) -> dict[str, tuple[int, datetime | None]]:
    """Count what waits and may still leave, ``code`` (all that is awaited) and ``notice``.

    With each, since when the oldest one does.
    """
    row = await _SQL.waiting.one(conn, now=now)
    return {
        "code": (row["codes"], row["oldest_code_at"]),
        "notice": (row["notices"], row["oldest_notice_at"]),
    }


def _kept(reason: str | None) -> str | None:
    return None if reason is None else reason[:_REASON_MAX]
