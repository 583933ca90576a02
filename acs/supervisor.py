"""Several processes on the same listeners: start them, replace them, stop them all.

Laws:
- The supervisor owns the listening sockets and every worker inherits them, so no connection waits
  in a queue that somebody closes. What a worker leaves behind is in PostgreSQL.
- SIGHUP replaces the workers one by one: the new one reads the settings anew, is found fit and
  listens before the old one retires. One that does not get so far ends the restart; the workers
  that serve stay.
- The service manager is told when one worker serves, and when a restart begins and is over.
- A worker that dies is replaced. When ``_STILLBORN_MAX`` in a row never listened and nobody
  listens, or more than ``_DEATHS_MAX`` died lately and none has lived that long, the supervisor
  ends with exit code 1 and leaves the decision to whoever runs it. While others serve, it only
  waits before it starts more; so it does where the machine has no process or file left to give.
- A worker whose loop stands still, or that never comes to listen, is killed, and so replaced. Its
  silence is counted in looks, so a machine that stood still as a whole is no reason.
- What a supervisor that was killed left in memory goes at the next start, once its workers have
  ended too: everybody who counts in a folder holds its lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from acs import app, inherited, log, metrics
from acs.drain import SILENT_RETIRING_S
from acs.inherited import Listener, SupervisorEnd
from acs.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from acs.config import Settings

_LOOK_S = 0.1
_READY_WITHIN_S = app.DATABASE_WITHIN_S + 150.0
"""A busy machine takes its time to start a worker; the one that is to be replaced serves on."""
_STARTED_WITHIN_S = 2 * _READY_WITHIN_S
_SILENT_LOOKS_MAX = 300
"""Half a minute; a worker says each second that it lives."""
_CLOSING_S = 15.0
"""What a worker may take after its grace, to close what is open, before it is killed."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
_COUNTS = "acs-counts-"
_STILLBORN_MAX = 5
_DEATHS_MAX = 10
_WITHIN_S = 30.0
_START_AGAIN_S = 1.0
_SERVING, _RESTARTING = "serving", "replacing the workers"
_REFUSED = "serving; the last restart was given up, the log says why"


def serve(
    settings: Settings, dsn: str, edges: Sequence[str] | None, workers: int, config: Path | None
) -> int:
    """Run ``workers`` processes until told to stop; gives the exit code. Raises OSError."""
    command = [sys.executable, "-m", "acs", "serve"]
    if config is not None:
        command += ["--config", str(config)]
    command += [part for edge in edges or () for part in ("--edge", edge)]
    systemd = Systemd(os.environ)
    metrics_folder, lock = _counts_folder(_in_memory() or Path(tempfile.gettempdir()))
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics_folder}
    if settings.database.url is None and settings.database.url_file is None:
        environment["ACS_DATABASE__URL"] = dsn  # the embedded one, which only we know
    listeners: dict[str, Listener] = {}
    try:
        for edge in edges or app.edges_of(settings):
            listeners[edge] = Listener.bind(getattr(settings, edge).listen)
        grace_s = settings.work.stop_grace_s
        return _Workers(
            command, environment, listeners, workers, grace_s, systemd=systemd, lock=lock
        ).run()
    finally:
        for one in listeners.values():
            one.close()
        shutil.rmtree(metrics_folder, ignore_errors=True)
        os.close(lock)


