"""What the demo makes for itself: keys of authentication values, keys of the API's callers, a CA.

Made once per data directory and then left alone. Nothing of this is reachable from a production
start; there, keys come from files that somebody is responsible for.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from acs.crypto.signer import BadSigningKey, SoftwareSigner, good_until

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from acs.config import Settings

_CERTIFIED_FOR: Final = timedelta(days=10 * 365)
_MADE_ANEW_BEFORE: Final = timedelta(days=365)

SCOPES = {
    "portal": "person:read card:read threeds:write limit:lower consent:write phone:write pin:write"
    " portal",
    "branch": "person:write person:read card:enrol card:read card:status threeds:write limit:lower"
    " limit:raise consent:write phone:write block:clear",
    "core": "person:write person:read card:enrol card:read card:status limit:raise phone:write",
}


def make_value_keys(path: Path) -> None:
    """Make the keys that the demo's card ranges name, unless the file is there."""
    if path.exists():
        return
    content = {
        "keys": [
            {"id": "visa-1", "kind": "3des", "state": "active", "hex": secrets.token_hex(16)},
            {"id": "mastercard-1", "kind": "hmac", "state": "active", "hex": secrets.token_hex(32)},
        ]
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_private(path, json.dumps(content, indent=2))


def make_callers(settings: Settings) -> list[dict[str, object]]:
    """Make a key pair per caller and ``callers.json``; gives the settings `enrollment.callers`."""
    folder = settings.data_dir.resolve() / "demo"
    (folder / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    told: dict[str, object] = {}
    entries: list[dict[str, object]] = []
    for name, scopes in SCOPES.items():
        private = folder / "keys" / f"{name}.pem"
        public = folder / "keys" / f"{name}.pub.pem"
        if not (private.exists() and public.exists()):
            _make_pair(private, public)
        issuer = f"https://{name}.bank.example"
        told[name] = {
            "iss": issuer,
            "kid": f"{name}-1",
            "sub": name,
            "aud": settings.enrollment.audience,
            "scopes": scopes.split(),
            "key_file": str(private),
        }
        entries.append(
            {
                "name": name,
                "iss": issuer,
                "kid": f"{name}-1",
                "sub": name,
                "public_key": str(public),
                "scopes": scopes.split(),
            }
        )
    (folder / "callers.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
    return entries


def make_signing(data_dir: Path, ds_id: str, now: datetime) -> dict[str, str]:
    """Make the CA of the demo's network and the ACS's key below it; gives a network's settings.

    ``<data_dir>/demo/sdk/ds-root.pem`` is what the demo's SDK trusts. The CA's own key is
    forgotten at once: when a certificate comes to its end, or a file is lost, all are made anew.
    """
    folder = data_dir.resolve() / "demo" / "sdk"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root, key = folder / "ds-root.pem", folder / f"acs-{ds_id}.key"
    certs = folder / f"acs-{ds_id}.pem"
    if not _is_certified(root, key, certs, now):
        _certify(root, key, certs, now)
    return {"sdk_signing_key": str(key), "sdk_signing_certs": str(certs)}


def _is_certified(root: Path, key: Path, certs: Path, now: datetime) -> bool:
    try:
        signer = SoftwareSigner.from_pem(key.read_bytes(), certs.read_bytes())
        chain = [*x509.load_pem_x509_certificates(certs.read_bytes())]
        authority = x509.load_pem_x509_certificate(root.read_bytes())
        chain[-1].verify_directly_issued_by(authority)
    except (OSError, BadSigningKey, ValueError, TypeError, InvalidSignature):
        return False
    end = min(good_until(signer), authority.not_valid_after_utc)
    return end - now > _MADE_ANEW_BEFORE


def _certify(root: Path, key: Path, certs: Path, now: datetime) -> None:
    authority_key, acs_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _named("Demo Directory Server CA")
    start = now - timedelta(days=1)  # another clock may be a little behind
    blank = x509.CertificateBuilder(issuer_name=authority).not_valid_before(start)
    blank = blank.not_valid_after(now + _CERTIFIED_FOR).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
        critical=False,
    )
    above = _certificate(blank.subject_name(authority), authority_key, authority_key, is_ca=True)
    ours = _certificate(blank.subject_name(_named("Demo ACS")), acs_key, authority_key, is_ca=False)
    key.unlink(missing_ok=True)
    _write_private(key, _pem(acs_key))
    certs.write_bytes(ours.public_bytes(serialization.Encoding.PEM))
    root.write_bytes(above.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    begun: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    named = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        begun.public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(is_ca, 0 if is_ca else None), critical=True)
        .add_extension(_usage(signs_certificates=is_ca), critical=True)
        .add_extension(named, critical=False)
        .sign(authority_key, SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _make_pair(private: Path, public: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private.unlink(missing_ok=True)
    _write_private(private, _pem(key))
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _write_private(path: Path, text: str) -> None:
    # Secret: opened for its owner only from the first moment on.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
