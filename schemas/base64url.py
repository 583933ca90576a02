"""base64url as the protocol uses it: sent without padding, accepted as the field sends it.

Laws: what goes out has the URL alphabet, no padding and no line breaks [rule 1.20]. What comes in
may carry padding and may use either alphabet, because shops do both; anything else inside is
refused, never skipped.
"""

from __future__ import annotations

import base64
import binascii

_TO_URL = str.maketrans("+/", "-_")


class NotBase64Url(ValueError):
    """The text is not base64url."""


def encode(raw: bytes) -> str:
    """Encode bytes for a form field or a compact token."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode what a peer sent; raise NotBase64Url for empty text and foreign characters."""
    core = text.strip("\r\n").rstrip("=").translate(_TO_URL)
    if not core or not core.isascii():
        raise NotBase64Url
    try:
        return base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise NotBase64Url from error
