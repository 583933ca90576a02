"""The use cases of a one-time password: make and send one, check an entry, forget.

Laws: every function works on the caller's open transaction (READ COMMITTED) and commits nothing;
what the caller rolls back did not happen, so a caller that checks an entry must commit whatever
the answer is. A code exists in clear only between its making and the sealing of its message. The
message leaves after the commit, through `otp.gateways.deliver`.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from babel.messages.pofile import read_po

from otp import code as codes
from otp import message, notices, store
from otp import policy as limits
from otp.gateways import outbox, router
from otp.model import (
    Accepted,
    AlreadyUsed,
    CheckResult,
    Claim,
    CodePhase,
    CodeState,
    Exhausted,
    Expired,
    Issued,
    IssuedCode,
    IssueRequest,
    IssueResult,
    Malformed,
    NoCode,
    Refused,
    Rejected,
    SendRefusal,
    SentMessage,
    SmsState,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Keys, Secret

__all__ = [
    "CATALOGUES",
    "CheckResult",
    "CodeState",
    "IssueRequest",
    "IssueResult",
    "Issued",
    "Refused",
    "check",
    "forget",
    "forget_all",
    "is_well_formed",
    "issue",
    "lapse_history",
    "messages_of",
    "notify",
    "state_of",
    "told",
]

DEFAULT_LANGUAGE: Final = "pl"
_PHONE_CONTEXT: Final = b"otp.phone/1"


def _catalogues() -> dict[str, message.Catalogue]:
    folder = Path(__file__).parent / "locale"
    return {path.parent.name: _catalogue(path) for path in sorted(folder.glob("*/sms.po"))}


def _catalogue(path: Path) -> message.Catalogue:
    with path.open(encoding="utf-8") as file:
        entries = read_po(file)
    texts = {str(entry.id): str(entry.string) for entry in entries if entry.id}
    return message.Catalogue(path.parent.name, texts)


CATALOGUES: Final = _catalogues()
"""The texts by language; a language without texts gets those of DEFAULT_LANGUAGE."""
LETTERED: Final = {
    language: message.Catalogue(language, catalogue.texts, keeps_letters=True)
    for language, catalogue in CATALOGUES.items()
}
"""The same for a bank that keeps all letters and pays for more parts."""


def _texts(policy: OtpPolicy, language: str) -> message.Catalogue:
    catalogues = LETTERED if policy.alphabet == "ucs2" else CATALOGUES
    return catalogues.get(language, catalogues[DEFAULT_LANGUAGE])


async def issue(
    conn: Connection, keys: Keys, policy: OtpPolicy, request: IssueRequest, now: datetime
) -> IssueResult:
    """Make the challenge's code and queue its message; called again, replace it by the next one.

    The next code has the next number, kills the one before it and keeps the attempts. The link
    digest of a challenge never changes: with another one this is a programmer's mistake
    (AssertionError). Raises ValueError when the digest has not 32 bytes.
    """
    number = request.phone.reveal()
    phones = keys.phone_index.tags(_PHONE_CONTEXT, number.encode())
    challenge_id = request.challenge_id
    await store.lock_limits(conn, challenge_id, phones, request.card_ref)
    origin = store.Origin(
        limits.prefix_of(policy, number),
        request.merchant_ref,
        request.acquirer_ref,
        limits.network_of(request.address),
    )
    standing = await store.standing(conn, challenge_id, phones, request.card_ref, origin, now)
    if standing.link_digest not in {None, request.link_digest}:
        wrong = "the amount, payee or card of a challenge changed between two codes"
        raise AssertionError(wrong)
    refused = limits.may_send(policy, request.purpose, number, standing, now)
    if refused is not None:
        return refused
    issued = _new_code(policy, challenge_id, standing.seq + 1, now)
    catalogue = _texts(policy, request.language)
    text = message.compose(
        catalogue,
        request.text,
        issued.code,
        issued.seq,
        policy.lifetime_s,
    )
    if text is None:
        return Refused(SendRefusal.NO_PAYEE)
    binding = codes.Binding(issued.challenge_id, request.link_digest, issued.seq)
    sms_id = uuid4()
    number_sealed, text_sealed = outbox.sealed(keys.vault, sms_id, request.phone, text)
    new = store.NewCode(
        seq=issued.seq,
        mac=codes.mac(keys.otp, binding, issued.code),
        phone=phones[0],
        template=message.template_of(catalogue, request.text),
        origin=origin,
        expires_at=issued.expires_at,
        sms_id=sms_id,
        number_sealed=number_sealed,
        text_sealed=text_sealed,
        calling_code=router.calling_code(number),
    )
    before = await store.put_code(conn, policy, request, new, now)
    if before is None:
        return Refused(SendRefusal.TOTAL, 60 - now.second)
    return _issued(request, new, before, now)


def _issued(
    request: IssueRequest, new: store.NewCode, before: store.Before, now: datetime
) -> Issued:
    """Tell what was made; the message is in the hands of the process that asked for it, if any."""
    state = CodeState(
        seq=new.seq,
        sends=new.seq,
        attempts=before.attempts,
        phase=CodePhase.LIVE,
        expires_at=new.expires_at,
        last_sent_at=now,
        delivery=SmsState.QUEUED if request.sender is None else SmsState.SENDING,
    )
    claim = None
    if request.sender is not None:
        claim = Claim(
            new.sms_id,
            request.sender,
            1,
            new.number_sealed,
            new.text_sealed,
            new.expires_at,
            used=before.used,
            failed=before.failed,
        )
    return Issued(new.seq, new.expires_at, new.sms_id, state, claim)


def _new_code(policy: OtpPolicy, challenge_id: UUID, seq: int, now: datetime) -> IssuedCode:
    code = codes.from_number(secrets.randbelow(codes.CODES))
    return IssuedCode(challenge_id, seq, code, now + timedelta(seconds=policy.lifetime_s))


async def check(  # noqa: PLR0913, PLR0917 - what a code is bound to
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
    """Count the try, then compare; accept a code once.

    `other_elements_right` is False when another element asked together with the code (the PIN)
    was wrong: the try is counted and compared all the same and never accepted, so that neither
    the answer nor its time tells which element failed. An entry without the shape of a code is
    Malformed and not an attempt. A changed link digest never verifies.
    """
    meant = codes.normalise(entry)
    if meant is None:
        return Malformed()
    attempt = await store.take_attempt(conn, challenge_id, policy.attempts_max, now)
    if attempt is None:
        codes.matches(keys.otp, None, codes.Binding(challenge_id, link_digest, 0), meant)
        return await _no_attempt(conn, challenge_id, policy)
    binding = codes.Binding(challenge_id, link_digest, attempt.seq)
    right = codes.matches(keys.otp, attempt.mac, binding, meant)
    left = policy.attempts_max - attempt.attempts
    becomes = _becomes(accepted=right & other_elements_right, left=left)
    await store.settle_attempt(conn, challenge_id, attempt.seq, becomes, now)
    return Accepted() if becomes is CodePhase.USED else Rejected(left, right)


def _becomes(*, accepted: bool, left: int) -> CodePhase:
    if accepted:
        return CodePhase.USED
    return CodePhase.LIVE if left > 0 else CodePhase.EXHAUSTED


async def _no_attempt(conn: Connection, challenge_id: UUID, policy: OtpPolicy) -> CheckResult:
    match await store.phase_of(conn, challenge_id):
        case None | (CodePhase.FORGOTTEN, _):
            return NoCode()
        case (CodePhase.USED, _):
            return AlreadyUsed()
        case (CodePhase.LIVE, attempts) if attempts < policy.attempts_max:
            return Expired()
        case _:
            return Exhausted()


async def notify(
    conn: Connection, keys: Keys, policy: OtpPolicy, notice: notices.Notice, now: datetime
) -> UUID | None:
    """Queue a message without a code of ours; give its id, or None when it may not leave.

    It counts in no limit of a phone: what leads to it is limited. A notice waits until it can be
    taken from its share of the total budget, up to the end of its life. A password is awaited like
    a code: it is taken from the whole budget now, or may not leave.
    """
    sms_id = uuid4()
    if not limits.may_reach(policy, notice.phone.reveal()):
        return None
    if notice.is_awaited and not await store.take_total(conn, policy, sms_id, now):
        return None
    catalogue = _texts(policy, notice.language)
    await outbox.queue(
        conn,
        keys.vault,
        sms_id=sms_id,
        challenge_id=sms_id,
        seq=1,
        number=notice.phone,
        text=notices.compose(catalogue, notice),
        now=now,
        expires_at=now + notice.lifetime,
        kind="password" if notice.is_awaited else "held",
        is_bulk=notice.is_bulk,
    )
    return sms_id


def is_well_formed(entry: Secret) -> bool:
    """Tell whether an entry has the shape of a code; one without it is a slip, not an attempt."""
    return codes.normalise(entry) is not None


async def state_of(conn: Connection, challenge_id: UUID) -> CodeState | None:
    """Tell where the code of a challenge and its newest message stand; None without a code."""
    return await store.state_of(conn, challenge_id)


async def messages_of(conn: Connection, challenge_id: UUID) -> list[SentMessage]:
    """Give the messages of a challenge, oldest first, for its evidence."""
    return await store.messages_of(conn, challenge_id)


async def told(
    conn: Connection, challenge_id: UUID
) -> tuple[CodeState | None, tuple[SentMessage, ...]]:
    """Give both in one look: where the code of a challenge stands, and its messages."""
    return await store.told(conn, challenge_id)


async def forget(conn: Connection, challenge_id: UUID) -> None:
    """Drop the MAC at the end of the challenge, keep the outcome; repeating it changes nothing.

    A message that has not left yet will not leave any more.
    """
    await store.forget(conn, challenge_id)


async def forget_all(conn: Connection) -> int:
    """Drop the MACs of all codes that are live; gives how many. No message with one leaves."""
    return await store.forget_all(conn)


async def lapse_history(conn: Connection, before: datetime, limit: int) -> int:
    """Clear away up to `limit` each of what is older than `before`; give how many.

    That is lines of send history, codes and settled messages. Housekeeping; the limits look back
    one day, so `before` is at least a day ago.
    """
    return await store.lapse_history(conn, before, limit)
