"""No text is taken for a token of ours but one that our key sealed."""

from __future__ import annotations

from uuid import UUID

from acs.crypto.form_token import ForgedToken, FormToken, open_token, seal
from acs.transaction import AcsTransId
from schemas.vault import KeyRing

_RING = KeyRing("k1", {"k1": b"k" * 32, "k0": b"o" * 32})


def check(data: bytes) -> None:
    """Open a text as a token; seal one and open it again."""
    try:
        found = open_token(_RING, data.decode("utf-8", "surrogateescape"))
    except ForgedToken:
        pass
    else:
        # Only a seed of the corpus may be one; anything else was forged.
        assert found == FormToken(AcsTransId(UUID(int=1)), 1)
    bound = FormToken(AcsTransId(UUID(bytes=data[:16].ljust(16, b"\0"))), len(data) % 65_536)
    assert open_token(_RING, seal(_RING, bound.acs_trans_id, bound.step)) == bound
