"""A body kept sealed: given back as it came, never in clear on a disk."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from enrollment.edge.spool import Spool

if TYPE_CHECKING:
    from schemas.vault import Keys


def test_what_was_added_is_given_back_line_by_line(keys: Keys) -> None:
    with Spool(keys.vault, "one") as spool:
        for piece in (b"first\nse", b"cond\n", b"", b"th", b"ird"):
            spool.add(piece)
        lines = spool.lines()

        assert [lines.readline(100) for _ in range(4)] == [b"first\n", b"second\n", b"third", b""]


def test_an_empty_spool_has_no_lines(keys: Keys) -> None:
    with Spool(keys.vault, "one") as spool:
        assert spool.lines().read() == b""


def test_nothing_of_it_is_in_clear_in_the_file(keys: Keys) -> None:
    with Spool(keys.vault, "one") as spool:
        spool.add(b"4000001000000018")
        spool._file.seek(0)

        assert b"4000001000000018" not in spool._file.read()


def test_a_full_disk_is_told_with_the_piece_that_did_not_fit(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not later, when the caller has been told that all of it is there."""
    full = Path("/dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering=-1: full.open("r+b", buffering))
    with Spool(keys.vault, "one") as spool, pytest.raises(OSError) as told:  # noqa: PT011 - errno
        spool.add(b"first")

    assert told.value.errno == errno.ENOSPC


def test_no_folder_for_temporary_files_is_no_room(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The library looks for one by writing: on full disks it says that there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OSError) as told:  # noqa: PT011 - errno
        Spool(keys.vault, "one")

    assert told.value.errno == errno.ENOSPC
