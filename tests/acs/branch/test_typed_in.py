"""Numbers that are no options."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from acs.branch import typed_in
from acs.branch.typed_in import NotGiven

if TYPE_CHECKING:
    from pathlib import Path


def test_numbers_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_text("identifier = 44051401359\n\nphone=+48 600 700 761\npan=1\n")

    assert typed_in.read(str(file), ("identifier", "phone")) == {
        "identifier": "44051401359", "phone": "+48 600 700 761",
    }  # fmt: skip


def test_numbers_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("phone=+48600700761\n"))

    assert typed_in.read("-", ("phone",)) == {"phone": "+48600700761"}


@pytest.mark.parametrize("text", ["4000001000000018\n", "pin=4000001000000018\n", "pan=\n", ""])
def test_what_is_missing_or_wrong_is_said_without_the_number(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(NotGiven) as caught:
        typed_in.read("-", ("pan",))

    assert "4000001000000018" not in str(caught.value)


@pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
def test_who_ends_the_question_reads_a_sentence(
    monkeypatch: pytest.MonkeyPatch, key: type[BaseException]
) -> None:
    """Ctrl-D and Ctrl-C, as the terminal's own function gives them."""

    def ended(_prompt: str) -> str:
        raise key

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", ended)
    with pytest.raises(NotGiven, match="card number"):
        typed_in.read(None, ("pan",))


def test_without_a_terminal_and_a_source_a_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(NotGiven, match="--numbers"):
        typed_in.read(None, ("phone",))
