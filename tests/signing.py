"""The CA of a Directory Server in small, and what it certifies for acsSignedContent."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from acs.crypto.signer import SoftwareSigner

if TYPE_CHECKING:
    from acs.crypto.signer import SigningKey

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2036, 1, 1, tzinfo=UTC)


def ec_key(name: str = "acs") -> ec.EllipticCurvePrivateKey:
    """Make the P-256 key of this name once."""
    return _ec_key(name)


@cache
def _ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    del name
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make one RSA key of this size."""
    return rsa.generate_private_key(65537, bits)


def certificate(
    name: str,
    key: SigningKey,
    *,
    issuer: tuple[str, SigningKey] | None = None,
    start: datetime = START,
    until: datetime = END,
    usage: str = "digital_signature",
    is_ca: bool | None = None,
) -> x509.Certificate:
    """Certify a key; ``issuer`` None signs itself."""
    issuer_name, issuer_key = issuer or (name, key)
    uses = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(until)
        .add_extension(
            x509.BasicConstraints(
                ca=usage == "key_cert_sign" if is_ca is None else is_ca, path_length=None
            ),
            critical=True,
        )
        .add_extension(x509.KeyUsage(**{**uses, usage: True}), critical=True)
        .sign(issuer_key, SHA256())
    )


@cache
def root(until: datetime = END) -> x509.Certificate:
    """Make the certificate of the Directory Server's CA."""
    return certificate("root", ec_key("root"), usage="key_cert_sign", until=until)


def leaf(key: SigningKey, until: datetime = END, *, start: datetime = START) -> x509.Certificate:
    """Let the Directory Server's CA certify the ACS's key."""
    return certificate("acs", key, issuer=("root", ec_key("root")), start=start, until=until)


def signer(key: SigningKey | None = None) -> SoftwareSigner:
    """Make a signer whose chain holds the leaf and the root."""
    key = key or ec_key()
    return SoftwareSigner(key, [leaf(key), root()])


def pem(*certificates: x509.Certificate) -> bytes:
    """Write certificates as a PEM file has them."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def key_pem(key: SigningKey) -> bytes:
    """Write a key as a PEM file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
