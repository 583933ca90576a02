"""Answers of the API: values to JSON, refusals to problem+json, in one place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiohttp import web

from enrollment.refusals import Done, Refusal, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from enrollment.activation import Enrolment
    from enrollment.flows.cards import AccountView
    from enrollment.flows.limits import AccountLimits, CardLimits
    from enrollment.flows.persons import PersonView
    from enrollment.model import Use
    from enrollment.store.cards import CardView
    from schemas.api import Fault

Json = dict[str, Any]
Out = TypeVar("Out")

_STATUS: Final = {
    RefusalCode.NOT_FOUND: 404,
    RefusalCode.VERSION_CHANGED: 412,
    RefusalCode.CONFLICT: 409,
    RefusalCode.PERSON_CLOSED: 409,
    RefusalCode.MINOR_NOT_ALLOWED: 409,
    RefusalCode.IDENTIFIER_TAKEN: 409,
    RefusalCode.PHONE_SHARED: 409,
    RefusalCode.CURRENCY_FIXED: 409,
    RefusalCode.OTHER_HOLDER: 409,
    RefusalCode.OTHER_REFERENCE: 409,
    RefusalCode.NOT_OF_ACCOUNT: 409,
    RefusalCode.PAN_FIXED: 409,
    RefusalCode.ILLEGAL_TRANSITION: 409,
    RefusalCode.NO_SUCH_BLOCK: 409,
    RefusalCode.TEXT_CHANGED: 409,
    RefusalCode.CONSENT_NOT_GIVEN: 409,
    RefusalCode.MISSING: 409,
    RefusalCode.SCOPE_MISSING: 403,
    RefusalCode.RAISE_IN_BRANCH: 403,
    RefusalCode.DUAL_CONTROL_NEEDED: 403,
    RefusalCode.OTHER_STAFF: 403,
    RefusalCode.STEP_UP_REQUIRED: 403,
    RefusalCode.STEP_UP_INVALID: 403,
    RefusalCode.LOCKED: 423,
    RefusalCode.TOO_MANY_CODES: 429,
    RefusalCode.PIN_CHANGES: 429,
    RefusalCode.TOO_OFTEN: 429,
    RefusalCode.PHONE_CHANGES: 429,
    RefusalCode.INVALID: 401,
    RefusalCode.SESSION_OVER: 401,
    RefusalCode.REGISTRATION_OVER: 410,
    RefusalCode.NOT_YET: 409,
    RefusalCode.HOST_UNAVAILABLE: 502,
    RefusalCode.HOST_UNKNOWN: 504,
}
_CANNOT_BE: Final = 422  # well-formed, and still no value that can be right

_TITLES: Final = {
    400: "The request cannot be read",
    401: "The token, or what was typed, is not accepted",
    403: "Not allowed",
    404: "Not found",
    408: "The body took too long",
    409: "It contradicts what is known, or something has to be done first",
    410: "It is over; begin again",
    412: "It was changed since it was read",
    413: "The body is too long",
    415: "The body is not of the type that this call takes",
    422: "A member cannot be right",
    423: "Blocked for a while",
    429: "Too often",
    502: "The card host cannot be reached; nothing was done",
    504: "Whether the card host did it is not known yet; it is asked again",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use case answers with: status, body, version for the ETag, a message to send.

    ``is_secret``: the body is shown once, so it is not kept for a request sent twice.
    """

    body: Json
    status: int = 200
    version: int | None = None
    sms_id: UUID | None = None
    is_secret: bool = False

    @property
    def etag(self) -> str | None:
        """Give the version as an entity tag."""
        return None if self.version is None else f'"{self.version}"'


def of(done: Done[Out] | Refusal, show: Callable[[Out], Json]) -> Answer | Refusal:
    """Show what was read or done, with its version; 201 where it was not there before."""
    if isinstance(done, Refusal):
        return done
    return Answer(show(done.value), 201 if done.created else 200, done.version)


def good(text: str, status: int, etag: str | None) -> web.Response:
    """Make the response of a call that was carried out."""
    response = web.Response(body=text.encode(), status=status, content_type="application/json")
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def refused(refusal: Refusal) -> web.Response:
    """Make the response of a use case that said no."""
    if refusal.code is RefusalCode.SCOPE_MISSING:
        return problem(403, refusal.code.value, scope=refusal.field)
    return problem(
        _STATUS.get(refusal.code, _CANNOT_BE),
        refusal.code.value,
        field=refusal.field,
        retry_after=refusal.retry_after_s,
        missing=list(refusal.missing) or None,
    )


def faulty(fault: Fault) -> web.Response:
    """Make the response to a body that cannot be read."""
    return problem(400, fault.code, field=fault.field)


def problem(status: int, code: str, **more: object) -> web.Response:
    """Make an error response (RFC 9457) with the API's own member ``error``."""
    error = {"code": code, "message_key": f"enrollment.{code}"}
    error |= {name: value for name, value in more.items() if value is not None}  # type: ignore[misc]
    body = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "error": error,
    }
    response = web.Response(
        body=json.dumps(body).encode(), status=status, content_type="application/problem+json"
    )
    if more.get("retry_after") is not None:
        response.headers["Retry-After"] = str(more["retry_after"])
    return response


def person(view: PersonView) -> Json:
    """Show a person to the bank's systems."""
    return {
        "person_id": str(view.person_id),
        "ref": view.ref,
        "kind": view.kind,
        "status": view.status.value,
        "language": view.language,
        "phone_mask": view.phone_mask,
        "minor": view.is_minor,
        "minor_allowed": view.minor_allowed,
    }


def account(view: AccountView) -> Json:
    """Show an account."""
    return {
        "account_id": str(view.account_id),
        "ref": view.ref,
        "currency": view.currency,
        "status": view.status,
        "people": roles(view.roles),
    }


def roles(given: Mapping[UUID, str]) -> list[Json]:
    """Show who has which role."""
    return [{"person_id": str(key), "role": given[key]} for key in sorted(given)]


def card(view: CardView) -> Json:
    """Show a card to the bank's systems."""
    return {
        "card_id": str(view.card_id),
        "ref": view.ref,
        "account_id": str(view.account_id),
        "person_id": str(view.person_id),
        "last4": view.last4,
        "exp": view.expiry,
        "product": view.product,
        "status": view.status.value,
        "threeds": threeds(view.enrolment),
    }


def threeds(enrolment: Enrolment) -> Json:
    """Show whether 3-D Secure is on."""
    reason = None if enrolment.reason is None else enrolment.reason.value
    return {"state": enrolment.state.value, "reason": reason}


def use(used: Use) -> Json:
    """Show what was used."""
    return {
        "day_amount": used.day_amount,
        "day_count": used.day_count,
        "month_amount": used.month_amount,
        "month_count": used.month_count,
    }


def account_limits(view: AccountLimits) -> Json:
    """Show an account's limits."""
    return {
        "account_id": str(view.account_id),
        "currency": view.currency,
        "limits": view.limits.as_dict(),
        "use": use(view.use),
    }


def card_limits(view: CardLimits) -> Json:
    """Show a card's limits, level by level."""
    return {
        "card_id": str(view.card_id),
        "currency": view.currency,
        "branch": view.branch.as_dict(),
        "client": view.client.as_dict(),
        "effective": view.effective.as_dict(),
        "use": use(view.use),
    }
