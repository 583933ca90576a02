"""A JWE is refused by its error, or read from its one spelling; only its key opens it."""

from __future__ import annotations

import json
from pathlib import Path

from acs.crypto.jwe import A128CBC_HS256, A128GCM, BadJwe, open_envelope, read, seal

_OWN = json.loads((Path(__file__).parents[2] / "vectors" / "jose.json").read_text("utf-8"))["own"]
_KEY = bytes.fromhex(_OWN["key"])
_TURNED = _KEY[16:] + _KEY[:16]
_SEALED = {one["jwe"]: one["plaintext"].encode() for one in (*_OWN["from_sdk"], *_OWN["to_sdk"])}


def check(data: bytes) -> None:
    """Read and open; seal the same bytes and open them again."""
    try:
        found = open_envelope(read(data), _KEY)
    except BadJwe:
        pass
    else:
        # Only a seed of the corpus may be one; anything else was forged.
        assert found == _SEALED[data.decode().strip("\r\n")]
    for enc, key in ((A128CBC_HS256, _KEY), (A128GCM, _TURNED)):
        sealed = seal(data, _KEY, kid=_OWN["acs_trans_id"], enc=enc, iv=None)
        assert not data or open_envelope(read(sealed), key) == data
