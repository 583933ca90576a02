"""The headers that every page leaves with.

A challenge page lives in a frame inside the page of a shop nobody knows in advance, often with
cookies off and sometimes in a sandboxed frame. Hence:

- ``frame-ancestors`` is open to every https shop (a closed one is a white box in the shop), to
  shops' apps that are pages in a web view (on iPhones these come by a scheme of their own:
  Capacitor's, Ionic's, Cordova's), and to plain http on a loopback host for development;
  X-Frame-Options and Cross-Origin-Opener-Policy are never sent. What a hostile parent could click
  through such a frame needs a typed code, or does no harm beyond a cancelled payment.
- Error pages on the challenge's address are framed too, so they are as open as the challenge.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

FORM_TO_US: Final = "'self'"
"""Sources for ``form-action``: the page posts to its own origin."""
FORM_NOWHERE: Final = "'none'"

_FRAME_ANCESTORS: Final = (
    "https: capacitor: ionic: app: file: http://localhost:* http://*.localhost:* http://127.0.0.1:*"
)

# A host that may stand in a Content-Security-Policy source; others are covered by the scheme.
_CSP_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?\Z", re.IGNORECASE)
_UNSAFE_IN_URL: Final = re.compile(r"[\x00-\x20\x7f\\]")

_PAGE_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Browsers take note of this one over TLS only.
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def page_headers(form_action: str, *, posts_itself: bool = False) -> dict[str, str]:
    """Give the headers of a page whose forms may go to the sources in ``form_action``.

    ``posts_itself``: the page's script may post to its own origin.
    """
    policy = (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        *(("connect-src 'self'",) if posts_itself else ()),
        f"form-action {form_action}",
        "base-uri 'none'",
        "object-src 'none'",
        f"frame-ancestors {_FRAME_ANCESTORS}",
    )
    return {**_PAGE_HEADERS, "Content-Security-Policy": "; ".join(policy)}


def form_action_of(notification_url: str) -> str:
    """Give the ``form-action`` sources for the last page, which posts to the shop.

    Raises ValueError for anything but an absolute http or https URL without user info. The URL was
    checked when the AReq was read; this is the last fence before it becomes a form's action.

    Beside the shop's own origin every https address is allowed: browsers apply ``form-action`` to
    the redirects that answer the post as well (tried in Chromium 156: blocked), and a notification
    URL at a payment provider that sends the browser on to the shop's own host is the rule. The
    page holds one form with an escaped action and no inline script, so the wider list gives
    nothing away; the narrow one would leave cardholders in a dead frame after a good payment.
    """
    parts = urlsplit(notification_url)
    if (
        _UNSAFE_IN_URL.search(notification_url)
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
    ):
        message = "the notification URL is not an absolute http or https URL"
        raise ValueError(message)
    port = f":{parts.port}" if parts.port else ""
    origin = f"{parts.scheme}://{parts.hostname}{port} " if _CSP_HOST.match(parts.hostname) else ""
    # Plain http occurs in local set-ups only (the message tables refuse it elsewhere).
    return f"{origin}https:" if parts.scheme == "https" else f"{origin}https: http:"
