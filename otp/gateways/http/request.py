"""How a request to a provider is written from templates. Pure, but for the token it may sign.

Laws:
- A number or a text stands in a POST body and nowhere else: a URL or header would be in every
  access log on the way.
- What was put into a place is never looked at for places again.
- A place that has no value (an address for reports where none are wanted) takes the member it
  stands in with it, and tables that become empty by that.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, assert_never
from urllib.parse import quote, urlencode
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from otp.alphabets import size_of
from schemas.secret import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from otp.gateways.port import SmsJob

Template = Secret | str | int | bool | Mapping[str, "Template"] | Sequence["Template"]
"""A body's shape: members, lists, and texts with places such as ``{to}``; secrets as Secret."""
BodyKind = Literal["form", "json"]

MESSAGE_PLACES: Final = frozenset({"to", "to_digits", "text", "from", "alphabet"})
"""Places that only the body of a message may have."""
VALIDITY_PLACES: Final = frozenset({"validity_s", "validity_min", "expires_epoch"})
"""Places that are written as numbers where they stand alone in JSON."""
ID_PLACES: Final = frozenset({"id", "id_hex"})
OWN_NAMES: Final = re.compile(r"[a-z][a-z_]{0,39}")
VALIDITY_MAX_S: Final = 86_400
"""No message is handed over with more."""
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_KEY_BITS_MIN: Final = 2048
_TOKEN_LIFE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A bearer token that is signed for each request: RS256 with a key of our own (RFC 7519).

    `key` is a PEM text; `claims` stand beside iat, exp and jti. Raises ValueError for no RSA key.
    """

    key: Secret
    claims: Mapping[str, str] = field(default_factory=dict)
    _signer: rsa.RSAPrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the key once: reading takes longer than signing."""
        try:
            signer = serialization.load_pem_private_key(self.key.reveal().encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            signer = None
        if not isinstance(signer, rsa.RSAPrivateKey) or signer.key_size < _KEY_BITS_MIN:
            message = f"the key of the signed token is no RSA private key of {_KEY_BITS_MIN} bits"
            # Secret: the library's text may quote the key.
            raise ValueError(message) from None
        object.__setattr__(self, "_signer", signer)

    def header(self, now: datetime) -> str:
        """Give the Authorization header of one request."""
        claims = {
            **self.claims,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            "jti": str(uuid4()),
        }
        return "Bearer " + jwt.encode(claims, self._signer, algorithm="RS256")


def basic_header(user: str, password: str) -> str:
    """Give the Authorization header of a user with a password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def body_of(kind: BodyKind, template: Mapping[str, Template], values: Mapping[str, str]) -> bytes:
    """Write a body."""
    match kind:
        case "form":
            members = {name: str(filled(value, values)) for name, value in template.items()}
            return urlencode(members).encode()
        case "json":
            return json.dumps(filled(template, values, numbers=True), ensure_ascii=False).encode()
        case _:
            assert_never(kind)


def content_type(kind: BodyKind) -> str:
    """Give the Content-Type of a body."""
    if kind == "form":
        return "application/x-www-form-urlencoded; charset=utf-8"
    return "application/json"


def message_values(
    job: SmsJob,
    now: datetime,
    *,
    sender: str | None = None,
    validity_min_s: int = 1,
    validity_max_s: int = VALIDITY_MAX_S,
    alphabets: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Give what one message puts into the places.

    `validity_min_s` and `validity_max_s` are the shortest and the longest validity that the
    provider takes: of a code and of a notice. `alphabets` are its words for
    gsm7 and ucs2.
    """
    number, text = job.to.reveal(), job.text.reveal()
    alphabet = size_of(text).alphabet
    validity_s = min(max(job.validity_s, validity_min_s), validity_max_s)
    return {
        "to": number,
        "to_digits": number.removeprefix("+"),
        "text": text,
        "from": sender or job.sender,
        "alphabet": (alphabets or {}).get(alphabet, alphabet),
        "validity_s": str(validity_s),
        "validity_min": str(max(validity_s // 60, 1)),
        "expires_epoch": str(int(now.timestamp()) + validity_s),
        **id_values(job),
    }


def id_values(job: SmsJob) -> dict[str, str]:
    """Give what a question about a message puts into the places: our own random id alone."""
    return {"id": str(job.sms_id), "id_hex": job.sms_id.hex}


def filled(template: Template, values: Mapping[str, str], *, numbers: bool = False) -> object:
    """Fill the places of a template; what was put in is never looked at for places again."""
    match template:
        case Secret():
            return template.reveal()
        case str():
            place = _PLACE.fullmatch(template)
            if numbers and place and place.group(1) in VALIDITY_PLACES:
                return int(values[place.group(1)])
            return _PLACE.sub(lambda match: values[match.group(1)], template)
        case Mapping():
            return {
                name: filled(value, values, numbers=numbers) for name, value in template.items()
            }
        case int():
            return template
        case _:
            return [filled(value, values, numbers=numbers) for value in template]


def filled_url(template: str, values: Mapping[str, str]) -> str:
    """Fill the places of a URL, each value written so that it changes no other part of it."""
    return _PLACE.sub(lambda match: quote(values[match.group(1)], safe="/:._-~"), template)


def places(template: Template) -> set[str]:
    """Give the places of a template."""
    match template:
        case Secret() | int():
            return set()
        case str():
            return set(_PLACE.findall(template))
        case Mapping():
            return {place for value in template.values() for place in places(value)}
        case _:
            return {place for value in template for place in places(value)}


def without(template: Mapping[str, Template], absent: str) -> dict[str, Template]:
    """Leave out the members that have a place without a value, and tables left empty by that."""
    kept: dict[str, Template] = {}
    for name, value in template.items():
        if absent not in places(value):
            kept[name] = value
        elif isinstance(value, Mapping):
            if inner := without(value, absent):
                kept[name] = inner
        elif isinstance(value, Sequence) and not isinstance(value, str):
            kept[name] = [
                without(one, absent) if isinstance(one, Mapping) else one
                for one in value
                if isinstance(one, Mapping) or absent not in places(one)
            ]
    return kept
