"""Keys of the authentication values in the HSM, and what signs app challenges there.

Laws: what comes back is looked at before it is believed: its length, and of a signature whether the
certificate's key verifies it. A faulty signature may give a key away, and no SDK would take it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from acs.crypto import cavv
from acs.crypto.keys import KeyState, KeysUnavailable
from acs.crypto.signer import PSS, BadSigningKey, algorithm, certified
from acs.crypto.software import KeyKind
from acs.hsm.link import CHECKED, HsmKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography import x509

    from acs.crypto.software import KeyInHsm
    from acs.hsm.driver import Hsm

_BYTES: Final = 32
_DES_BLOCK: Final = 8
_COORDINATE: Final = 32
_SHA256: Final = Prehashed(SHA256())


class HsmValueKeys:
    """The keys of the file that are in the HSM, behind the port ``RemoteValueKeys``."""

    def __init__(self, hsm: Hsm, keys: Iterable[KeyInHsm]) -> None:
        """Hold the way there and which key has which label."""
        self._hsm = hsm
        self._keys = {key.key_id: key for key in keys}

    def holds(self, key_id: str) -> bool:
        """Tell whether this key is in the HSM."""
        return key_id in self._keys

    @property
    def is_away(self) -> bool:
        """Tell whether asking is known to be in vain."""
        return self._hsm.is_away

    async def cvv(self, key_id: str, digits: str) -> str:
        """Give three digits for a block of 32 digits; raises KeysUnavailable."""
        label = self._label(key_id, KeyKind.CVV)
        return cavv.decimalise(
            _of_length(_DES_BLOCK, await self._hsm.ask(label, cavv.plain(digits)))
        )

    async def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        """Give the 32 bytes of HMAC-SHA-256; raises KeysUnavailable."""
        label = self._label(key_id, KeyKind.HMAC)
        return _of_length(_BYTES, await self._hsm.ask(label, message))

    def _label(self, key_id: str, kind: KeyKind) -> str:
        key = self._keys.get(key_id)
        if key is None:
            message = f"key {key_id} is not in the HSM"
        elif key.kind is not kind:
            message = f"key {key_id} is not of kind {kind}"
        elif key.state is not KeyState.ACTIVE:
            message = f"key {key_id} is {key.state}"
        else:
            return key.label
        raise KeysUnavailable(message)


class HsmSigner:
    """One key in the HSM and its chain behind the port ``RemoteSigner``."""

    def __init__(self, label: str, chain: Sequence[x509.Certificate]) -> None:
        """Hold a label and the certificates, the key's own first; raises BadSigningKey."""
        public = chain[0].public_key()
        if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            message = "the key is neither RSA nor P-256"
            raise BadSigningKey(message)
        self.label = label
        self.algorithm = algorithm(public)
        self.certificates = certified(public, chain)
        self._public = public
        self._hsm: Hsm | None = None

    def __repr__(self) -> str:
        """Name label and algorithm."""
        return f"HsmSigner({self.label}, {self.algorithm})"

    def reach(self, hsm: Hsm) -> None:
        """Learn the way to the HSM."""
        self._hsm = hsm

    async def sign_remotely(self, signing_input: bytes) -> bytes:
        """Give the signature, for ES256 the 64 bytes r and s [6.6]; raises KeysUnavailable."""
        if self._hsm is None:
            message = f"key {self.label}: no HSM is reached"
            raise KeysUnavailable(message)
        digest = hashlib.sha256(signing_input).digest()
        signature = await self._hsm.ask(self.label, digest)
        if not self._verifies(signature, digest):
            message = f"key {self.label}: the HSM gave a signature that is none"
            raise KeysUnavailable(message)
        return signature

    def key(self) -> HsmKey:
        """Say what is looked for in the HSM."""
        kind = "rsa" if isinstance(self._public, rsa.RSAPublicKey) else "ec"
        return HsmKey(self.label, kind, self._wrong)

    def _wrong(self, check: bytes) -> str | None:
        return None if self._verifies(check, CHECKED) else "it is not the key of the certificate"

    def _verifies(self, signature: bytes, digest: bytes) -> bool:
        try:
            if isinstance(self._public, rsa.RSAPublicKey):
                self._public.verify(signature, digest, PSS, _SHA256)
            else:
                if len(signature) != 2 * _COORDINATE:
                    return False
                r, s = signature[:_COORDINATE], signature[_COORDINATE:]
                der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
                self._public.verify(der, digest, ec.ECDSA(_SHA256))
        except InvalidSignature:
            return False
        return True


def wanted(key: KeyInHsm) -> HsmKey:
    """Say what is looked for in the HSM for a key of the file, and how it is known again."""

    def wrong(check: bytes) -> str | None:
        found = [_shown(check)]
        meant = [key.check_value]
        if key.kind is KeyKind.CVV:
            found.append(_shown(check[_DES_BLOCK:]))
            meant.append(key.first_check_value or "")
        if found == meant:
            return None
        return f"its check value is {' and '.join(found)}, the file says {' and '.join(meant)}"

    return HsmKey(key.label, str(key.kind), wrong)


def _shown(check: bytes) -> str:
    return check[:3].hex().upper()


def _of_length(length: int, answer: bytes) -> bytes:
    if len(answer) != length:
        message = f"the HSM gave {len(answer)} bytes instead of {length}"
        raise KeysUnavailable(message)
    return answer
