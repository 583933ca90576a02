"""A file of entries of one kind is read, or refused with a sentence that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import entries

if TYPE_CHECKING:
    from pathlib import Path


class _Bad(ValueError):
    pass


def test_the_entries_are_given_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "given.toml"
    file.write_text("[[text]]\nn = 1\n[[text]]\nn = 2\n")
    assert entries.read(file, "text", _Bad) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    "content", [b"", b"text = 1", b"[text]\nn = 1", b"[[text]]\n[[other]]\n", b"=", b"\xff"]
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "given.toml"
    file.write_bytes(content)
    with pytest.raises(_Bad, match=r"given\.toml: "):
        entries.read(file, "text", _Bad)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(_Bad, match="No such file"):
        entries.read(tmp_path / "nowhere.toml", "text", _Bad)
