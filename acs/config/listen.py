"""Where a listener waits, and whether that is this machine alone."""

from __future__ import annotations

import ipaddress
import re

from schemas.addresses import is_host

_DIGITS = re.compile("[0-9]{1,5}").fullmatch
_PORT_MAX = 65535


class Listen:
    """Where a listener waits: ``host:port``, IPv6 in brackets; port 0 takes any free one.

    No dataclass, because msgspec would read one from a table and not from a text.
    """

    __slots__ = ("host", "port")

    def __init__(self, host: str, port: int) -> None:
        """Hold the two parts."""
        self.host = host
        self.port = port

    @classmethod
    def parse(cls, text: str) -> Listen:
        """Read ``127.0.0.1:8081`` or ``[::1]:8081``; raise ValueError otherwise."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        is_bracketed = host == f"[{bare}]"
        is_address = is_host(bare) and is_bracketed == (":" in bare)
        if not colon or not is_address or not (is_port(port) or port == "0"):
            message = f"{text!r} is not host:port"
            raise ValueError(message)
        return cls(bare, int(port))

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can connect."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        """Compare both parts."""
        return isinstance(other, Listen) and str(self) == str(other)

    def __hash__(self) -> int:
        """Hash both parts."""
        return hash(str(self))


def is_port(text: str) -> bool:
    """Tell whether somebody could be reached there."""
    return _DIGITS(text) is not None and 0 < int(text) <= _PORT_MAX


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
