"""Messages without a code: in every language, in one part, and never with a link or a number."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from otp import flows
from otp.alphabets import size_of
from otp.gateways import outbox
from otp.notices import Notice, NoticeKind, compose, text_id
from otp.policy import OtpPolicy
from schemas.vault import Secret
from tests.otp.fakes import sms_text

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from otp.message import Catalogue
    from schemas.vault import Keys

VALUES = {
    "password": "ABCDEFGHJK",
    "minutes": "60",
    "phone": "+380 *** *** 761",
    "last4": "0694",
    "new_last4": "9161",
}
PHONE = Secret("+48600700800")


@pytest.mark.parametrize(
    "catalogue",
    [*flows.CATALOGUES.values(), flows.LETTERED["pl"]],
    ids=[*flows.CATALOGUES, "pl with its letters"],
)
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_notice_has_its_words_and_fits(kind: NoticeKind, catalogue: Catalogue) -> None:
    language = catalogue.language
    text = compose(catalogue, Notice(kind, PHONE, language, VALUES)).reveal()

    # A part of UCS-2 holds less than half as much.
    assert size_of(text).parts <= (2 if catalogue.alphabet == "ucs2" else 1)
    assert not any(sign in text for sign in ("{", "http", "www", "600700800"))
    assert catalogue.texts[text_id(kind)]


def test_a_notice_does_not_show_itself() -> None:
    notice = Notice(NoticeKind.REGISTRATION_PASSWORD, PHONE, "pl", VALUES)

    assert "ABCDEFGHJK" not in repr(notice)
    assert "600700800" not in repr(notice)


async def test_a_notice_is_queued_for_its_life(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    notice = Notice(NoticeKind.REGISTERED, PHONE, "en", life=timedelta(minutes=5))
    sms_id = await flows.notify(db, keys, OtpPolicy(), notice, now)

    assert sms_id is not None
    assert "access to the card portal is ready" in await sms_text(db, keys, sms_id)
    row = await db.fetchrow("SELECT kind, expires_at FROM otp.outbox WHERE sms_id = $1", sms_id)
    assert tuple(row) == ("held", now + timedelta(minutes=5))


async def test_a_notice_needs_no_code_to_leave(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    sms_id = await flows.notify(db, keys, OtpPolicy(), Notice(NoticeKind.BLOCKED, PHONE, "pl"), now)
    lease = now - timedelta(seconds=60)
    swept = await outbox.sweep(db, idempotent=[], now=now, lease_began=lease, most=10)
    claims = await outbox.claim_notices(
        db, OtpPolicy(), worker="w", idempotent=[], now=now, lease_began=lease, most=10
    )

    assert (swept, [claim.sms_id for claim in claims]) == (0, [sms_id])


@pytest.mark.parametrize(
    ("kind", "sent"),
    [(NoticeKind.BLOCKED, [True, True]), (NoticeKind.REGISTRATION_PASSWORD, [True, False])],
)
async def test_only_a_password_is_refused_once_the_budget_is_spent(
    db: asyncpg.Connection, keys: Keys, now: datetime, kind: NoticeKind, sent: list[bool]
) -> None:
    """A notice waits; who waits for a password is told that there will be none."""
    notice = Notice(kind, PHONE, "pl", VALUES)
    policy = OtpPolicy(total_minute=1, total_hour=1, total_day=1)

    told = [await flows.notify(db, keys, policy, notice, now) for _ in range(2)]
    assert [one is not None for one in told] == sent
