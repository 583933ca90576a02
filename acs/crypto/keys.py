"""The ports to the keys of a payment network: key ids and results, never key bytes.

Laws:
- Only an active key makes an authentication value. A staged key is not yet known to the issuer's
  host, a verify-only key is on its way out (see the rotation of key indicators).
- One key signs for one Directory Server, whose CA certified it [rule 6.5].
- An implementation answers ``KeysUnavailable`` for every fault of its own and says nothing about
  the inside; a caller then gives no value at all, never a made-up one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable


class KeyState(StrEnum):
    """The life of a key; destroyed keys are not in the store any more."""

    STAGED = "staged"
    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"


class KeysUnavailable(Exception):
    """The key cannot be used: unknown, of another kind, not active, or the store is out of reach.

    The message names the key id and the matter, never key bytes or what was to be signed.
    """


class AuthenticationValueKeys(Protocol):
    """What the authentication value needs of a key store, software or hardware."""

    def state(self, key_id: str) -> KeyState | None:
        """Tell the state of a key; None when the store does not hold it. Never raises."""

    def cvv(self, key_id: str, digits: str) -> str:
        """Give three digits for a block of 32 digits; raises KeysUnavailable."""

    def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        """Give the 32 bytes of HMAC-SHA-256; raises KeysUnavailable."""


class ContentSigner(Protocol):
    """What signs towards the SDKs of one Directory Server, software or hardware [rule 6.3]."""

    @property
    def algorithm(self) -> str:
        """Name the JWS algorithm: PS256 or ES256."""

    @property
    def certificates(self) -> tuple[str, ...]:
        """Give the chain as ``x5c`` has it: DER in standard base64, the signer's own first."""

    def sign(self, signing_input: bytes) -> bytes:
        """Give the signature, for ES256 the 64 bytes r and s [6.6]; raises KeysUnavailable."""


class RemoteValueKeys(Protocol):
    """Keys of authentication values that are asked over a wire: they may answer late, or never.

    Every question has an end in time: then it raises KeysUnavailable like any other fault.
    """

    def holds(self, key_id: str) -> bool:
        """Tell whether this key is one of those; its state stands with the others' states."""

    @property
    def is_away(self) -> bool:
        """Tell whether asking is known to be in vain."""

    async def cvv(self, key_id: str, digits: str) -> str:
        """Give three digits for a block of 32 digits; raises KeysUnavailable."""

    async def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        """Give the 32 bytes of HMAC-SHA-256; raises KeysUnavailable."""


@runtime_checkable
class RemoteSigner(Protocol):
    """A ContentSigner that is asked over a wire."""

    @property
    def algorithm(self) -> str:
        """Name the JWS algorithm: PS256 or ES256."""

    @property
    def certificates(self) -> tuple[str, ...]:
        """Give the chain as ``x5c`` has it: DER in standard base64, the signer's own first."""

    async def sign_remotely(self, signing_input: bytes) -> bytes:
        """Give the signature, for ES256 the 64 bytes r and s [6.6]; raises KeysUnavailable."""
