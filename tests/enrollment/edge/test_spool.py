"""A body kept sealed: given back as it came, never in clear on a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
