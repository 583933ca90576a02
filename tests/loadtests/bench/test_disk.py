"""What was written is handed to the disk, by the kernel or by us."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest

from loadtests.bench import disk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sync_file_range is Linux's")


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A kernel as installed."""
    folder = tmp_path / "vm"
    folder.mkdir()
    (folder / "dirty_expire_centisecs").write_text("3000\n")
    (folder / "dirty_writeback_centisecs").write_text("500\n")
    return folder


def test_files_that_changed_are_handed_on_but_not_the_log(tmp_path: Path) -> None:
    for name in ("base/5/1259", "base/5/1259_fsm", "pg_wal/000000010000000000000001"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(8192))
    (tmp_path / "base/5/16384").write_bytes(b"")
    changed = (tmp_path / "base/5/1259").stat().st_mtime

    assert disk.hand_on(tmp_path, changed - 60) == 3
    assert disk.hand_on(tmp_path, changed + 60) == 0


@pytest.mark.parametrize("name", ["dirty_expire_centisecs", "dirty_writeback_centisecs"])
def test_a_kernel_that_waits_is_helped_and_one_that_does_not_is_left_alone(
    kernel: Path, name: str
) -> None:
    assert "by the benchmark" in disk.told(kernel)
    for each in kernel.iterdir():
        each.write_text("50\n")
    assert "by the kernel" in disk.told(kernel)

    (kernel / name).write_text("0\n")  # never

    assert "by the benchmark" in disk.told(kernel)


def test_the_kernel_is_truly_asked() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match=os.strerror(errno.ESPIPE)):
            disk.begin(reading)  # of a file alone
    finally:
        os.close(reading)
        os.close(writing)


async def test_the_program_runs_as_long_as_what_it_is_for(tmp_path: Path, kernel: Path) -> None:
    async with disk.handed_on(tmp_path, kernel) as program:
        assert program is not None
        assert program.returncode is None
    assert await program.wait() == 0

    async with disk.handed_on(None, kernel) as none:
        assert none is None
