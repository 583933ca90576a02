"""PostgreSQL as a child process, for a service that was given no database of its own.

Laws:
- It is a real PostgreSQL with durable settings: what was committed survives a kill of everything.
- It listens on a Unix socket only, in a folder that nobody but its account can enter; that folder
  is the whole access control, so there is no password.
- One data directory has one server. A second starter joins the running one; a server that is still
  shutting down is waited for; what a kill left behind is cleaned up by PostgreSQL's own recovery.
- PostgreSQL refuses to run as root. Started by root it runs as the owner of the data directory, and
  for a new one as ``nobody``; a folder that this account cannot enter is never opened for it, the
  data moves to FALLBACK instead and ``postgres.moved`` in the data directory says where.
- Its log holds no statement, parameter or row: those may carry what must not be written.

Start it from the main thread: on Linux the kernel stops the server when the starting thread ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from acs import log
from acs.store.postgres_binaries import Account, find, reachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FALLBACK = Path("/var/lib/threeds-acs")
"""Where root's data goes when the account of PostgreSQL cannot enter the data directory."""

_PORT = 5432  # names the socket file; nothing listens on TCP
_SOCKET_FOLDER_MAX = 85  # a socket's path fits 104 bytes (macOS); its file name needs 16 of them
_STATUS_LINE = 8  # of postmaster.pid: "ready", "starting", "stopping"
_STOP_S = 20
_PROBE = (8).to_bytes(4) + (80877103).to_bytes(4)  # SSLRequest: answered by one byte
_PROBE_S = 2
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",  # every statement here is short
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_WAIT_AND_RETRY = (b"pre-existing shared memory block", b"lock file", b"could not bind")


class PostgresFailed(Exception):
    """PostgreSQL did not start; the text names its log file."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one server lives and who runs it."""

    home: Path
    account: Account | None  # None: the account of this process

    @property
    def uid(self) -> int | None:
        return None if self.account is None else self.account.uid

    @property
    def gid(self) -> int | None:
        return None if self.account is None else self.account.gid

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def sockets(self) -> Path:
        beside = self.home / "run"
        if len(os.fsencode(beside)) <= _SOCKET_FOLDER_MAX:
            return beside
        mark = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"threeds-acs-{mark}"


