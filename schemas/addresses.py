"""The formats of addresses: e-mail, IP, URL; and of languages.

Laws: a URL is absolute, has a host and no user name, and holds no control character, blank, quote,
angle bracket or backslash; so it may be written into a page, and a browser and this program read
the same host in it. Nothing here looks a name up.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from schemas.formats import Format, Versioned, in_each_version, pattern, text_type
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Callable


def email() -> Format:
    """An e-mail address: RFC 5322 3.4.1 without comments and folding, 3-254 characters."""
    local = r'(?:"[^"\x00-\x1f\x7f]*"|[^\s"@\x00-\x1f\x7f]+)'
    return pattern(
        "e-mail address, 3-254 characters",
        "jan.nowak@example.com",
        rf"{local}@[^\s@\x00-\x1f\x7f]+",
        (3, 254),
        head=r"(?s:(?=.{3,254}\Z))",
    )


_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_BYTE}(?:\.(?!\Z)|\Z)){{4}}").fullmatch
# IPv6 in full, or with :: for some groups that are neither the first nor the last.
_USUAL_IP = "|".join(
    (
        rf"{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}",
        "(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}",
        *(
            rf"(?:[0-9A-Fa-f]{{1,4}}:){{{before}}}(?::[0-9A-Fa-f]{{1,4}}){{1,{7 - before}}}"
            for before in range(1, 7)
        ),
    )
)


def ip_address() -> Format:
    """An IPv4 or IPv6 address in text form, without a zone."""
    return Format(
        "IPv4 or IPv6 address",
        "192.0.2.17",
        lambda value: _IPV4(value) or _is_ipv6(value),
        parts=(text_type(2, 45), _USUAL_IP),
    )


def _is_ipv6(value: str) -> bool:
    return "%" not in value and bool(ipaddress.IPv6Address(value))


_PORT = (
    r"(?::(?:[0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}"
    r"|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)
# Printable ASCII but ", <, > and \: none is legal in a URI, and browsers read \ as /.
_REST = r"(?:[/?#][!#-;=?-\[\]-~]*|)"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_HOST = rf"(?:{_NAME}|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])"
_LOOPBACK = r"(?:(?i:localhost)|127(?:\.[0-9]{1,3}){3}|\[::1\])"
_USUAL_LOOPBACK = r"(?:localhost|127(?:\.[0-9]{1,3}){3})"
_ANY_URL = re.compile(rf"(?i:https?)://{_HOST}{_PORT}{_REST}").fullmatch
_HTTPS_URL = re.compile(
    rf"(?i:https)://{_HOST}{_PORT}{_REST}|(?i:http)://{_LOOPBACK}{_PORT}{_REST}"
).fullmatch
# A page's own code must never come out of a link.
_APP_URL = re.compile(r"(?!(?i:javascript|data|vbscript|file):)[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-~]+")


# A host that is an IPv6 address is looked at more closely.
_USUAL_PORT = "(?::[1-5]?[0-9]{1,4}|)"
_USUAL_URL = rf"https?://{_NAME}{_USUAL_PORT}{_REST}"
_USUAL_HTTPS_URL = (
    rf"https://{_NAME}{_USUAL_PORT}{_REST}|http://{_USUAL_LOOPBACK}{_USUAL_PORT}{_REST}"
)


def _url(longest: int, shape: str, match: Callable[[str], Any], usual: str) -> Format:
    def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
        if len(value) > longest:
            return False
        found = match(value)
        return found is not None and (found["ipv6"] is None or _is_ipv6(found["ipv6"]))

    return Format(
        f"{shape}, up to {longest} characters",
        "https://shop.example.com/3ds",
        accepts,
        parts=(text_type(1, longest), usual),
    )


def url(longest: int) -> Format:
    """An absolute http or https URL."""
    return _url(longest, "http or https URL", _ANY_URL, _USUAL_URL)


def https_url(longest: int) -> Format:
    """An absolute https URL; plain http only to a loopback host, for set-ups on one machine."""
    return _url(longest, "https URL", _HTTPS_URL, _USUAL_HTTPS_URL)


_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)").fullmatch
_HOST_MAX = 253


def is_host(text: str) -> bool:
    """Tell whether a text is an address, or a name that could be looked up (RFC 1035 2.3.4)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= _HOST_MAX and all(map(_LABEL, text.removesuffix(".").split(".")))
    return True


def can_be_called(text: str) -> bool:
    """Tell whether a URL is https to such a host, or http to this machine: nothing else is sent."""
    if _HTTPS_URL(text) is None:
        return False
    try:
        parts = urlsplit(text)
        return is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # brackets round what is no address
        return False


def url_https_from_231(longest: int) -> Versioned:
    """An http or https URL that has to be https from 2.3.1."""
    return in_each_version(lambda version: https_url(longest) if version == V231 else url(longest))


def app_url(longest: int) -> Format:
    """A link that an app opens: any scheme but those that run code or read files."""
    return Format(
        f"URL of an app, up to {longest} characters",
        "https://app.example.com/open",
        lambda value: len(value) <= longest and _APP_URL.fullmatch(value) is not None,
    )


_TAG = "[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*"


def language_tag(longest: int) -> Format:
    """A BCP 47 language tag."""
    return pattern(
        f"language tag, up to {longest} characters",
        "pl-PL",
        _TAG,
        (1, longest),
        head=rf"(?=.{{1,{longest}}}\Z)",
    )


def accepted_language() -> Format:
    """One entry of an Accept-Language header: a tag or ``*``, with or without its weight."""
    return pattern(
        "language range, up to 100 characters",
        "pl-PL",
        r"(?=.{1,100}\Z)(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)"
        r"(?: ?; ?q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    )
