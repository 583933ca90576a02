"""JOSE as an app's SDK speaks it: the ACS's signed content, the key agreement, the envelopes.

Pure, and written from the protocol's rules on `cryptography` alone: another reading than the Access
Control Server's own, so that what one of them misread shows up as a message that does not open.
What is not right raises Unreadable, which names the part and never the content.
"""

import hashlib
import json
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from hmac import digest as hmac_digest

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509 import verification

CBC, GCM = "A128CBC-HS256", "A128GCM"
ENCODINGS = (CBC, GCM)

_COORDINATE_BYTES = 32
_HALF_BYTES = 16  # the 32 bytes serve as two keys of 16
_TAG_BYTES = 16
_IV_BYTES = {CBC: 16, GCM: 12}
_BLOCK_BITS = 128
_JWS_PARTS, _JWE_PARTS = 3, 5
_JWS_MAX = 16_000
_RSA_BITS_MIN = 2048
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_NOT_IN_A_JWS = ("b64", "crit", "jku")
_PAYLOAD = {"acsURL", "acsEphemPubKey", "sdkEphemPubKey"}


class Unreadable(Exception):
    """Something of a JWS or a JWE is not right; the text says which part."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an acsSignedContent whose signature and certificates hold says."""

    acs_url: str
    acs_key: ec.EllipticCurvePublicKey
    sdk_key: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of a JWE, decoded but not opened; `protected` as it was received."""

    protected: bytes
    kid: str
    enc: str
    iv: bytes
    sealed: bytes = field(repr=False)
    tag: bytes = field(repr=False)


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Write a public key of P-256 as a JWK; its coordinates have 32 bytes each, zeros kept."""
    numbers = key.public_numbers()
    x, y = (_encode(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def key_of(jwk: object) -> ec.EllipticCurvePublicKey:
    """Read a JWK of P-256; a point that is not on the curve is refused."""
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        message = "the key is not one of P-256"
        raise Unreadable(message)
    x, y = (_decode(jwk.get(name), f"the key's {name}") for name in ("x", "y"))
    if len(x) != _COORDINATE_BYTES or len(y) != _COORDINATE_BYTES:
        message = "the key's coordinates have not 32 bytes each"
        raise Unreadable(message)
    try:
        return ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        ).public_key()
    except ValueError as error:
        message = "the key is no point of the curve"
        raise Unreadable(message) from error


def derive(
    private: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey, reference_number: str
) -> bytes:
    """Give the 32 bytes both sides share: one round of the Concat KDF (NIST SP 800-56A).

    The algorithm's name is empty, unlike in RFC 7518; party V is the sdkReferenceNumber.
    """
    party_v = reference_number.encode()
    round_1 = b"".join(
        [
            (1).to_bytes(4, "big"),
            private.exchange(ec.ECDH(), peer),
            bytes(4),
            bytes(4),
            len(party_v).to_bytes(4, "big") + party_v,
            (256).to_bytes(4, "big"),
        ]
    )
    return hashlib.sha256(round_1).digest()


def read_content(jws: object, root_pem: bytes | None, now: datetime) -> Content:
    """Verify an acsSignedContent: algorithm, chain to the root at `now`, signature, members.

    Without a root only the leaf's own signature is looked at.
    """
    if not isinstance(jws, str) or len(jws) > _JWS_MAX:
        message = f"the JWS is no text of at most {_JWS_MAX} characters"
        raise Unreadable(message)
    parts = jws.split(".")
    if len(parts) != _JWS_PARTS:
        message = "the JWS has not three parts"
        raise Unreadable(message)
    header = _object(_decode(parts[0], "the JWS header"), "the JWS header")
    if any(name in header for name in _NOT_IN_A_JWS):
        message = "the JWS header has an element that this protocol does not allow"
        raise Unreadable(message)
    chain = _chain(header.get("x5c"))
    if root_pem is not None:
        _verify_chain(chain, root_pem, now)
    signature = _decode(parts[2], "the JWS signature")
    signed = f"{parts[0]}.{parts[1]}".encode()
    if not _is_signed(chain[0], header.get("alg"), signature, signed):
        message = "the JWS is not signed with PS256 or ES256 by its leaf certificate"
        raise Unreadable(message)
    payload = _object(_decode(parts[1], "the JWS payload"), "the JWS payload")
    if set(payload) != _PAYLOAD or not isinstance(payload["acsURL"], str):
        message = "the JWS payload has not exactly acsURL, acsEphemPubKey and sdkEphemPubKey"
        raise Unreadable(message)
    return Content(
        payload["acsURL"], key_of(payload["acsEphemPubKey"]), key_of(payload["sdkEphemPubKey"])
    )


def _chain(x5c: object) -> list[x509.Certificate]:
    if not isinstance(x5c, list) or not x5c:
        message = "x5c is no list of certificates"
        raise Unreadable(message)
    try:
        return [x509.load_der_x509_certificate(b64decode(one, validate=True)) for one in x5c]
    except (TypeError, ValueError, NotBase64) as error:
        message = "x5c holds something that is no certificate in base64 of DER"
        raise Unreadable(message) from error


def _verify_chain(chain: list[x509.Certificate], root_pem: bytes, now: datetime) -> None:
    # Public-key infrastructure as RFC 5280 has it; the rules of the public web (names, purposes)
    # are not those of a payment scheme's own authority.
    authority = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(x509.load_pem_x509_certificates(root_pem)))
        .time(now.astimezone(UTC).replace(tzinfo=None))
        .extension_policies(
            ca_policy=authority, ee_policy=verification.ExtensionPolicy.permit_all()
        )
        .build_client_verifier()
    )
    try:
        verifier.verify(chain[0], chain[1:])
    except verification.VerificationError as error:
        message = "the certificate of the JWS leads to no trusted root"
        raise Unreadable(message) from error


