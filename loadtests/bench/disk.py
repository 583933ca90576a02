"""What a database writes goes on to the disk soon, as docs/operate/production.md sets the kernel.

    python -m loadtests.bench.disk FOLDER

A kernel as installed keeps what was written to a file for 30 s and then hands on all of it at
once. For these moments no commit reaches the disk, and every answer waits for one. Where the kernel
is not set to do it sooner, this program does it for the files of one database, until its input
ends; without it a benchmark tells how many of the kernel's turns fell into it.
"""

import asyncio
import contextlib
import ctypes
import os
import select
import stat
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

_KERNEL = Path("/proc/sys/vm")
_SOON_CS = 100
"""A second: what is written in it is on the disk in a few milliseconds."""
_TURN_S = 0.5
_CLOCK_S = 0.1
"""A change may seem this much older than it is: a file system's clock is coarse."""
_BEGIN, _WAIT = 2, 4
"""SYNC_FILE_RANGE_WRITE begins to write what is not being written yet, WAIT_AFTER waits for it."""
_LOG = "pg_wal"
"""The log's files reach the disk with each commit."""


def told(kernel: Path = _KERNEL) -> str:
    """Tell who hands on what is written, and when."""
    if not hasattr(_libc(), "sync_file_range"):
        return "by the system, when it likes"
    if _is_soon(kernel):
        return "by the kernel, within seconds"
    return f"by the benchmark, every {_TURN_S:g} s; this kernel would keep it longer"


@asynccontextmanager
async def handed_on(folder: Path | None, kernel: Path = _KERNEL) -> AsyncIterator[Process | None]:
    """Have it done until the block ends; what was written before is on the disk when it begins.

    None where the kernel does it, or without a folder.
    """
    if folder is None or _is_soon(kernel) or not hasattr(_libc(), "sync_file_range"):
        yield None
        return
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(folder)),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        await program.stdout.readline()
        yield program
    finally:
        assert program.stdin is not None
        program.stdin.close()
        await program.wait()


def hand_on(folder: Path, since: float, *, wait: bool = False) -> int:
    """Begin to write to the disk what files hold that changed since then; gives how many did.

    ``wait``: until it is there.
    """
    begun = 0
    for path in _changed(folder, since):
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                begin(descriptor, wait=wait)
            finally:
                os.close(descriptor)
            begun += 1
    return begun


def _is_soon(kernel: Path) -> bool:
    try:
        waits = [
            int((kernel / name).read_text("ascii"))
            for name in ("dirty_expire_centisecs", "dirty_writeback_centisecs")
        ]
    except OSError:
        return False
    return all(0 < wait <= _SOON_CS for wait in waits)


def _changed(folder: Path, since: float) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        if _LOG in folders:
            folders.remove(_LOG)
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 (a thousand files twice a second)
            with contextlib.suppress(FileNotFoundError):
                about = os.stat(path)  # noqa: PTH116
                if stat.S_ISREG(about.st_mode) and about.st_mtime >= since:
                    yield path


def begin(descriptor: int, *, wait: bool = False) -> None:
    """Have the kernel begin to write a file to the disk; raises OSError for what is no file."""
    whole = ctypes.c_int64(0)
    if _libc().sync_file_range(descriptor, whole, whole, _BEGIN | (_WAIT if wait else 0)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Hand on what is written until the input ends."""
    folder, since = Path(sys.argv[1]), time.time() - _CLOCK_S
    hand_on(folder, 0.0, wait=True)
    print("on the disk", flush=True)
    while not select.select([sys.stdin], [], [], _TURN_S)[0]:
        began = time.time()
        hand_on(folder, since)
        since = began - _CLOCK_S
    return 0


if __name__ == "__main__":
    sys.exit(main())
