"""acsSignedContent: a JWS by which the SDK knows that the ACS's key is the ACS's [rules 6.3, 6.4].

Laws:
- The header holds ``alg`` and ``x5c`` and nothing else; the payload the URL and both keys.
- It is never longer than allowed. What varies much is the chain, so a chain that leaves no room for
  the rest is refused when it is loaded, not at a purchase.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from schemas import base64url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.crypto.keys import ContentSigner, RemoteSigner

SIGNED_CONTENT_MAX: Final = 16_000
"""Characters of the whole; published for 2.3.1, kept in all versions [rule 6.3]."""
CHAIN_MAX: Final = 9_000
"""Characters of all certificates together; the rest has room for any URL and signature."""

_JWK: Final = ("kty", "crv", "x", "y")


def signed_content(
    signer: ContentSigner, *, acs_url: str, acs_key: Mapping[str, str], sdk_key: Mapping[str, str]
) -> str:
    """Sign where the CReqs go and with which keys; raises KeysUnavailable.

    ``acs_key`` and ``sdk_key`` are JWKs; of the SDK's own one, members that no key needs are left
    out, and the others stand as they came.
    """
    content = signing_input(signer, acs_url=acs_url, acs_key=acs_key, sdk_key=sdk_key)
    return signed(content, signer.sign(content.encode("ascii")))


def signing_input(
    signer: ContentSigner | RemoteSigner,
    *,
    acs_url: str,
    acs_key: Mapping[str, str],
    sdk_key: Mapping[str, str],
) -> str:
    """Write what is signed: header and payload."""
    header = {"alg": signer.algorithm, "x5c": signer.certificates}
    payload = {
        "acsURL": acs_url,
        "acsEphemPubKey": {name: acs_key[name] for name in _JWK},
        "sdkEphemPubKey": {name: sdk_key[name] for name in _JWK},
    }
    return f"{_part(header)}.{_part(payload)}"


def signed(content: str, signature: bytes) -> str:
    """Put the signature behind what was signed."""
    return f"{content}.{base64url.encode(signature)}"


def _part(value: Mapping[str, object]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode("ascii"))