class EmbeddedPostgres:
    """A running server: ours, or one that another process of the service started."""

    def __init__(self, place: _Place, process: subprocess.Popen[bytes] | None) -> None:
        """Hold a running server; made by ``start`` only."""
        self._process = process
        self._sockets = place.sockets

    @classmethod
    def start(
        cls,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 60,
    ) -> Self:
        """Start the server of ``data_dir``/postgres, or join it when it runs; makes database acs.

        ``settings`` go over the durable defaults. Blocks until connections are accepted. Raises
        NoPostgres and PostgresFailed.
        """
        deadline = time.monotonic() + timeout_s
        data_dir.mkdir(parents=True, exist_ok=True)
        with _lock(data_dir / "postgres.lock", deadline):
            place = _place_for(data_dir.resolve())
            _await_end_of_stopping(place, deadline)
            if _accepts(place):
                log.event("database:joined")
                return cls(place, None)
            process = _start(place, {**_SETTINGS, **(settings or {})}, deadline)
        log.event("database:started", pid=process.pid)
        return cls(place, process)

    @property
    def dsn(self) -> str:
        """Give the address of the database ``acs``."""
        return self.dsn_of("acs")

    def dsn_of(self, database: str) -> str:
        """Give the address of one database of this server."""
        folder = quote(str(self._sockets), safe="/")
        return f"postgresql://acs@/{database}?host={folder}&port={_PORT}"

    @property
    def is_ours(self) -> bool:
        """Tell whether this process started the server, and so whether ``stop`` stops it."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Give the process id of our server."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """Stop our server with a fast shutdown; a joined server is left alone. May be repeated."""
        process, self._process = self._process, None
        if process is None:
            return
        for stop_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.send_signal(stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
                break
        log.event("database:stopped")


@contextlib.contextmanager
def _lock(path: Path, deadline: float) -> Iterator[None]:
    """Let one starter at a time through; the kernel frees the lock of a dead one."""
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    message = f"another process has been starting PostgreSQL for long: {path}"
                    raise PostgresFailed(message) from error
                time.sleep(0.02)
            else:
                break
        yield


def _place_for(data_dir: Path) -> _Place:
    pointer = data_dir / "postgres.moved"
    home = Path(pointer.read_text().strip()) if pointer.exists() else data_dir / "postgres"
    if os.geteuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return _Place(home, None)
    account = _account_for(home)
    if not pointer.exists() and not account.may_enter(data_dir):
        mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        home = FALLBACK / f"{mark}-{secrets.token_hex(4)}"
        pointer.write_text(f"{home}\n")
        log.event("database:moved", folder=str(home))
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    home.chmod(0o755)  # holds nothing itself; what lies in it is closed
    os.chown(home, account.uid, account.gid)
    return _Place(home, account)


def _account_for(home: Path) -> Account:
    for existing in (home / "data", home):
        if existing.exists() and (facts := existing.stat()).st_uid != 0:
            return Account(facts.st_uid, facts.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _start(place: _Place, settings: Mapping[str, str], deadline: float) -> subprocess.Popen[bytes]:
    marker = place.data / "PG_VERSION"
    binaries = find(int(marker.read_text()) if marker.exists() else None)
    if place.account is not None:
        binaries = reachable(binaries, place.account, place.home)
    _make_socket_folder(place)
    with place.log.open("ab") as log_file:
        if not marker.exists():
            _make_cluster(place, binaries.folder, log_file.fileno())
        while True:
            _forget_dead_owner(place)
            begin = log_file.seek(0, os.SEEK_END)
            process = _launch(place, binaries.folder / "postgres", settings, log_file.fileno())
            if _await_ready(place, process, deadline):
                return process
            said = place.log.read_bytes()[begin:]
            may_pass = any(reason in said for reason in _WAIT_AND_RETRY)
            if not may_pass or time.monotonic() > deadline:
                message = f"PostgreSQL did not start, {_last_word(place)}"
                raise PostgresFailed(message)
            time.sleep(0.1)  # the last processes of a killed server need a moment to go


def _last_word(place: _Place) -> str:
    """Give where PostgreSQL's log is and what it said last; the log holds no values."""
    lines = place.log.read_text(encoding="utf-8", errors="replace").splitlines()
    faults = [line for line in lines if "FATAL" in line or line.startswith("initdb: ")]
    return f"see {place.log}: {faults[-1] if faults else 'it says nothing'}"


def _make_socket_folder(place: _Place) -> None:
    folder = place.sockets
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if place.account is not None:
            os.chown(folder, place.account.uid, place.account.gid)
    facts = folder.lstat()
    wanted = os.geteuid() if place.account is None else place.account.uid
    if facts.st_uid != wanted or folder.is_symlink():
        message = f"{folder} belongs to somebody else; remove it"
        raise PostgresFailed(message)
    folder.chmod(0o700)


def _make_cluster(place: _Place, programs: Path, log_fd: int) -> None:
    # Made under another name and renamed when complete, so that a kill leaves no half of one.
    draft = place.home / "draft"
    if draft.exists():
        shutil.rmtree(draft)
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        draft,
        "-U",
        "acs",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--data-checksums",
    ]
    single: list[str | Path] = [programs / "postgres", "--single", "-D", draft, "postgres"]
    commands: list[tuple[list[str | Path], bytes]] = [
        (initdb, b""),
        (single, b"CREATE DATABASE acs;\n"),
    ]
    for command, given in commands:
        answer = subprocess.run(  # noqa: S603 - programs found at a fixed place, no shell
            command,
            input=given,
            stdout=subprocess.DEVNULL,
            stderr=log_fd,
            check=False,
            cwd=place.home,
            env=_environment(),
            user=place.uid,
            group=place.gid,
            extra_groups=None if place.account is None else [],
        )
        if answer.returncode != 0:
            message = f"PostgreSQL could not make its data directory, {_last_word(place)}"
            raise PostgresFailed(message)
    draft.rename(place.data)


