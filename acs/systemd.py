"""What the service manager is told: that we serve, live, are about to replace our workers, or stop.

The protocol is sd_notify(3): a datagram with lines ``NAME=value`` to the socket that NOTIFY_SOCKET
names. Without it nobody is told anything, so a start by hand is no other than one by systemd. With
``WatchdogSec`` in the unit it wants to hear now and then that we live, and ends who says nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_PATIENCE, _WHOSE = "WATCHDOG_USEC", "WATCHDOG_PID"
_TIMES = 4
"""So often in its patience it hears that we live: one that is lost is not the only one."""
_WITHIN_S = 1.0
"""How long a service manager that does not read may hold us up."""


class Systemd:
    """The way to whoever started this process."""

    def __init__(
        self, environ: MutableMapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take all of it out of ``environ``: what we start has nothing to say there."""
        address = environ.pop(_SOCKET, "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        patience_us, whose = environ.pop(_PATIENCE, ""), environ.pop(_WHOSE, "")
        is_wanted = patience_us.isdecimal() and whose in {"", str(os.getpid())}
        self._alive_every_s = int(patience_us) / 1e6 / _TIMES if is_wanted else None
        self._alive_at_s = 0.0
        self._clock = clock

    def is_serving(self, status: str) -> None:
        """Tell that a start, or a restart of the workers, is over; ``status`` is for people."""
        self._tell("READY=1", f"STATUS={status}")

    def is_alive(self) -> None:
        """Tell that we live, where it is wanted and time; waits for nobody."""
        if self._alive_every_s is not None and (now := self._clock()) >= self._alive_at_s:
            self._alive_at_s = now + self._alive_every_s
            self._tell("WATCHDOG=1", within_s=0)

    def is_restarting(self, status: str) -> None:
        """Tell that workers are being replaced, until the next ``is_serving``."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now_us}", f"STATUS={status}")

    def is_stopping(self) -> None:
        """Tell that we end."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str, within_s: float = _WITHIN_S) -> None:
        if not self._address:
            return
        # Who does not hear it waits for it, and says so; no payment shall end for that.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way,
        ):
            way.settimeout(within_s)
            way.sendto("\n".join(lines).encode(), self._address)
