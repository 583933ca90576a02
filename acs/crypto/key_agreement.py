"""The key that an SDK and this service agree on for one transaction: ECDH on P-256 [rules 6.1-6.9].

Laws:
- Our private key lives as long as one call: drawn, used, dropped. It is never stored or returned.
- Coordinates and the shared secret have 32 bytes each, leading zeros kept: one key in 128 has some.
- What is no point of the curve is refused before it meets a key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec

from schemas import base64url

if TYPE_CHECKING:
    from collections.abc import Mapping

_BYTES: Final = 32
_ROUND: Final = (1).to_bytes(4)
_NOTHING: Final = (0).to_bytes(4)  # AlgorithmID and PartyUInfo are empty
_KEY_BITS: Final = (8 * _BYTES).to_bytes(4)


class NotAKey(ValueError):
    """A JWK that is no public key of P-256."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Our half of an agreement: the public key for the SDK (a JWK), and the 32 derived bytes."""

    public_key: dict[str, str]
    key: bytes = field(repr=False)


def agree(sdk_key: Mapping[str, str], sdk_reference_number: str) -> Agreed:
    """Make a key pair for one transaction and derive its key; raises NotAKey."""
    peer = public_key(sdk_key)
    private = ec.generate_private_key(ec.SECP256R1())
    return Agreed(jwk(private.public_key()), derive(private, peer, sdk_reference_number))


def derive(
    private: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey, reference: str
) -> bytes:
    """Derive 32 bytes: one round of the Concat KDF with SHA-256 [rule 6.8].

    ``reference`` is the AReq's sdkReferenceNumber, which names the party V [rule 6.9].
    """
    shared = private.exchange(ec.ECDH(), peer)
    party_v = reference.encode("utf-8")
    length = len(party_v).to_bytes(4)
    told = (_ROUND, shared, _NOTHING, _NOTHING, length, party_v, _KEY_BITS)
    return hashlib.sha256(b"".join(told)).digest()


def public_key(key: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """Take the public key out of a JWK; raises NotAKey."""
    if (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise NotAKey
    numbers = ec.EllipticCurvePublicNumbers(
        _coordinate(key.get("x")), _coordinate(key.get("y")), ec.SECP256R1()
    )
    try:
        return numbers.public_key()
    except ValueError:
        raise NotAKey from None


def jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Write a public key of P-256 as a JWK."""
    point = key.public_numbers()
    x, y = (base64url.encode(number.to_bytes(_BYTES)) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _coordinate(text: str | None) -> int:
    try:
        raw = base64url.decode(text or "")
    except base64url.NotBase64Url:
        raise NotAKey from None
    if len(raw) != _BYTES:
        raise NotAKey
    return int.from_bytes(raw)
