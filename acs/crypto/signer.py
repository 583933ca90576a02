"""A signing key in a PEM file, with the certificates that the Directory Server's CA gave for it.

Laws:
- The key is never shown: not by repr, not in an error, not in a log.
- A pair that no SDK would believe is refused as a whole: another key than the certificate's, a
  weak one, a chain with a gap, with a weak link or through what is no CA [rules 6.3, 6.5].
- From and until when it is good is told (``good_from``, ``good_until``), not judged: an expired one
  is no reason to refuse the payments in browsers as well.
"""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from acs.crypto.jws import CHAIN_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from acs.crypto.keys import ContentSigner, RemoteSigner

_RSA_BITS_MIN: Final = 2048
_EC_BITS_MIN: Final = 256
_COORDINATE: Final = 32
PSS: Final = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
"""The padding of PS256."""
ECDSA: Final = ec.ECDSA(SHA256())
"""What ES256 signs with; made once, for the first one that is made loads a module."""

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
VerifyingKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class BadSigningKey(Exception):
    """The files give no signer; the message is a clause that says what is wrong with which."""


class SoftwareSigner:
    """One key and its chain behind the port ``ContentSigner``."""

    def __init__(self, key: SigningKey, chain: Sequence[x509.Certificate]) -> None:
        """Hold a key and its certificates, its own first; raises BadSigningKey."""
        public = key.public_key()
        self.algorithm = algorithm(public)
        self.certificates = certified(public, chain)
        self._key = key

    def __repr__(self) -> str:
        """Name the algorithm only."""
        return f"SoftwareSigner({self.algorithm})"

    @classmethod
    def from_pem(cls, key: bytes, chain: bytes) -> SoftwareSigner:
        """Take both out of PEM files, the key not encrypted; raises BadSigningKey."""
        certificates = read_chain(chain)
        try:
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Secret: what the parser says may quote the file, so it is not passed on.
            message = "the key is not an unencrypted private key in PEM"
            raise BadSigningKey(message) from None
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            message = "the key is neither RSA nor P-256"
            raise BadSigningKey(message)
        return cls(private, certificates)

    def sign(self, signing_input: bytes) -> bytes:
        """Give the signature; a key in memory is never unavailable."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(signing_input, PSS, SHA256())
        r, s = decode_dss_signature(self._key.sign(signing_input, ECDSA))
        return r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE)


def good_from(signer: ContentSigner | RemoteSigner) -> datetime:
    """Tell when the last of a signer's certificates begins."""
    return max(one.not_valid_before_utc for one in _chain(signer))


def good_until(signer: ContentSigner | RemoteSigner) -> datetime:
    """Tell when the first of a signer's certificates ends."""
    return min(one.not_valid_after_utc for one in _chain(signer))


def _chain(signer: ContentSigner | RemoteSigner) -> list[x509.Certificate]:
    ders = (base64.b64decode(one) for one in signer.certificates)
    return [x509.load_der_x509_certificate(der) for der in ders]


def read_chain(pem: bytes) -> list[x509.Certificate]:
    """Read certificates from PEM, at least one; raises BadSigningKey."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        message = "the certificates are not PEM"
        raise BadSigningKey(message) from None


def algorithm(key: VerifyingKey) -> str:
    """Name the JWS algorithm of a key; raises BadSigningKey for a weak or strange one."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _RSA_BITS_MIN:
            message = f"an RSA key needs {_RSA_BITS_MIN} bits, this one has {key.key_size}"
            raise BadSigningKey(message)
        return "PS256"
    if not isinstance(key.curve, ec.SECP256R1):
        message = f"the key is on the curve {key.curve.name}, not on P-256"
        raise BadSigningKey(message)
    return "ES256"


def certified(key: VerifyingKey, chain: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """Give a key's chain as ``x5c`` has it; raises BadSigningKey when no SDK would believe it."""
    _check_chain(key, chain)
    certificates = tuple(
        base64.b64encode(one.public_bytes(Encoding.DER)).decode("ascii") for one in chain
    )
    if sum(map(len, certificates)) > CHAIN_MAX:
        message = "the certificates are too long for acsSignedContent"
        raise BadSigningKey(message)
    return certificates


def _check_chain(key: VerifyingKey, chain: Sequence[x509.Certificate]) -> None:
    if chain[0].public_key() != key:
        message = "the first certificate belongs to another key"
        raise BadSigningKey(message)
    try:
        usage = chain[0].extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not usage.digital_signature:
        message = "the first certificate is not for signatures"
        raise BadSigningKey(message)
    for number, (one, issuer) in enumerate(pairwise(chain), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            message = f"certificate {number} is not issued by the one after it"
            raise BadSigningKey(message) from None
        _check_issuer(issuer, number + 1)


def _check_issuer(issuer: x509.Certificate, number: int) -> None:
    """Refuse who may not certify, or with a key that SDKs take for weak (RFC 5280, 6.1.4)."""
    try:
        is_ca = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    try:
        signs = issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not (is_ca and signs):
        message = f"certificate {number} is not one of a CA"
        raise BadSigningKey(message)
    key = issuer.public_key()
    match key:
        case rsa.RSAPublicKey():
            is_strong = key.key_size >= _RSA_BITS_MIN
        case ec.EllipticCurvePublicKey():
            is_strong = key.key_size >= _EC_BITS_MIN
        case _:
            is_strong = False
    if not is_strong:
        message = f"certificate {number} has a key that is weak or of a strange kind"
        raise BadSigningKey(message)
