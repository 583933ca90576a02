"""Registration in four steps, and the clear pages where it ends otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from enrollment.flows import activation_codes, registrations
from enrollment.flows.clients import Declaration
from enrollment.portal.entry import IDENTIFIER_MAX, errand_id, with_errand
from enrollment.portal.state import Flash
from enrollment.portal.visit import Page
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.registration import RegistrationState
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from enrollment.flows.registrations import Registering
    from enrollment.portal.visit import Answer, Visit
    from enrollment.store.consents import ConsentText

_STEP_OF: Final = {
    RegistrationState.STARTED: "/register/2",
    RegistrationState.CONSENTED: "/register/2",
    RegistrationState.SMS_SENT: "/register/3",
    RegistrationState.SMS_OK: "/register/4",
}
_SHOWN: Final = re.compile(r"([0-9]{1,9}):([0-9a-f]{64})")
"""Version and SHA-256 of a text, as its form brings them back."""
_ENDS: Final = ("refused", "not-mine", "over")


async def ask_number(visit: Visit) -> Answer:
    """Step 1: the number, and where the bank asks for it the code from the branch."""
    values = {"step": 1, "asks_code": visit.asks_code}
    return Page("register_1.html", "register_title", values)


async def start(visit: Visit) -> Answer:
    """Take the number; a stranger's goes the same way."""
    identifier = visit.form.get("identifier", "")[:IDENTIFIER_MAX]
    if not identifier.strip():
        return visit.wrong("identifier_empty", "identifier", "/register/1")
    code = visit.form.get("activation_code", "").strip()
    if visit.asks_code and not code:
        return visit.wrong("activation_empty", "activation_code", "/register/1", "identifier")
    if code and not activation_codes.is_shaped(Secret(code)):
        return visit.wrong("activation_shape", "activation_code", "/register/1", "identifier")
    done = await registrations.start(visit.work, identifier, Secret(code) if code else None)
    if isinstance(done, Refusal):
        return visit.refused(done, "/register/1", "identifier")
    return visit.go(
        "/register/2", state=with_errand(visit, registration=done.value.registration_id)
    )


async def show_consents(visit: Visit) -> Answer:
    """Step 2: where the message will go, and what has to be agreed to."""
    found = await _under_way(visit, "/register/2")
    if not isinstance(found, Done):
        return found
    values = {
        "step": 2,
        "mask": found.value.phone_mask,
        "texts": texts_to_read(visit, found.value.texts),
    }
    return Page("register_2.html", "register_title", values)


async def answer_consents(visit: Visit) -> Answer:
    """Take the answers: agreed, refused, or "this is not my phone"."""
    found = await _under_way(visit, "/register/2")
    if not isinstance(found, Done):
        return found
    registration_id = found.value.registration_id
    match visit.form.get("action"):
        case "refuse":
            said = _declarations(visit, found.value, accepted=False)
            await registrations.consent(visit.work, registration_id, said)
            await registrations.cancel(visit.work, registration_id)
            return visit.go("/register/refused", state=visit.anew())
        case "not_mine":
            await registrations.dispute_phone(visit.work, registration_id)
            return visit.go("/register/not-mine", state=visit.anew())
        case _:
            return await _agree(visit, found.value)


async def ask_sms_password(visit: Visit) -> Answer:
    """Step 3: the password from the message."""
    found = await _under_way(visit, "/register/3")
    if not isinstance(found, Done):
        return found
    values = {"step": 3, "mask": found.value.phone_mask, "sends_left": found.value.sends_left}
    return Page("register_3.html", "register_title", values)


async def verify(visit: Visit) -> Answer:
    """Take the password from the message, or send another one."""
    found = await _under_way(visit, "/register/3")
    if not isinstance(found, Done):
        return found
    registration_id = found.value.registration_id
    if visit.form.get("action") == "resend":
        return await _send(visit, registration_id, Flash("register_sent_again"))
    given = Secret(visit.form.get("sms_password", "").strip())
    if not given.reveal():  # a slip costs no try
        return visit.wrong("register_sms_bad", "sms_password", "/register/3")
    done = await registrations.verify(visit.work, registration_id, given)
    if isinstance(done, Refusal):
        if not await _is_open(visit, registration_id):
            return visit.go("/register/over", state=visit.anew())
        return visit.wrong("register_sms_bad", "sms_password", "/register/3")
    step = done.value.token.reveal()
    return visit.go(
        "/register/4", state=with_errand(visit, registration=registration_id, step=step)
    )


