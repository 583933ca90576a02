"""What looked like a connection and was none: the other side refused our certificate.

Under TLS 1.3 our certificate is judged when our side of the handshake has ended. Who refuses it
says so by an alert, which comes before the request was written, or after it went and unread. So
nothing was taken, whatever went out.
"""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

_REFUSED: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")
"""Words in the alerts that end a handshake; none of them comes once a request was read."""


def is_turned_away(failure: BaseException) -> bool:
    """Tell whether a failed request of an HTTP client was surely not taken for that reason."""
    cause = failure.__cause__
    if isinstance(cause, aiohttp.ClientConnectionResetError):
        return True  # no byte of the request was written
    reason = getattr(cause, "reason", None) if isinstance(cause, ssl.SSLError) else None
    return "_ALERT_" in str(reason) and any(word in str(reason) for word in _REFUSED)
