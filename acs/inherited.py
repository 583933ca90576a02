"""What a worker process gets from its supervisor: listening sockets, and a line between the two.

The sockets belong to the supervisor and are shared by all workers, so a worker that leaves takes
no queue of waiting connections with it. The line is a pair of sockets: the worker says on it that
it listens, and from then on each second that its loop goes round; the supervisor says that the
worker is to retire. A line that ends means that the supervisor is gone, and then the worker stops
too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acs.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from acs.config import Listen, Settings

BACKLOG = 1024
"""Connections that may wait for a worker, per listener; what comes above waits in the network."""
LISTENERS = "THREEDS_LISTENERS"
LINE = "THREEDS_LINE"
MUST_BE_FIT = "THREEDS_MUST_BE_FIT"
"""Set for a worker that replaces one that serves: it listens only when nothing is wrong."""
_READY = b"r"
_ALIVE = b"."
_RETIRE = b"q"
_ALIVE_EVERY_S = 1.0
_HEARD_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Listener:
    """An edge's listening sockets: one per address that its host stands for."""

    listen: str
    sockets: tuple[socket.socket, ...]

    @classmethod
    def bind(cls, listen: Listen) -> Listener:
        """Bind and listen. Raises OSError."""
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        opened: list[socket.socket] = []
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                one = socket.socket(family, socket.SOCK_STREAM)
                opened.append(one)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind(address)
                one.listen(BACKLOG)
                one.settimeout(0)
        except OSError:
            for one in opened:
                one.close()
            raise
        return cls(str(listen), tuple(opened))

    def close(self) -> None:
        """Close our copies; workers keep theirs."""
        for one in self.sockets:
            one.close()


def handed_over(listeners: Mapping[str, Listener]) -> tuple[str, tuple[int, ...]]:
    """Give the value of ``LISTENERS`` and the descriptors that a worker must inherit."""
    told = {
        edge: {"listen": one.listen, "fds": [each.fileno() for each in one.sockets]}
        for edge, one in listeners.items()
    }
    every = tuple(each.fileno() for one in listeners.values() for each in one.sockets)
    return json.dumps(told), every


def listeners(
    environ: Mapping[str, str], settings: Settings, edges: Sequence[str]
) -> dict[str, Listener] | None:
    """Take the inherited listeners; None when nobody handed any over.

    Raises ConfigError where the settings name another address than the supervisor listens on.
    """
    given = environ.get(LISTENERS)
    if given is None:
        return None
    told = json.loads(given)
    wrong = tuple(
        f"{edge}.listen: the supervisor does not listen there; end it and start it again"
        for edge in edges
        if edge not in told or told[edge]["listen"] != str(getattr(settings, edge).listen)
    )
    if wrong:
        raise ConfigError(wrong)
    return {
        edge: Listener(
            told[edge]["listen"], tuple(socket.socket(fileno=fd) for fd in told[edge]["fds"])
        )
        for edge in edges
    }


class WorkerEnd:
    """The worker's end of the line; without a supervisor nothing is said and nothing heard."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the end that was inherited, if any."""
        fd = environ.get(LINE)
        self._line = None if fd is None else int(fd)
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_supervised(self) -> bool:
        """Tell whether there is a supervisor."""
        return self._line is not None

    def say_ready(self) -> None:
        """Tell the supervisor that we listen, and from now on that we live."""
        if self._line is not None:
            # At once: one that stood still between the two would never be missed.
            os.write(self._line, _READY + _ALIVE)
            self._say_alive_later(self._line)

    def _say_alive(self, line: int) -> None:
        with contextlib.suppress(OSError):  # who does not read it has an earlier version
            os.write(line, _ALIVE)
        self._say_alive_later(line)

    def _say_alive_later(self, line: int) -> None:
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(_ALIVE_EVERY_S, self._say_alive, line)

    def watch(self, retire: Callable[[], None], gone: Callable[[], None]) -> None:
        """Call ``retire`` when we are told to, ``gone`` when the supervisor is no more."""
        if self._line is None:
            return
        loop, line = asyncio.get_running_loop(), self._line

        def heard() -> None:
            try:
                said = os.read(line, 1)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            loop.remove_reader(line)
            if self._next is not None:
                self._next.cancel()
            if said == _RETIRE:
                retire()
            else:
                gone()

        os.set_blocking(line, False)
        loop.add_reader(line, heard)


class SupervisorEnd:
    """The supervisor's end of the line to one worker."""

    def __init__(self) -> None:
        """Open a line; ``theirs`` is for the worker to inherit and closed here afterwards."""
        self._ours, self.theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._is_ready = self._says_alive = False
        self._silent = 0

    @property
    def is_ready(self) -> bool:
        """Tell whether the worker has said that it listens."""
        self._hear()
        return self._is_ready

    def look(self) -> int:
        """Look for a word of the worker; gives how many looks in a row there was none.

        One that never said that it lives has nothing to miss: it waits for what it needs, or its
        version does not say so.
        """
        self._silent += self._says_alive
        self._hear()
        return self._silent

    def _hear(self) -> None:
        try:
            said = self._ours.recv(_HEARD_AT_ONCE)
        except OSError:
            return
        if said:
            self._silent = 0
            self._is_ready = self._is_ready or _READY in said
            self._says_alive = self._says_alive or _ALIVE in said

    def retire(self) -> None:
        """Tell the worker to go; a worker that is gone already need not hear it."""
        try:
            self._ours.send(_RETIRE)
        except OSError:
            return

    def close(self) -> None:
        """End the line."""
        self._ours.close()