def _is_signed(leaf: x509.Certificate, algorithm: object, signature: bytes, signed: bytes) -> bool:
    try:
        key = leaf.public_key()
        if algorithm == "PS256" and isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
            key.verify(signature, signed, pss, SHA256())
            return key.key_size >= _RSA_BITS_MIN
        if algorithm != "ES256" or len(signature) != 2 * _COORDINATE_BYTES:
            return False
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            return False
        r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(der, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def seal(plaintext: bytes, key: bytes, *, kid: str, enc: str, iv: bytes) -> str:
    """Put a CReq into its envelope, in the SDK's half of the 32 bytes."""
    header = {"alg": "dir", "enc": enc, "kid": kid}
    protected = _encode(json.dumps(header, separators=(",", ":")).encode()).encode()
    if enc == GCM:
        sealed = AESGCM(key[:_HALF_BYTES]).encrypt(iv, plaintext, protected)
        sealed, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    else:
        pad = PKCS7(_BLOCK_BITS).padder()
        encryptor = Cipher(algorithms.AES(key[_HALF_BYTES:]), modes.CBC(iv)).encryptor()
        sealed = encryptor.update(pad.update(plaintext) + pad.finalize()) + encryptor.finalize()
        tag = _cbc_tag(protected, iv, sealed, key)
    return ".".join([protected.decode(), "", *map(_encode, (iv, sealed, tag))])


def read_envelope(text: str) -> Envelope:
    """Read a JWE's parts and header; nothing is known of its truth yet."""
    parts = text.split(".")
    if len(parts) != _JWE_PARTS or parts[1]:
        message = "the JWE has not five parts, the second empty"
        raise Unreadable(message)
    header = _object(_decode(parts[0], "the JWE header"), "the JWE header")
    kid, enc = header.get("kid"), header.get("enc")
    if header.get("alg") != "dir" or enc not in ENCODINGS or not isinstance(kid, str):
        message = "the JWE header is not of alg dir, a known enc, and a kid"
        raise Unreadable(message)
    if "zip" in header or "crit" in header:
        message = "the JWE header asks for something this protocol has not"
        raise Unreadable(message)
    iv, sealed, tag = (_decode(part, "the JWE's body") for part in parts[2:])
    if len(iv) != _IV_BYTES[enc] or len(tag) != _TAG_BYTES:
        message = "the JWE's IV or tag has not the length of its enc"
        raise Unreadable(message)
    return Envelope(parts[0].encode(), kid, enc, iv, sealed, tag)


def open_envelope(envelope: Envelope, key: bytes) -> bytes:
    """Open a CRes's envelope with the ACS's half of the 32 bytes."""
    if envelope.enc == GCM:
        try:
            return AESGCM(key[_HALF_BYTES:]).decrypt(
                envelope.iv, envelope.sealed + envelope.tag, envelope.protected
            )
        except InvalidTag as error:
            message = "the JWE's tag is wrong"
            raise Unreadable(message) from error
    tag = _cbc_tag(envelope.protected, envelope.iv, envelope.sealed, key)
    if not compare_digest(tag, envelope.tag):
        message = "the JWE's tag is wrong"
        raise Unreadable(message)
    decryptor = Cipher(algorithms.AES(key[_HALF_BYTES:]), modes.CBC(envelope.iv)).decryptor()
    unpad = PKCS7(_BLOCK_BITS).unpadder()
    try:
        padded = decryptor.update(envelope.sealed) + decryptor.finalize()
        return unpad.update(padded) + unpad.finalize()
    except ValueError as error:
        message = "the JWE's padding is wrong"
        raise Unreadable(message) from error


def _cbc_tag(protected: bytes, iv: bytes, sealed: bytes, key: bytes) -> bytes:
    length_bits = (8 * len(protected)).to_bytes(8, "big")
    whole = hmac_digest(key[:_HALF_BYTES], protected + iv + sealed + length_bits, "sha256")
    return whole[:_TAG_BYTES]


def _object(raw: bytes, what: str) -> dict[str, object]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        message = f"{what} is not JSON"
        raise Unreadable(message) from error
    if not isinstance(found, dict):
        message = f"{what} is not a JSON object"
        raise Unreadable(message)
    return found


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: object, what: str) -> bytes:
    if not isinstance(text, str) or _BASE64URL.fullmatch(text) is None:
        message = f"{what} is not base64url without padding"
        raise Unreadable(message)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64 as error:
        message = f"{what} is not base64url without padding"
        raise Unreadable(message) from error