async def ask_password(visit: Visit) -> Answer:
    """Step 4: an own password, twice."""
    found = await _under_way(visit, "/register/4")
    if not isinstance(found, Done):
        return found
    return Page("register_4.html", "register_title", {"step": 4})


async def set_password(visit: Visit) -> Answer:
    """Take the own password; with it the registration is done and the client may sign in."""
    registration_id, step = errand_id(visit, "registration"), visit.state.errand.get("step")
    if registration_id is None or step is None:
        return visit.go("/register/1")
    both = (visit.secret("password"), visit.secret("repeat"))
    done = await registrations.set_password(visit.work, registration_id, Secret(step), both)
    if isinstance(done, Refusal):
        if done.field in {"password", "repeat"}:
            return visit.refused(done, "/register/4")
        return visit.go("/register/over", state=visit.anew())
    return visit.go("/", Flash("registered"), state=visit.anew())


async def ended(visit: Visit) -> Answer:
    """Say how a registration ended when it did not end well."""
    name = visit.path.removeprefix("/register/")
    if name not in _ENDS:
        return visit.go("/register/1")
    name = name.replace("-", "_")
    values = {"text_id": f"register_{name}"}
    return Page("register_end.html", f"register_{name}_title", values)


async def _under_way(visit: Visit, here: str) -> Done[Registering] | Answer:
    """Find the registration of this browser, or send it to the step it stands at."""
    registration_id = errand_id(visit, "registration")
    if registration_id is None:
        return visit.go("/register/1")
    found = await registrations.show(visit.work, registration_id)
    if isinstance(found, Refusal):
        return visit.go("/register/over", state=visit.anew())
    step = _STEP_OF.get(found.value.state)
    if step is None:
        return visit.go("/register/over", state=visit.anew())
    return found if step == here else visit.go(step, visit.state.flash)


async def _is_open(visit: Visit, registration_id: UUID) -> bool:
    found = await registrations.show(visit.work, registration_id)
    return isinstance(found, Done) and found.value.state in _STEP_OF


async def _agree(visit: Visit, found: Registering) -> Answer:
    for text in texts_to_read(visit, found.texts):
        if visit.form.get(f"consent_{text.code}") != "yes":
            return visit.wrong("consent_needed", f"consent_{text.code}", "/register/2")
    said = _declarations(visit, found, accepted=True)
    done = await registrations.consent(visit.work, found.registration_id, said)
    if isinstance(done, Refusal):
        return visit.refused(done, "/register/2")
    return await _send(visit, found.registration_id, None)


async def _send(visit: Visit, registration_id: UUID, flash: Flash | None) -> Answer:
    done = await registrations.send_sms(visit.work, registration_id)
    if isinstance(done, Refusal) and done.code is RefusalCode.TOO_OFTEN:
        return visit.go("/register/3", Flash("reg3_no_resend", "error"))
    if isinstance(done, Refusal):
        return visit.refused(done, "/register/3")
    return visit.go("/register/3", flash, sms_id=done.value.sms_id)


def texts_to_read(visit: Visit, texts: Sequence[ConsentText]) -> list[ConsentText]:
    """Give the texts in the language of the page, or in the bank's where there is none."""
    for language in (visit.words.language, visit.ports.bank.language):
        found = [text for text in texts if text.language == language]
        if found:
            return found
    return list(texts)


def _declarations(visit: Visit, found: Registering, *, accepted: bool) -> list[Declaration]:
    return [
        declaration(visit, text, accepted=accepted) for text in texts_to_read(visit, found.texts)
    ]


def declaration(visit: Visit, text: ConsentText, *, accepted: bool) -> Declaration:
    """Answer a text as the form showed it: one that is another by now is shown again."""
    shown = _SHOWN.fullmatch(visit.form.get(f"text_{text.code}", ""))
    return Declaration(
        code=text.code,
        version=0 if shown is None else int(shown.group(1)),
        language=text.language,
        is_accepted=accepted,
        sha256=None if shown is None else bytes.fromhex(shown.group(2)),
    )
