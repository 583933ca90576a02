"""What a provider's call about a message's delivery says, and whether it is the provider's. Pure.

Laws:
- Nothing is read before the call is proved: by the secret in its path, and by a signature, password
  or header where the provider has one. Comparisons take the same time whatever the difference.
- A report is a hint. Of the call only ids, a state, a time and a word for the reason are kept;
  numbers and texts are not looked at, and a reason that could hold a number is dropped.
- A state that is on no list is no report: it is passed over, and the call is answered all the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, assert_never
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import jwt

from otp.gateways.http.content import found_at, json_of, kept_id, text_at
from otp.gateways.http.request import basic_header
from otp.gateways.port import Report, ReportState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.secret import Secret

ROUTE: Final = "/sms/reports"
"""Where reports come in: followed by the provider's name and the secret of its path."""
REPORTS_MAX: Final = 1000
"""Reports in one call that are looked at; a body of 64 KiB holds fewer."""
_FIELDS_MAX: Final = 200
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")
_REASON = re.compile(r"(?!.*\d{7})[A-Za-z0-9_.:-]{1,80}")
_LEEWAY: Final = timedelta(seconds=60)
_SIGNING_KEY_MIN: Final = 32
"""Bytes of an HS256 key (RFC 7518, 3.2)."""


class Unreadable(ValueError):
    """A proved call whose body is not of the shape that is configured."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the URL as the provider called it, its headers in lower case, its body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Basic:
    """The provider sends a user and a password (RFC 7617)."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Header:
    """The provider sends a header with a fixed value."""

    name: str
    value: Secret


@dataclass(frozen=True, slots=True)
class UrlAndForm:
    """Base64 of HMAC-SHA1 over the URL and the form's sorted members (X-Twilio-Signature)."""

    key: Secret
    header: str = "x-twilio-signature"


@dataclass(frozen=True, slots=True)
class TokenAndHash:
    """A bearer token, HS256, whose claim payload_hash is the body's SHA-256 (Vonage)."""

    key: Secret

    def __post_init__(self) -> None:
        """Refuse a key that could be searched for."""
        if len(self.key.reveal().encode()) < _SIGNING_KEY_MIN:
            message = f"the secret of signed reports must have {_SIGNING_KEY_MIN} bytes or more"
            raise ValueError(message)


Proof = Basic | Header | UrlAndForm | TokenAndHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where in a call things stand. Raises ValueError for what could not work.

    Names are members of the query or the form, or paths in JSON; one that begins with ``?`` is a
    member of the query whatever the format. `items` is the path of a list in JSON, the names then
    are paths within its items. `joined` is the sign between the values of several messages in one
    member. The first name in `state` whose word is in `states` decides.
    """

    format: Literal["query", "form", "json"]
    state: tuple[str, ...]
    states: Mapping[str, ReportState]
    methods: frozenset[str] = frozenset({"POST"})
    sms_id: str | None = None
    provider_id: str | None = None
    at: str | None = None
    reason: str | None = None
    expired_reasons: frozenset[str] = frozenset()
    items: str | None = None
    joined: str | None = None

    def __post_init__(self) -> None:
        """Refuse a shape that could give no report."""
        if self.sms_id is None and self.provider_id is None:
            message = "reports: sms_id or provider_id must say which message is meant"
            raise ValueError(message)
        if not self.state or not self.states:
            message = "reports: state and states must say what is told"
            raise ValueError(message)
        if not self.methods or not self.methods <= {"GET", "POST"}:
            message = "reports: methods are GET and POST"
            raise ValueError(message)
        if self.items is not None and self.format != "json":
            message = "reports: items are a list in JSON"
            raise ValueError(message)
        if self.joined is not None and (self.format == "json" or len(self.joined) != 1):
            message = "reports: joined is one sign, in a query or form"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One provider's way in for reports: path token, proof, shape, and what it wants to hear."""

    provider: str
    token: Secret
    shape: Shape
    proof: Proof | None = None
    reply_status: int = 204
    reply_body: str = ""

    def __post_init__(self) -> None:
        """Refuse a token that could be guessed or would not stand in a path."""
        if not _TOKEN.fullmatch(self.token.reveal()):
            message = (
                "the token of reports (report_token_file) is 22 to 128 of A-Z, a-z, 0-9, _ and -"
            )
            raise ValueError(message)

    def opens(self, token: str) -> bool:
        """Tell whether this is the secret of the path."""
        return _same(token, self.token.reveal())


@dataclass(frozen=True, slots=True)
class Told:
    """What a call said: its reports, and how many entries were passed over."""

    reports: tuple[Report, ...]
    passed_over: int


def is_proved(proof: Proof | None, call: Call) -> bool:
    """Tell whether the call is the provider's, as far as it proves itself beside the path."""
    match proof:
        case None:
            return True
        case Basic(user, password):
            return _same(
                call.headers.get("authorization", ""), basic_header(user, password.reveal())
            )
        case Header(name, value):
            return _same(call.headers.get(name.lower(), ""), value.reveal())
        case UrlAndForm():
            return _is_signed(proof, call)
        case TokenAndHash(key):
            return _has_token(key, call)
        case _:
            assert_never(proof)


