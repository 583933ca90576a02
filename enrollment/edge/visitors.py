"""Routes of who is not logged in: registration, login, a new password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.edge.answers import Answer, Json
from enrollment.edge.bank import post_activation_code
from enrollment.edge.clients import declarations_of, texts_of
from enrollment.flows import logins, passwords, registrations, sessions
from enrollment.refusals import Refusal, RefusalCode
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.edge.gate import Call, UseCase
    from enrollment.flows.passwords import ResetProved
    from enrollment.flows.registrations import Registering, Verified

_CREATED: Final = 201
_ACCEPTED: Final = 202


async def _start(call: Call) -> Answer | Refusal:
    given = call.body["activation_code"]
    code = None if given is None else Secret(given)
    done = await registrations.start(call.work, call.body["identifier"], code)
    return done if isinstance(done, Refusal) else Answer(_shown(done.value), _CREATED)


async def _show(call: Call) -> Answer | Refusal:
    done = await registrations.show(call.work, call.key)
    return done if isinstance(done, Refusal) else Answer(_shown(done.value))


async def _cancel(call: Call) -> Answer | Refusal:
    done = await registrations.cancel(call.work, call.key)
    return done if isinstance(done, Refusal) else Answer({})


async def _consent(call: Call) -> Answer | Refusal:
    done = await registrations.consent(call.work, call.key, declarations_of(call.body))
    return done if isinstance(done, Refusal) else Answer(_shown(done.value))


async def _dispute(call: Call) -> Answer | Refusal:
    done = await registrations.dispute_phone(call.work, call.key)
    return done if isinstance(done, Refusal) else Answer({})


async def _send(call: Call) -> Answer | Refusal:
    done = await registrations.send_sms(call.work, call.key)
    if isinstance(done, Refusal):
        return done
    sent = done.value
    body = {"sends_left": sent.sends_left, "expires_at": sent.expires_at.isoformat()}
    return Answer(body, _ACCEPTED, sms_id=sent.sms_id)


async def _verify(call: Call) -> Answer | Refusal:
    entry = Secret(call.body["sms_password"])
    done = await registrations.verify(call.work, call.key, entry)
    if isinstance(done, Refusal):
        return done
    return _proved(done.value)


async def _set_password(call: Call) -> Answer | Refusal:
    token, passwords_ = Secret(call.body["token"]), _passwords(call)
    done = await registrations.set_password(call.work, call.key, token, passwords_)
    return done if isinstance(done, Refusal) else Answer({})


async def _login(call: Call) -> Answer | Refusal:
    password = Secret(call.body["password"])
    done = await logins.begin(call.work, call.body["identifier"], password)
    if isinstance(done, Refusal):
        return done
    begun = done.value
    body = {"login_id": str(begun.login_id), "expires_at": begun.expires_at.isoformat()}
    return Answer(body, _CREATED, sms_id=begun.sms_id)


async def _login_code(call: Call) -> Answer | Refusal:
    done = await logins.finish(call.work, call.key, Secret(call.body["code"]))
    if isinstance(done, Refusal):
        return done
    opened = done.value
    body = {
        "session": opened.token.reveal(),
        "idle_until": opened.idle_until.isoformat(),
        "expires_at": opened.expires_at.isoformat(),
    }
    return Answer(body, _CREATED, is_secret=True)


async def _logout(call: Call) -> Answer | Refusal:
    assert call.session is not None  # noqa: S101 - the gate asks for it
    is_done = await sessions.close(call.work, call.session)
    return Answer({}) if is_done else Refusal(RefusalCode.SESSION_OVER)


async def _reset(call: Call) -> Answer | Refusal:
    done = await passwords.begin_reset(call.work, call.body["identifier"])
    if isinstance(done, Refusal):
        return done
    begun = done.value
    body = {"reset_id": str(begun.reset_id), "expires_at": begun.expires_at.isoformat()}
    return Answer(body, _CREATED, sms_id=begun.sms_id)


async def _prove_reset(call: Call) -> Answer | Refusal:
    pin, code = Secret(call.body["pin"]), Secret(call.body["code"])
    done = await passwords.prove_reset(call.work, call.key, pin, code)
    if isinstance(done, Refusal):
        return done
    return _proved(done.value)


def _proved(value: Verified | ResetProved) -> Answer:
    """Give the token that ties the last step, a new password, to the same browser."""
    body = {"token": value.token.reveal(), "expires_at": value.expires_at.isoformat()}
    return Answer(body, is_secret=True)


async def _finish_reset(call: Call) -> Answer | Refusal:
    token = Secret(call.body["token"])
    done = await passwords.finish_reset(call.work, call.key, token, _passwords(call))
    return done if isinstance(done, Refusal) else Answer({})


def _passwords(call: Call) -> tuple[Secret, Secret]:
    return Secret(call.body["password"]), Secret(call.body["repeat"])


def _shown(view: Registering) -> Json:
    return {
        "registration_id": str(view.registration_id),
        "state": view.state.value,
        "phone_mask": view.phone_mask,
        "sends_left": view.sends_left,
        "expires_at": view.expires_at.isoformat(),
        "texts": texts_of(view.texts),
    }


USE_CASES: Final[Mapping[str, UseCase]] = {
    "post_activation_code": post_activation_code,
    "post_registration": _start,
    "get_registration": _show,
    "cancel_registration": _cancel,
    "post_registration_consents": _consent,
    "dispute_registration_phone": _dispute,
    "post_registration_sms": _send,
    "verify_registration": _verify,
    "put_registration_password": _set_password,
    "post_login": _login,
    "post_login_code": _login_code,
    "delete_session": _logout,
    "post_password_reset": _reset,
    "prove_password_reset": _prove_reset,
    "finish_password_reset": _finish_reset,
}
"""The use case of each route before a session, by the route's name."""
