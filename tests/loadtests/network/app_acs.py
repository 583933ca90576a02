"""The Access Control Server's half of an app's challenge, on joserfc: a referee for the SDK."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
URL = "https://acs.example/challenge/app"
_Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Authority:
    """A root and a leaf below it, as a payment scheme issues them to an ACS."""

    root: x509.Certificate
    leaf: x509.Certificate
    key: _Private

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    @property
    def x5c(self) -> list[str]:
        return [b64encode(self.leaf.public_bytes(Encoding.DER)).decode()]

    @property
    def jose_key(self) -> RSAKey | ECKey:
        pem = RSAKey if isinstance(self.key, rsa.RSAPrivateKey) else ECKey
        return pem.import_key(self.key)  # type: ignore[arg-type]


@cache
def authority(algorithm: str = "ES256", name: str = "Demo scheme") -> Authority:
    root_key = ec.generate_private_key(ec.SECP256R1())
    leaf_key: _Private = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(65537, 2048)
    )
    root_name, leaf_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, "ACS signer")
    )
    return Authority(
        root=_certificate(root_name, root_name, root_key.public_key(), root_key, is_ca=True),
        leaf=_certificate(leaf_name, root_name, leaf_key.public_key(), root_key, is_ca=False),
        key=leaf_key,
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Any, signer: Any, *, is_ca: bool
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(signer, SHA256())
    )


def signed(
    payload: Mapping[str, Any], issuer: Authority, algorithm: str = "ES256", **header: Any
) -> str:
    """Sign a payload as acsSignedContent is signed; ``header`` adds members."""
    protected = {"alg": algorithm, "x5c": issuer.x5c} | header
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(
        protected, json.dumps(payload).encode(), issuer.jose_key, registry=registry
    )


@dataclass
class AppAcs:
    """One challenge: its key, and the messages in their envelopes."""

    sdk_key: dict[str, str]
    reference_number: str
    issuer: Authority = field(default_factory=authority)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    url: str = URL

    @property
    def payload(self) -> dict[str, Any]:
        public = ECKey.import_key(self.private.public_key()).as_dict(private=False)
        ours = {name: public[name] for name in ("kty", "crv", "x", "y")}
        return {"acsURL": self.url, "acsEphemPubKey": ours, "sdkEphemPubKey": self.sdk_key}

    @property
    def signed_content(self) -> str:
        return signed(self.payload, self.issuer)

    @property
    def shared(self) -> bytes:
        peer = ECKey.import_key({**self.sdk_key}).get_op_key("deriveKey")
        party_v = self.reference_number.encode()
        other = bytes(8) + len(party_v).to_bytes(4, "big") + party_v + b"\x00\x00\x01\x00"
        return ConcatKDFHash(SHA256(), 32, other).derive(self.private.exchange(ec.ECDH(), peer))

    def opened(self, body: bytes) -> dict[str, Any]:
        """Open a CReq."""
        header = json.loads(_decoded(body.split(b".")[0]))
        opened = jwe.decrypt_compact(body, self._key(header["enc"], is_ours=False))
        message: dict[str, Any] = json.loads(opened.plaintext or b"")
        return message

    def sealed(self, message: Mapping[str, Any], *, kid: str, enc: str = "A128GCM") -> bytes:
        """Close a CRes."""
        header = {"alg": "dir", "enc": enc, "kid": kid}
        text = jwe.encrypt_compact(header, json.dumps(message), self._key(enc, is_ours=True))
        return text.encode()

    def _key(self, enc: str, *, is_ours: bool) -> OctKey:
        if enc == "A128CBC-HS256":
            return OctKey.import_key(self.shared)
        return OctKey.import_key(self.shared[16:] if is_ours else self.shared[:16])


def kid_of(body: bytes) -> str:
    """Read the kid of an envelope."""
    return str(json.loads(_decoded(body.split(b".")[0]))["kid"])


def _decoded(part: bytes) -> bytes:
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