def _counts_folder(place: Path) -> tuple[str, int]:
    """Make the folder in which workers count together; gives it and its lock, for them to keep.

    Those in which nobody counts any more go first.
    """
    for left in place.glob(f"{_COUNTS}*"):
        _clear_if_dead(left)
    folder = tempfile.mkdtemp(prefix=_COUNTS, dir=place)
    lock = os.open(folder, os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _clear_if_dead(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # another account's, or gone meanwhile
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Race: one that is empty may be another supervisor's that is about to lock it.
        if any(folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # somebody counts there
        return
    finally:
        os.close(lock)


def _in_memory(place: Path = _MEMORY) -> Path | None:
    """Give where counts that are shared lie in memory; None where there is no such place.

    They are written by mapping a file: on a full disk the kernel ends the process that does so.
    """
    return place if os.access(place, os.W_OK | os.X_OK) else None


class _Worker:
    """One process and the line to it."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        listeners: Mapping[str, Listener],
        lock: int | None = None,
    ) -> None:
        told, descriptors = inherited.handed_over(listeners)
        self.line = SupervisorEnd()
        theirs = self.line.theirs.fileno()
        kept = (*descriptors, theirs) if lock is None else (*descriptors, theirs, lock)
        own = {inherited.LISTENERS: told, inherited.LINE: str(theirs)}
        try:
            with self.line.theirs:
                self.process = subprocess.Popen(  # noqa: S603 - our own program
                    list(command), env={**environment, **own}, pass_fds=kept
                )
        except OSError:
            self.line.close()
            raise
        self.since = time.monotonic()
        self.is_killed = False

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def age_s(self) -> float:
        """Tell how long ago it was started, or told to retire."""
        return time.monotonic() - self.since

    def retire(self) -> None:
        self.since = time.monotonic()
        self.line.retire()

    def end(self, within_s: float) -> None:
        """Wait for its end, or bring it about."""
        try:
            self.process.wait(timeout=max(0.0, within_s))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Workers:
    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        listeners: Mapping[str, Listener],
        count: int,
        grace_s: float,
        *,
        systemd: Systemd,
        lock: int | None = None,
    ) -> None:
        self._command = command
        self._lock = lock
        self._systemd = systemd
        self._environment = dict(environment)
        self._listeners = listeners
        self._slots: list[_Worker | None] = [None] * count
        self._grace_s = grace_s
        self._deaths: list[float] = []
        self._stillborn = 0
        self._start_at = 0.0
        self._to_replace: deque[_Worker] = deque()
        self._coming: _Worker | None = None
        self._leaving: _Worker | None = None
        self._is_stopping = False
        self._is_restart_wanted = False
        self._was_refused = False
        self._told: str | None = None
        """What the service manager was told last."""

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._restart)
        code = 0
        while not self._is_stopping and code == 0:
            code = self._fill()
            self._replace()
            self._tell()
            self._systemd.is_alive()
            time.sleep(_LOOK_S)
        self._systemd.is_stopping()
        self._end_all()
        return code

    def _tell(self) -> None:
        """Tell the service manager what has changed."""
        is_restarting = self._is_restarting or self._is_restart_wanted
        if self._told is None:
            if any(one is not None and one.line.is_ready for one in self._slots):
                self._systemd.is_serving(_SERVING)
                self._told = _SERVING
        elif is_restarting and self._told != _RESTARTING:
            self._systemd.is_restarting(_RESTARTING)
            self._told = _RESTARTING
        elif not is_restarting and self._told == _RESTARTING:
            self._told = _REFUSED if self._was_refused else _SERVING
            self._systemd.is_serving(self._told)

    def _fill(self) -> int:
        """Start what is missing; gives 1 when that is of no use."""
        for index, worker in enumerate(self._slots):
            if worker is not None and worker.has_ended:
                self._stillborn = 0 if worker.line.is_ready else self._stillborn + 1
                self._forget(worker)
                self._slots[index] = None
                self._deaths.append(time.monotonic())
            elif worker is not None:
                self._end_if_stuck(worker)
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < _WITHIN_S]
        serving = [one for one in self._slots if one is not None and one.line.is_ready]
        if self._stillborn >= _STILLBORN_MAX and not serving:
            return 1
        if len(self._deaths) > _DEATHS_MAX:
            return 0 if any(one.age_s > _WITHIN_S for one in serving) else 1
        for index, worker in enumerate(self._slots):
            if worker is None and now >= self._start_at:
                self._slots[index] = self._start()
        return 0

    def _end_if_stuck(self, worker: _Worker) -> None:
        if worker.is_killed:  # and not gone yet: it waits for a disk
            return
        is_silent = worker.line.look() >= _SILENT_LOOKS_MAX
        is_late = not worker.line.is_ready and worker.age_s > _STARTED_WITHIN_S
        if is_silent or is_late:
            reason = "its loop stands still" if is_silent else "it does not come to listen"
            pid = worker.process.pid
            log.event("worker:stuck", level=logging.ERROR, pid=pid, reason=reason)
            worker.is_killed = True
            worker.process.kill()

    def _replace(self) -> None:
        """Take the restart one step further, if there is one."""
        if self._is_restart_wanted and not self._is_restarting:
            self._is_restart_wanted = self._was_refused = False
            self._to_replace.extend(one for one in self._slots if one is not None)
            log.event("restart:started", workers=len(self._to_replace))
        if self._leaving is not None:
            self._see_off(self._leaving)
        elif self._coming is not None:
            self._receive(self._coming)
        else:
            self._replace_next()

    @property
    def _is_restarting(self) -> bool:
        return bool(self._to_replace or self._coming or self._leaving)

    def _replace_next(self) -> None:
        while self._to_replace:
            if self._to_replace[0] in self._slots:
                self._coming = self._start({inherited.MUST_BE_FIT: "1"})
                if self._coming is None:
                    self._give_up()
                return
            self._to_replace.popleft()  # it died, so it was replaced already

    def _receive(self, coming: _Worker) -> None:
        if coming.has_ended or coming.age_s > _READY_WITHIN_S:
            self._coming = None
            coming.end(0)
            self._forget(coming)
            self._give_up()
        elif coming.line.is_ready:
            old = self._to_replace.popleft()
            self._coming = None
            if old not in self._slots:  # it died meanwhile, and another one was started for it
                coming.retire()
                self._leaving = coming
                return
            self._slots[self._slots.index(old)] = coming
            old.retire()
            self._leaving = old

    def _give_up(self) -> None:
        """Leave the workers that serve as they are."""
        self._to_replace.clear()
        self._was_refused = True
        log.event("restart:refused", level=logging.ERROR)
        with contextlib.suppress(OSError):  # a full disk, or nobody who reads it, ends no worker
            sys.stderr.write("acs: the restart was given up: a new worker does not start\n")

    def _see_off(self, leaving: _Worker) -> None:
        most = SILENT_RETIRING_S + self._grace_s + _CLOSING_S
        if not leaving.has_ended and leaving.age_s <= most:
            return
        leaving.end(0)
        self._leaving = None
        self._forget(leaving)
        if not self._to_replace:
            log.event("restart:done")

    def _start(self, more: Mapping[str, str] | None = None) -> _Worker | None:
        """Start a worker; None where the machine has no room for one just now."""
        try:
            told = {**self._environment, **(more or {})}
            return _Worker(self._command, told, self._listeners, self._lock)
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "")
            log.event("worker:unmade", level=logging.ERROR, reason=reason)
            self._stillborn += 1
            self._start_at = time.monotonic() + _START_AGAIN_S
            return None

    def _forget(self, worker: _Worker) -> None:
        """Drop what an ended worker still says of itself."""
        worker.line.close()
        pid = worker.process.pid
        metrics.forget_process(pid, self._environment["PROMETHEUS_MULTIPROC_DIR"])
        log.event("worker:ended", pid=pid, status=worker.process.returncode)

    def _end_all(self) -> None:
        # Ours go first: with the last worker's copies the listeners are gone, and nobody connects
        # to a queue that no one will ever look into.
        for listener in self._listeners.values():
            listener.close()
        running = [one for one in (*self._slots, self._coming, self._leaving) if one is not None]
        for one in running:
            one.process.terminate()
        end = time.monotonic() + self._grace_s + _CLOSING_S
        for one in running:
            one.end(end - time.monotonic())
            self._forget(one)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _restart(self, _number: int, _frame: FrameType | None) -> None:
        self._is_restart_wanted = True
