"""Who calls the enrolment API: service tokens, checked to the letter, good once.

Laws of the profile (RFC 9068 made narrower): JWS compact; header of ``alg``, ``kid`` and ``typ``
only, so that no token brings its own key; the key is found by (iss, kid) in the settings and has
one algorithm; the audience is exactly ours, as a string; a token lives at most 300 seconds; its id
is good once; method, path and body's hash are compared when the token names them. Whoever fails
learns nothing; the reason goes to the audit log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from schemas import queries
from schemas.api import uuid_of
from schemas.counter_api import STAFF_PATTERN
from schemas.enrollment_api import PORTAL_SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from schemas.queries import Connection

PublicKey = EllipticCurvePublicKey | RSAPublicKey

_SQL = queries.load(__file__)
LEEWAY_S: Final = 5
LIFETIME_MAX_S: Final = 300
_TOKEN_MAX: Final = 8192
_RSA_BITS_MIN: Final = 2048
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
_REQUIRED: Final = ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")
# 128 random bits have 22 characters in base64url and 32 in hexadecimal.
_JTI: Final = re.compile(r"[!-~]{22,100}")
_SCOPE: Final = re.compile(r"[a-z_:.-]{1,40}")
_KEPT_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CallerKey:
    """A public key in PEM and the one algorithm it is good for: ES256 or RS256."""

    pem: str
    alg: str = "ES256"


@dataclass(frozen=True, slots=True)
class Caller:
    """One system that may call: its keys by kid (two while they rotate), what it may ask at most.

    ``client_san``: with mutual TLS, the DNS name or URI that its certificate has to carry.
    """

    iss: str
    sub: str
    keys: Mapping[str, CallerKey] = field(repr=False)
    scopes: frozenset[str]
    client_san: str | None = None

    @property
    def is_portal(self) -> bool:
        """Tell whether it is a portal and nothing else: it acts for clients, by their codes."""
        return PORTAL_SCOPE in self.scopes and "person:write" not in self.scopes


@dataclass(frozen=True, slots=True)
class Asked:
    """The request a token came with; ``origin`` is the API's own, None = not compared.

    ``path`` is as it was sent: whether a colon in it is quoted is a matter of who sends it.
    """

    method: str
    path: str
    origin: str | None
    body: bytes | None = field(repr=False)
    """None: not here yet; its hash is compared by ``names_body`` once it is."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was accepted; ``scopes`` are those asked for and allowed to the caller."""

    caller: Caller
    jti: str
    exp: datetime
    scopes: frozenset[str]
    person_id: UUID | None
    channel: str
    staff: str = ""
    body_hash: object = None
    """What the token says of the body; None = nothing."""


@dataclass(frozen=True, slots=True)
class Denied:
    """A token that was not; the reason is for the audit log, never for the caller."""

    reason: str
    caller: str = "unknown"


class Callers:
    """The systems that may call, found by their name and key id."""

    def __init__(self, callers: Iterable[Caller], audience: str) -> None:
        """Check every key; raise ValueError with a sentence about the first that is unfit."""
        self.audience = audience
        self._callers: dict[str, Caller] = {}
        self._keys: dict[tuple[str, str], tuple[PublicKey, str]] = {}
        for caller in callers:
            if caller.iss in self._callers:
                message = f"caller {caller.iss} is named twice"
                raise ValueError(message)
            self._callers[caller.iss] = caller
            for kid, key in caller.keys.items():
                self._keys[caller.iss, kid] = (_public_key(caller.iss, kid, key), key.alg)

    def key_of(self, iss: object, kid: object) -> tuple[Caller, tuple[PublicKey, str]] | None:
        """Give the caller of that name with that key and its algorithm."""
        if not isinstance(iss, str) or not isinstance(kid, str):
            return None
        key = self._keys.get((iss, kid))
        return None if key is None else (self._callers[iss], key)


