"""The ways into the portal, walked by the real use cases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from enrollment.events import Actor
from enrollment.flows import activation_codes, card_blocks, logins, phone_change, registrations
from enrollment.flows.clients import Declaration
from enrollment.flows.step_up import Proof
from enrollment.refusals import Done, Refusal
from schemas.vault import Secret
from tests.enrollment import people
from tests.otp.fakes import sms_text
from tests.records import replace

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.phone_change import PhoneChange
    from enrollment.flows.sessions import Opened
    from enrollment.flows.work import Work
    from enrollment.ports import Host
    from enrollment.store.cards import CardView

PASSWORD = "trzy mokre kamienie"
NEW_PHONE = "+48600700999"
PORTAL = Actor("portal", channel="portal", origin="203.0.113.7", request_id="r-2")
TEXTS = [Declaration("sms_3ds", 1, "pl", is_accepted=True),
         Declaration("terms", 1, "pl", is_accepted=True)]  # fmt: skip


def at_portal(work: Work, **policy: Any) -> Work:
    """Give the hands of the portal at the same moment."""
    return replace(work, actor=PORTAL, policy=replace(work.policy, **policy))


async def messages(work: Work) -> list[str]:
    """Give the texts that were queued, oldest first."""
    rows = await work.conn.fetch(
        "SELECT sms_id FROM otp.outbox WHERE text_sealed IS NOT NULL ORDER BY queued_at, due_at"
    )
    return [await sms_text(work.conn, work.keys, row["sms_id"]) for row in rows]


async def sms_of(work: Work, sms_id: UUID | None) -> str:
    """Read what the phone shows of a message."""
    assert sms_id is not None
    return await sms_text(work.conn, work.keys, sms_id)


async def password_of(work: Work, sms_id: UUID | None) -> Secret:
    """Read the password of a registration from the phone."""
    found = re.search(r": ([A-Z2-9]{10}),", await sms_of(work, sms_id))
    assert found is not None
    return Secret(found.group(1))


async def code_of(work: Work, sms_id: UUID | None) -> Secret:
    """Read six digits from the phone."""
    assert sms_id is not None
    return Secret(await people.read_code(work.conn, work.keys, sms_id))


async def activation(work: Work, person_id: UUID) -> Secret:
    """Have the branch make a code."""
    made = await activation_codes.issue(work, person_id)
    assert isinstance(made, Done), made
    return made.value.code


async def to_sms(work: Work, pesel: str, code: Secret | None) -> tuple[UUID, UUID | None]:
    """Begin, accept the texts, have the message sent."""
    begun = await registrations.start(work, pesel, code)
    assert isinstance(begun, Done), begun
    registration_id = begun.value.registration_id
    assert isinstance(await registrations.consent(work, registration_id, TEXTS), Done)
    sent = await registrations.send_sms(work, registration_id)
    assert isinstance(sent, Done), sent
    return registration_id, sent.value.sms_id


async def register(work: Work, person_id: UUID, pesel: str = people.PESELS[1]) -> None:
    """Walk the whole registration in strict mode."""
    code = await activation(work, person_id)
    portal = at_portal(work)
    registration_id, sms_id = await to_sms(portal, pesel, code)
    verified = await registrations.verify(
        portal, registration_id, await password_of(portal, sms_id)
    )
    assert isinstance(verified, Done), verified
    both = (Secret(PASSWORD), Secret(PASSWORD))
    done = await registrations.set_password(portal, registration_id, verified.value.token, both)
    assert isinstance(done, Done), done


async def log_in(work: Work, pesel: str = people.PESELS[1], password: str = PASSWORD) -> Opened:
    """Log in with password and code."""
    portal = at_portal(work)
    begun = await logins.begin(portal, pesel, Secret(password))
    assert isinstance(begun, Done), begun
    code = await code_of(portal, begun.value.sms_id)
    done = await logins.finish(portal, begun.value.login_id, code)
    assert isinstance(done, Done), done
    return done.value


async def block(
    work: Work, host: Host, client: people.Client, kind: card_blocks.BlockWish
) -> Done[CardView] | Refusal:
    """Have the host block a card, as the two gates do."""
    wished = await card_blocks.wish(work, client.person_id, client.card_id, kind)
    if isinstance(wished, Refusal):
        return wished
    said = await host.block(wished.card_ref, wished.wish, wished.wish_id)
    return await card_blocks.settle(work, wished, said)


async def ask_for_phone(work: Work, person_id: UUID, phone: str = NEW_PHONE) -> PhoneChange:
    """Ask in the portal for a new phone, with the code of the old one."""
    portal = at_portal(work)
    code = await phone_change.ask_code(portal, person_id, phone)
    assert isinstance(code, Done), code
    proof = Proof(code.value.step_up_id, await code_of(portal, code.value.sms_id))
    done = await phone_change.request(portal, person_id, phone, proof)
    assert isinstance(done, Done), done
    return done.value


async def change_phone(work: Work, person_id: UUID, phone: str = NEW_PHONE) -> PhoneChange:
    """Change the phone in the portal, confirmed on both; the wait begins."""
    change = await ask_for_phone(work, person_id, phone)
    code = await code_of(work, change.sms_id)
    done = await phone_change.confirm(at_portal(work), person_id, change.change_id, code)
    assert isinstance(done, Done), done
    return done.value