def _launch(
    place: _Place, program: Path, settings: Mapping[str, str], log_fd: int
) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [
        program,
        "-D",
        place.data,
        "-k",
        place.sockets,
        "-p",
        str(_PORT),
    ]
    fixed = {"listen_addresses": "", "unix_socket_permissions": "0700"}
    for name, value in {**settings, **fixed}.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(  # noqa: S603 - a program found at a fixed place, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log_fd,
        # Its own process group: Ctrl-C stops the service first, and the service stops its database.
        process_group=0,
        preexec_fn=_dies_with_parent(),  # noqa: PLW1509 - one system call, prepared before the fork
        cwd=place.home,
        env=_environment(),
        user=place.uid,
        group=place.gid,
        extra_groups=None if place.account is None else [],
    )


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
    return {**kept, "LANG": "C"}


def _dies_with_parent() -> Callable[[], None] | None:
    """Prepare the call that has the kernel stop the child when we die (Linux only).

    Elsewhere a killed parent leaves the server running; the next starter joins it.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(1, int(signal.SIGINT))  # 1 = PR_SET_PDEATHSIG; SIGINT = fast shutdown
        if os.getppid() != parent:  # died between the fork and the call
            os._exit(1)

    return ask_kernel


def _await_ready(place: _Place, process: subprocess.Popen[bytes], deadline: float) -> bool:
    while time.monotonic() < deadline:
        pid, status = _pid_and_status(place)
        if pid == process.pid and status == "ready":
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    process.send_signal(signal.SIGQUIT)
    process.wait()
    return False


def _await_end_of_stopping(place: _Place, deadline: float) -> None:
    """Wait while another process's server is between two states: starting or stopping."""
    while time.monotonic() < deadline:
        pid, status = _pid_and_status(place)
        if pid is None or not _is_server(pid, place) or (status == "ready" and _accepts(place)):
            return
        time.sleep(0.05)


def _pid_and_status(place: _Place) -> tuple[int | None, str]:
    try:
        lines = (place.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None, ""
    pid = lines[0].strip() if lines else ""
    status = lines[_STATUS_LINE - 1].strip() if len(lines) >= _STATUS_LINE else ""
    return (abs(int(pid)) if pid.lstrip("-").isdigit() else None), status


def _accepts(place: _Place) -> bool:
    pid, status = _pid_and_status(place)
    if pid is None or status != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(str(place.sockets / f".s.PGSQL.{_PORT}"))
            probe.sendall(_PROBE)
            return bool(probe.recv(1))  # a server that was killed a moment ago says nothing
        except OSError:
            return False


def _is_server(pid: int, place: _Place) -> bool:
    """Tell whether the process is the live server of this data directory, not a namesake."""
    return os.fsencode(place.data) in _command_line(pid)


def _command_line(pid: int) -> bytes:
    """Give the command line of a live process; a dead one's, even if not yet reaped, is empty."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    answer = subprocess.run(  # noqa: S603 - fixed words
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - its folder differs
        capture_output=True,
        check=False,
    )
    return answer.stdout


def _forget_dead_owner(place: _Place) -> None:
    """Take the id of a dead server out of the files it left, for it may be in use again.

    PostgreSQL refuses to start while a process of that id exists, whatever it is and be it not yet
    reaped; only its parent's id it lets pass, so ours is put in. postmaster.pid itself must stay:
    its shared memory key shows whether workers of the killed server are still at work, and
    PostgreSQL checks that.
    """
    pid, _ = _pid_and_status(place)
    if pid is not None and _is_server(pid, place):
        return
    (place.sockets / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)
    if pid is not None:
        path = place.data / "postmaster.pid"
        _, _, rest = path.read_text().partition("\n")
        path.write_text(f"{os.getpid()}\n{rest}")