def _public_key(iss: str, kid: str, key: CallerKey) -> PublicKey:
    try:
        public = load_pem_public_key(key.pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        message = f"public_key of {iss}, {kid}, is no public key in PEM"
        raise ValueError(message) from None
    match key.alg, public:
        case "ES256", EllipticCurvePublicKey() if isinstance(public.curve, SECP256R1):
            return public
        case "RS256", RSAPublicKey() if public.key_size >= _RSA_BITS_MIN:
            return public
        case _:
            message = f"key {kid} of caller {iss} is no P-256 key (ES256) or RSA key of at least"
            message += f" {_RSA_BITS_MIN} bits (RS256)"
            raise ValueError(message)


def verify(callers: Callers, text: str, asked: Asked, now: datetime) -> Token | Denied:
    """Check a token against the profile and the request it came with; not yet its single use."""
    named = _named(callers, text)
    if isinstance(named, Denied):
        return named
    caller, (key, alg) = named
    claims = _claims(callers, text, key, alg, caller.iss)
    if isinstance(claims, Denied):
        return claims
    reason = (
        _identity_fault(claims, caller, callers.audience)
        or _time_fault(claims, now)
        or _binding_fault(claims, asked)
    )
    return Denied(reason, caller.iss) if reason is not None else _token(claims, caller)


def _named(callers: Callers, text: str) -> tuple[Caller, tuple[PublicKey, str]] | Denied:
    """Find the caller and key that a token names, before anything in it is trusted."""
    header, claims = _json_part(text, 0), _json_part(text, 1)
    if header is None or claims is None or len(text) > _TOKEN_MAX:
        return Denied("malformed")
    if set(header) != {"alg", "kid", "typ"}:
        return Denied("header_members")
    if str(header["typ"]).lower() not in _TYPES:
        return Denied("typ")
    found = callers.key_of(claims.get("iss"), header["kid"])
    if found is None:
        return Denied("unknown_key")
    caller, (_, alg) = found
    return found if header["alg"] == alg else Denied("alg", caller.iss)


def _claims(
    callers: Callers, text: str, key: PublicKey, alg: str, iss: str
) -> dict[str, Any] | Denied:
    # Times are checked here below: the library takes strings for times and knows no given "now".
    options: Any = {
        "require": list(_REQUIRED),
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
    }
    try:
        claims: dict[str, Any] = jwt.decode(
            text, key, algorithms=[alg], audience=callers.audience, issuer=iss, options=options
        )
    except jwt.MissingRequiredClaimError:
        return Denied("missing_claim", iss)
    except jwt.InvalidAudienceError:
        return Denied("aud", iss)
    except jwt.PyJWTError:
        return Denied("signature", iss)
    return claims


def _identity_fault(claims: Mapping[str, Any], caller: Caller, audience: str) -> str | None:
    if claims["sub"] != caller.sub:
        return "sub"
    if claims["aud"] != audience:
        return "aud"
    jti = claims["jti"]
    return None if isinstance(jti, str) and _JTI.fullmatch(jti) else "jti"


def _time_fault(claims: Mapping[str, Any], now: datetime) -> str | None:
    times = [claims[name] for name in ("exp", "iat", "nbf")]
    if not all(isinstance(time, int) and not isinstance(time, bool) for time in times):
        return "times"
    exp, iat, nbf = times
    if not 0 < exp - iat <= LIFETIME_MAX_S:
        return "lifetime"
    moment = now.timestamp()
    if exp <= moment - LEEWAY_S:
        return "expired"
    return "not_yet" if max(iat, nbf) > moment + LEEWAY_S else None


def _binding_fault(claims: Mapping[str, Any], asked: Asked) -> str | None:
    if "htm" in claims and claims["htm"] != asked.method:
        return "htm"
    if "htu" in claims and not _is_target(claims["htu"], asked):
        return "htu"
    if "bh" not in claims or asked.body is None:
        return None
    return None if _is_hash(claims["bh"], hashlib.sha256(asked.body).digest()) else "bh"


def names_body(token: Token, digest: bytes) -> bool:
    """Tell whether a token is good for a body with that SHA-256 hash."""
    return token.body_hash is None or _is_hash(token.body_hash, digest)


def _is_target(htu: object, asked: Asked) -> bool:
    """Compare the path, and the origin where the token names one and ours is known."""
    if not isinstance(htu, str):
        return False
    try:
        named = urlsplit(htu)
    except ValueError:
        return False
    origin = f"{named.scheme}://{named.netloc}"
    is_ours = not named.netloc or asked.origin in {None, origin}
    return is_ours and _parts(named.path) == _parts(asked.path)


def _parts(path: str) -> list[str]:
    """Give what stands between the slashes of a path; a quoted slash parts nothing."""
    return [unquote(part, errors="surrogateescape") for part in path.split("/")]


def _is_hash(claimed: object, digest: bytes) -> bool:
    if not isinstance(claimed, str) or not claimed.isascii():
        return False
    in_base64 = urlsafe_b64encode(digest).rstrip(b"=").decode()
    known = (in_base64, digest.hex())
    return any(hmac.compare_digest(claimed.rstrip("="), form) for form in known)


def _token(claims: Mapping[str, Any], caller: Caller) -> Token | Denied:
    scope = claims.get("scope", "")
    words = scope.split(" ") if isinstance(scope, str) else ["?"]
    if scope != "" and not all(_SCOPE.fullmatch(word) for word in words):
        return Denied("scope", caller.iss)
    act = claims.get("act")
    acting = None if act is None else _acting(act)
    if act is not None and acting is None:
        return Denied("act", caller.iss)
    person_id, staff, channel = acting or (None, "", "")
    return Token(
        caller=caller,
        jti=claims["jti"],
        exp=datetime.fromtimestamp(claims["exp"], UTC),
        scopes=frozenset(words) & caller.scopes,
        person_id=person_id,
        channel=channel,
        staff=staff,
        body_hash=claims.get("bh"),
    )


def _acting(act: object) -> tuple[UUID | None, str, str] | None:
    """Read for whom a token acts: a person, a member of staff, and the channel; None = unfit."""
    if not isinstance(act, dict) or not {"person_id", "staff_id"} & set(act):
        return None
    person, staff, channel = act.get("person_id"), act.get("staff_id"), act.get("channel", "")
    person_id = uuid_of(person) if isinstance(person, str) else None
    is_person = "person_id" not in act or person_id is not None
    is_staff = "staff_id" not in act or (
        isinstance(staff, str) and re.fullmatch(STAFF_PATTERN, staff) is not None
    )
    if not (is_person and is_staff and isinstance(channel, str) and _is_word(channel)):
        return None
    return person_id, staff or "", channel


def _is_word(text: str) -> bool:
    return re.fullmatch(r"[a-z_]{0,20}", text) is not None


def _json_part(text: str, number: int) -> dict[str, Any] | None:
    """Read header or claims without trusting them."""
    parts = text.split(".")
    if len(parts) != len(("header", "claims", "signature")) or not text.isascii():
        return None
    padded = parts[number] + "=" * (-len(parts[number]) % 4)
    try:
        found = json.loads(urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def is_first_use(conn: Connection, token: Token) -> bool:
    """Note the token's id; False when it was used before."""
    touched = await _SQL.see.run(conn, iss=token.caller.iss, jti=token.jti, exp=token.exp)
    return touched == 1


async def purge(conn: Connection, now: datetime, limit: int) -> int:
    """Forget up to ``limit`` ids of tokens too old to be accepted; give how many."""
    return await _SQL.purge.run(conn, before=now - _KEPT_AFTER, limit=limit)