def told(door: Door, call: Call) -> Told:
    """Read the reports of a call that is proved. Raises Unreadable."""
    entries = list(_entries(door.shape, call))
    reports = [_report(door, entry) for entry in entries[:REPORTS_MAX]]
    known = tuple(one for one in reports if one is not None)
    return Told(known, len(entries) - len(known))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One message's part of a call."""

    members: Mapping[str, str] | None
    content: object
    query: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str | None) -> str | None:
        if name is None:
            return None
        if name.startswith("?"):
            return self.query.get(name[1:])
        if self.members is not None:
            return self.members.get(name)
        return text_at(self.content, name)


def _entries(shape: Shape, call: Call) -> list[_Entry]:
    query = dict(_pairs(urlsplit(call.url).query))
    match shape.format:
        case "query":
            return _parted(shape, query, query)
        case "form":
            return _parted(shape, dict(_pairs(_decoded(call.body))), query)
        case "json":
            return _listed(shape, call.body, query)
        case _:
            assert_never(shape.format)


def _parted(shape: Shape, members: Mapping[str, str], query: Mapping[str, str]) -> list[_Entry]:
    """Take apart members that hold the values of several messages."""
    if shape.joined is None:
        return [_Entry(members, None, query)]
    names = {shape.sms_id, shape.provider_id, *shape.state, shape.at, shape.reason}
    parts = {
        name: members[name].split(shape.joined)
        for name in names
        if name is not None and name in members
    }
    count = max(map(len, parts.values()), default=0)
    return [
        _Entry(
            {name: part[index] for name, part in parts.items() if index < len(part)}, None, query
        )
        for index in range(min(count, REPORTS_MAX))
    ]


def _listed(shape: Shape, body: bytes, query: Mapping[str, str]) -> list[_Entry]:
    content = json_of(body)
    if not isinstance(content, dict | list):
        raise Unreadable
    if shape.items is None:
        return [_Entry(None, content, query)]
    items = found_at(content, shape.items)
    if not isinstance(items, list):
        raise Unreadable
    return [_Entry(None, item, query) for item in items]


def _report(door: Door, entry: _Entry) -> Report | None:
    shape = door.shape
    words = [entry.text(name) for name in shape.state]
    state = next(
        (shape.states[one] for one in words if one is not None and one in shape.states), None
    )
    sms_id = _uuid(entry.text(shape.sms_id))
    provider_id = kept_id(entry.text(shape.provider_id))
    if state is None or (sms_id is None and provider_id is None):
        return None
    reason = entry.text(shape.reason)
    if reason in shape.expired_reasons and state is ReportState.FAILED:
        state = ReportState.EXPIRED
    return Report(
        provider=door.provider,
        sms_id=sms_id,
        provider_id=provider_id,
        state=state,
        at=_time(entry.text(shape.at)),
        reason=reason if reason is not None and _REASON.fullmatch(reason) else None,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _time(text: str | None) -> datetime | None:
    """Read seconds since 1970 or a date and time with its zone; None for anything else."""
    try:
        if text is not None and text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(text or "")
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_signed(proof: UrlAndForm, call: Call) -> bool:
    """Twilio's own rule: its two sides disagree on the port, so both spellings are taken."""
    try:
        members = sorted(set(_pairs(_decoded(call.body))))
    except Unreadable:
        return False
    tail = "".join(name + value for name, value in members)
    given = call.headers.get(proof.header, "")
    key = proof.key.reveal().encode()
    # Both are computed, so that time tells nothing of either.
    right = [
        _same(given, base64.b64encode(hmac.digest(key, _octets(url + tail), hashlib.sha1)).decode())
        for url in _spellings(call.url)
    ]
    return any(right)


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    start, end = f"{parts.scheme}://", url.partition("://")[2].removeprefix(parts.netloc)
    return f"{start}{host}{end}", f"{start}{host}:{port}{end}"


def _has_token(key: Secret, call: Call) -> bool:
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return False
    try:
        claims = jwt.decode(
            token.strip(),
            key.reveal(),
            algorithms=["HS256"],
            # The times are judged below, by the clock of this service.
            options={
                "require": ["iat", "payload_hash"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except (jwt.PyJWTError, UnicodeError):  # a header's bytes that are no UTF-8 are surrogates
        return False
    return _is_timely(claims, call.now) and _same(
        str(claims["payload_hash"]).lower(), hashlib.sha256(call.body).hexdigest()
    )


def _is_timely(claims: Mapping[str, object], now: datetime) -> bool:
    """A report may come late and again, which harms nobody; it is never of the future."""
    issued, ends = claims["iat"], claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(ends, int | float | None):
        return False
    is_late = ends is not None and ends < (now - _LEEWAY).timestamp()
    return issued <= (now + _LEEWAY).timestamp() and not is_late


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise Unreadable from None


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable from None


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(_octets(given), right.encode())


def _octets(text: str) -> bytes:
    """Write a text of any header or URL; bytes that are no UTF-8 come as surrogates."""
    return text.encode("utf-8", "surrogatepass")
