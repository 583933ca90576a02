"""The codes and the history of messages at rest, on the caller's open transaction.

Laws: neither a code nor a phone number is ever a parameter of a statement, so no database error
can tell one. Isolation is READ COMMITTED: a count is taken after the locks that guard it. Lock
order: the caller's challenge, the advisory locks (sorted), the code's row, one lane of the budget.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from otp.model import CodePhase, CodeState, SentMessage, SmsState
from otp.policy import Standing, Window
from schemas import queries
from schemas.secret import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from otp.model import IssueRequest
    from otp.policy import OtpPolicy
    from schemas.queries import Connection

_SQL = queries.load(__file__)
_LANES: Final = 16
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """By what messages are watched: the number's first digits, and where the payment comes from."""

    prefix: str
    merchant_ref: str | None = None
    acquirer_ref: str | None = None
    network: str | None = None


async def lock_limits(
    conn: Connection, challenge_id: UUID, phones: Sequence[Tag], card_ref: UUID | None
) -> None:
    """Hold off every other message of the same challenge, phone or card until the commit.

    The phone is locked under each of its tags, so that processes on both sides of a key rotation
    meet.
    """
    names = [b"otp.challenge|" + challenge_id.bytes]
    names += [b"otp.phone|" + tag.value for tag in phones]
    if card_ref is not None:
        names.append(b"otp.card|" + card_ref.bytes)
    await _SQL.lock_limits.all(conn, keys=sorted(_lock_key(name) for name in names))


def _lock_key(name: bytes) -> int:
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)


async def standing(  # noqa: PLR0917 - what is counted, and since when
    conn: Connection,
    challenge_id: UUID,
    phones: Sequence[Tag],
    card_ref: UUID | None,
    origin: Origin,
    now: datetime,
) -> Standing:
    """Read the code's row and all counts in one query."""
    row = await _SQL.standing.one(
        conn,
        challenge_id=challenge_id,
        phone_macs=[tag.value for tag in phones],
        card_ref=card_ref,
        prefix=origin.prefix,
        merchant_ref=origin.merchant_ref,
        acquirer_ref=origin.acquirer_ref,
        network=origin.network,
        now=now,
        hour_ago=now - _HOUR,
        day_ago=now - _DAY,
    )
    return Standing(
        seq=row["seq"] or 0,
        phase=None if row["phase"] is None else CodePhase(row["phase"]),
        link_digest=row["link_digest"],
        last_sent_at=row["last_sent_at"],
        phone_hour=Window(row["phone_hour"], row["phone_hour_from"]),
        phone_day=Window(row["phone_day"], row["phone_day_from"]),
        card_hour=Window(row["card_hour"], row["card_hour_from"]),
        card_day=Window(row["card_day"], row["card_day_from"]),
        card_challenges=Window(row["challenges"], row["challenges_from"]),
        suspended_until=row["suspended_until"],
    )


async def take_total(
    conn: Connection, policy: OtpPolicy, challenge_id: UUID, now: datetime
) -> bool:
    """Take one message from the total budget; tell whether there was one left.

    The budget is never passed. With many messages at once it may seem spent a few messages early.
    """
    return bool(await _SQL.take_total.value(conn, **_budget(policy, challenge_id, now)))


def _budget(policy: OtpPolicy, challenge_id: UUID, now: datetime) -> dict[str, object]:
    return {"turn": challenge_id.int % _LANES, **budget(policy, now)}


def budget(policy: OtpPolicy, now: datetime) -> dict[str, object]:
    """Give the UTC minute, hour and day that run, and how many messages may leave in each."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return {
        "minute": now.replace(second=0, microsecond=0),
        "hour": hour,
        "day": hour.replace(hour=0),
        "total_minute": policy.total_minute,
        "total_hour": policy.total_hour,
        "total_day": policy.total_day,
    }


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code about to be written, as its MAC, with its line in the history and its message.

    ``number_sealed`` and ``text_sealed`` are for the message's row.
    """

    seq: int
    mac: Tag
    phone: Tag
    template: str
    origin: Origin
    expires_at: datetime
    sms_id: UUID
    number_sealed: bytes
    text_sealed: bytes
    calling_code: str


@dataclass(frozen=True, slots=True)
class Before:
    """The attempts spent; who carried the challenge's messages, the latest last, who failed to."""

    attempts: int
    used: tuple[str, ...]
    failed: frozenset[str]


