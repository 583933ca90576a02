"""The list of cards is read again when it changes and survives damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.network import cards

if TYPE_CHECKING:
    from pathlib import Path

CARD = cards.Card("4000001000000018", "A", "+48501000101", "7305", "x", "a", "c", "C otp", "3012")


def test_there_are_no_cards_before_the_bank_has_issued_any(tmp_path: Path) -> None:
    assert cards.Cards(tmp_path).all() == ()


def test_a_new_list_is_seen_without_a_restart(tmp_path: Path) -> None:
    known = cards.Cards(tmp_path)
    known.all()
    cards.write(tmp_path, [CARD])

    assert known.all() == (CARD,)


def test_a_damaged_file_leaves_the_last_good_list(tmp_path: Path) -> None:
    cards.write(tmp_path, [CARD])
    known = cards.Cards(tmp_path)
    known.all()
    (tmp_path / cards.FILE_NAME).write_text("{")

    assert known.all() == (CARD,)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    cards.write(tmp_path, [CARD])

    assert (tmp_path / cards.FILE_NAME).stat().st_mode & 0o077 == 0
