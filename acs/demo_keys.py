"""What the demo makes for itself: keys of authentication values, key pairs of the API's callers.

Made once per data directory and then left alone. Nothing of this is reachable from a production
start; there, keys come from files that somebody is responsible for.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

    from acs.config import Settings

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


def _make_pair(private: Path, public: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    private.unlink(missing_ok=True)
    _write_private(private, pem.decode())
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
