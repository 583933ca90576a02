"""The block-list: big enough, and in the form it is compared in."""

from __future__ import annotations

from enrollment.common_passwords import COMMON


def test_the_list_has_some_hundred_words_in_small_letters() -> None:
    assert len(COMMON) > 300
    assert all(word == word.casefold() and word.strip() for word in COMMON)
