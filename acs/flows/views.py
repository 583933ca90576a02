"""From a stored challenge to the page the cardholder sees: what is missing is read here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from acs.challenge import machine
from acs.challenge.screens import Amount, Brand, CodeScreen, Notice, ResendState, TimeLeft
from acs.crypto import form_token
from acs.pages.names import shown_name
from acs.ports import own_work
from acs.transaction import Elements
from enrollment import flows as enrollment_flows
from otp import flows as otp_flows
from otp.model import CodePhase, SmsState
from otp.policy import resend_wait_s
from schemas.values import MessageCategory

if TYPE_CHECKING:
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.transaction import Transaction
    from otp.model import CodeState

_WORTH_MORE = timedelta(seconds=60)  # less is not worth a step
FORM_ACTION = "challenge"  # relative: wherever the page came from, its form goes there too


async def code_screen(
    ports: Ports, dialogue: Dialogue, code: CodeState | None = None
) -> CodeScreen:
    """Say what the entry page shows of a challenge as it is now.

    ``code`` is where its code and the newest message stand, if that is known; else it is read.
    """
    transaction, challenge = dialogue.transaction, dialogue.challenge
    now = ports.clock()
    resend = _resend(ports, dialogue, now)
    if code is None:
        async with ports.pool.connection() as conn:
            code = await otp_flows.state_of(conn, transaction.acs_trans_id)
    is_payment = transaction.message_category == MessageCategory.PA
    return CodeScreen(
        action=FORM_ACTION,
        form_token=form_token.seal(ports.keys.form, transaction.acs_trans_id, challenge.step),
        language=challenge.language,
        languages=ports.pages.languages,
        merchant=shown_name(transaction.merchant_name or "", transaction.payee_id),
        amount=_amount(transaction) if is_payment else None,
        last4=transaction.last4,
        purchase_at=_purchase_at(transaction),
        brand=brand(ports, transaction),
        asks_pin=challenge.elements is Elements.PIN_AND_OTP,
        phone_mask=transaction.phone_mask or "",
        code_number=max(challenge.code_seq, 1),
        sent_at=None if _never_left(code) else challenge.code_sent_at,
        expires_at=None if code is None else code.expires_at,
        notice=_notice(challenge.notice, code, resend),
        attempts_left=await _attempts_left(ports, dialogue, now),
        resend=resend,
        time_left=_time_left(ports, dialogue, now),
        attempts_spent=challenge.attempts,
        offers_trust=transaction.offers_trust,
        trusts=challenge.trusts,
        window_size=dialogue.window_size or "05",
        code_live=is_live(code, now),
        adds_card=not is_payment and transaction.adds_card,
    )


async def _attempts_left(ports: Ports, dialogue: Dialogue, now: datetime) -> int:
    """Tell how many answers may still be wrong: here, and in a row over all challenges.

    The latter is looked up once something was wrong here: before, no number is told.
    """
    challenge, person_id = dialogue.challenge, dialogue.transaction.person_id
    here = ports.policies.challenge.attempts_max - challenge.attempts
    if challenge.attempts == 0 or person_id is None:
        return here
    async with ports.pool.connection() as conn:
        in_all = await enrollment_flows.attempts_left(own_work(ports, conn, now), person_id)
    return min(here, in_all)


def brand(ports: Ports, transaction: Transaction) -> Brand:
    """Say whose page it is; a range that was taken away leaves the scheme alone."""
    issued = ports.tables.now.by_id(transaction.range_id)
    if issued is None:
        return Brand(issuer_name="", issuer_phone="", scheme=transaction.scheme)
    return Brand(
        issuer_name=issued.issuer.name,
        issuer_phone=issued.issuer.phone,
        scheme=transaction.scheme,
        theme=issued.range.policy.theme or issued.issuer.issuer_id,
    )


def _resend(ports: Ports, dialogue: Dialogue, now: datetime) -> ResendState:
    policy, challenge = ports.policies.otp, dialogue.challenge
    left = max(policy.sends_max - max(challenge.code_seq, 1), 0)
    if challenge.code_sent_at is None:
        return ResendState(allowed=left > 0, wait_s=0, left=left)
    due = challenge.code_sent_at + timedelta(seconds=resend_wait_s(policy, challenge.code_seq))
    wait_s = max(ceil((due - now).total_seconds()), 0)
    return ResendState(
        allowed=left > 0 and wait_s == 0,
        wait_s=wait_s,
        left=left,
        ready_at=due if wait_s else None,
    )


def _time_left(ports: Ports, dialogue: Dialogue, now: datetime) -> TimeLeft:
    policy, challenge = ports.policies.challenge, dialogue.challenge
    ends_at = machine.waits_until(challenge, policy)
    # As if the cardholder asked for more at the last moment.
    asked = machine.waits_until(replace(challenge, last_activity_at=ends_at), policy)
    # Rounded up: the page goes on to its end by itself, and would come back to a second of its own.
    left_s = max(ceil((ends_at - now).total_seconds()), 0)
    return TimeLeft(ends_at=ends_at, left_s=left_s, may_extend=asked - ends_at >= _WORTH_MORE)


def _never_left(code: CodeState | None) -> bool:
    """Tell whether it is known that the newest message did not reach the phone, or not yet."""
    return code is not None and code.delivery in {SmsState.FAILED, SmsState.QUEUED}


def _notice(notice: Notice | None, code: CodeState | None, resend: ResendState) -> Notice | None:
    """Say what happened last, unless it is a message that did not arrive or may not have left."""
    if notice is Notice.RESEND_TOO_SOON and resend.allowed:
        return None  # the wait that it tells of is over
    if code is None or notice not in {None, Notice.CODE_SENT}:
        return notice
    match code.delivery:
        case SmsState.FAILED:
            return Notice.SMS_FAILED
        case SmsState.UNKNOWN | SmsState.QUEUED if resend.left > 0:
            return Notice.SMS_UNKNOWN
        case SmsState.QUEUED:
            return None  # no provider took it so far: it is not said to be sent
        case _:
            return notice


def is_live(code: CodeState | None, now: datetime) -> bool:
    """Tell whether the newest code of a challenge can still be accepted."""
    return code is not None and code.phase is CodePhase.LIVE and now < code.expires_at


def _amount(transaction: Transaction) -> Amount:
    return Amount(
        minor=transaction.purchase_amount or 0,
        exponent=transaction.purchase_exponent or 0,
        currency=transaction.purchase_currency or "999",
    )


def _purchase_at(transaction: Transaction) -> datetime:
    """Read purchaseDate (UTC, YYYYMMDDHHMMSS); without one the time of the AReq stands in."""
    if transaction.purchase_date is None:
        return transaction.created_at
    day, time = transaction.purchase_date[:8], transaction.purchase_date[8:]
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