async def put_code(
    conn: Connection, policy: OtpPolicy, request: IssueRequest, new: NewCode, now: datetime
) -> Before | None:
    """Write the code in place of the live one before it; None when no message may leave any more.

    The locked standing said that it may be written. The total budget is taken from as
    ``take_total`` does it.
    """
    row = await _SQL.put_code.one(
        conn,
        **_budget(policy, request.challenge_id, now),
        challenge_id=request.challenge_id,
        purpose=request.purpose.value,
        link_digest=request.link_digest,
        seq=new.seq,
        key_id=new.mac.key_id,
        mac=new.mac.value,
        card_ref=request.card_ref,
        now=now,
        expires_at=new.expires_at,
        phone_key_id=new.phone.key_id,
        phone_mac=new.phone.value,
        phone_mask=request.phone_mask,
        merchant_ref=new.origin.merchant_ref,
        acquirer_ref=new.origin.acquirer_ref,
        network=new.origin.network,
        template=new.template,
        prefix=new.origin.prefix,
        sms_id=new.sms_id,
        number_sealed=new.number_sealed,
        text_sealed=new.text_sealed,
        calling_code=new.calling_code,
        sender=request.sender,
    )
    if not row["taken"]:
        return None
    if row["written"] != 1:
        message = f"code {new.seq} of the challenge does not follow on the one stored"
        raise AssertionError(message)
    return Before(row["attempts"], tuple(row["used"]), frozenset(row["failed"]))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted attempt: which code it is for, how many are spent, and what to compare with."""

    seq: int
    attempts: int
    mac: Tag


async def take_attempt(
    conn: Connection, challenge_id: UUID, attempts_max: int, now: datetime
) -> Attempt | None:
    """Count an attempt and lock the row until the commit; None when none is to be had."""
    row = await _SQL.take_attempt.one(
        conn, challenge_id=challenge_id, attempts_max=attempts_max, now=now
    )
    if row is None:
        return None
    return Attempt(row["seq"], row["attempts"], Tag(row["key_id"], row["mac"]))


async def settle_attempt(
    conn: Connection, challenge_id: UUID, seq: int, becomes: CodePhase, now: datetime
) -> None:
    """Write what the attempt came to; the statement is the same for right and wrong entries."""
    settled = await _SQL.settle_attempt.run(
        conn, challenge_id=challenge_id, seq=seq, becomes=becomes.value, now=now
    )
    if settled != 1:
        message = "a counted attempt lost its row lock"
        raise AssertionError(message)


async def phase_of(conn: Connection, challenge_id: UUID) -> tuple[CodePhase, int] | None:
    """Tell the phase and the attempts spent, or None when the challenge has no code."""
    row = await _SQL.phase_of.one(conn, challenge_id=challenge_id)
    return None if row is None else (CodePhase(row["phase"]), row["attempts"])


async def state_of(conn: Connection, challenge_id: UUID) -> CodeState | None:
    """Tell where the code and its newest message stand, or None when there is no code."""
    row: Any = await _SQL.state_of.one(conn, challenge_id=challenge_id)
    return None if row is None else _code_state(row, row["seq"])


async def messages_of(conn: Connection, challenge_id: UUID) -> list[SentMessage]:
    """Read the messages of a challenge, oldest first."""
    rows: Any = await _SQL.messages_of.all(conn, challenge_id=challenge_id)
    return [_message(row) for row in rows]


async def told(
    conn: Connection, challenge_id: UUID
) -> tuple[CodeState | None, tuple[SentMessage, ...]]:
    """Give both in one look: where the code stands, and the messages, oldest first."""
    rows: Any = await _SQL.told.all(conn, challenge_id=challenge_id)
    if not rows:
        return None, ()
    newest = rows[-1]
    messages = tuple(_message(row) for row in rows if row["seq"] is not None)
    return _code_state(newest, newest["code_seq"]), messages


def _code_state(row: Any, seq: int) -> CodeState:  # noqa: ANN401 - a driver's row
    return CodeState(
        seq=seq,
        sends=seq,
        attempts=row["attempts"],
        phase=CodePhase(row["phase"]),
        expires_at=row["expires_at"],
        last_sent_at=row["last_sent_at"],
        delivery=None if row["delivery"] is None else SmsState(row["delivery"]),
    )


def _message(row: Any) -> SentMessage:  # noqa: ANN401 - a driver's row
    return SentMessage(
        seq=row["seq"],
        sent_at=row["sent_at"],
        phone_mask=row["phone_mask"],
        template=row["template"],
        mac_key_id=row["mac_key_id"],
        sms_id=row["sms_id"],
        provider=row["provider"],
        provider_id=row["provider_id"],
        state=None if row["state"] is None else SmsState(row["state"]),
        report=row["report"],
        reported_at=row["reported_at"],
    )


async def forget(conn: Connection, challenge_id: UUID) -> None:
    """Drop the MAC of a code that is still live."""
    await _SQL.forget.run(conn, challenge_id=challenge_id)


async def forget_all(conn: Connection) -> int:
    """Drop the MACs of all codes that are live; gives how many there were."""
    return await _SQL.forget_all.run(conn)


async def lapse_history(conn: Connection, before: datetime, most: int) -> int:
    """Clear away up to `most` each of the lines, codes and messages older than `before`."""
    lines = await _SQL.lapse_history.run(conn, before=before, most=most)
    codes = await _SQL.lapse_codes.run(conn, before=before, most=most)
    return lines + codes + await _SQL.lapse_messages.run(conn, before=before, most=most)
