"""What the service manager is told: that we serve, are about to replace our workers, or stop.

The protocol is sd_notify(3): a datagram with lines ``NAME=value`` to the socket that NOTIFY_SOCKET
names. Without it nobody is told anything, so a start by hand is no other than one by systemd.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_WITHIN_S = 1.0
"""How long a service manager that does not read may hold us up."""


class Systemd:
    """The way to whoever started this process."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Take the address out of ``environ``: what we start has nothing to say there."""
        address = environ.pop(_SOCKET, "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def is_serving(self, status: str) -> None:
        """Tell that a start, or a restart of the workers, is over; ``status`` is for people."""
        self._tell("READY=1", f"STATUS={status}")

    def is_restarting(self, status: str) -> None:
        """Tell that workers are being replaced, until the next ``is_serving``."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now_us}", f"STATUS={status}")

    def is_stopping(self) -> None:
        """Tell that we end."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # Who does not hear it waits for it, and says so; no payment shall end for that.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way,
        ):
            way.settimeout(_WITHIN_S)
            way.sendto("\n".join(lines).encode(), self._address)
