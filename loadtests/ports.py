"""Ports for servers that must be told theirs beforehand.

A port that the system chooses (bind to 0) lies where it takes those of outgoing connections from:
between finding it free and listening on it, somebody's connection may have got it. These lie below.
"""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

_FIRST, _USUAL_END = 12_000, 32_768
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Find different ports that nobody listens on and no connection will be given."""
    found: list[int] = []
    for port in _chance.sample(range(_FIRST, _end()), 100 * count):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} ports are free"
    raise OSError(message)


def _end() -> int:
    """Say where the ports of outgoing connections begin."""
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_END
    return first if first > _FIRST + 10_000 else _USUAL_END
