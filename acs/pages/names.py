"""A merchant's name made safe to look at.

The name comes from the acquirer's side and is shown beside the amount that the cardholder is to
confirm, so it must not be able to reorder, hide or imitate the text around it. Pure.

Laws:
- Nothing invisible stays: control, formatting, bidirectional and zero-width characters, private
  use, lone surrogates, letters that are drawn as blanks.
- What the cardholder can read stays as it is, addresses included: "allegro.pl" is a name, and
  nothing on the page becomes a link. (Text messages have stricter rules of their own.)
- Cleaning is idempotent.
"""

from __future__ import annotations

import unicodedata
from typing import Final

NAME_LENGTH_MAX: Final = 80
"""Characters shown at most; merchantName has 40 on the wire, and NFKC may make some longer."""

_MARKS_MAX: Final = 2
"""Combining marks kept on one letter: enough for every living script's names, too few to draw
over the neighbouring lines."""

# Letters, symbols and marks by category, but drawn as nothing or as a blank.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_DROPPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_SPACE_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp"})


def shown_name(name: str, fallback: str = "") -> str:
    """Clean a merchant's name for display; give ``fallback`` if no letter or digit is left.

    A row of signs names nobody, and a text message has another name for the payee then.
    """
    # Taking something out may bring two characters together that make a new one.
    cleaned = _cleaned_once(name)
    while cleaned != name:
        name, cleaned = cleaned, _cleaned_once(cleaned)
    return cleaned if any(map(str.isalnum, cleaned)) else fallback or cleaned


def _cleaned_once(name: str) -> str:
    normal = unicodedata.normalize("NFKC", name)
    visible = "".join(_kept(character) for character in normal)
    return _few_marks(" ".join(visible.split()))[:NAME_LENGTH_MAX].rstrip()


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACE_CATEGORIES or character in "\t\n\r\v\f":
        return " "
    if category in _DROPPED_CATEGORIES or character in _BLANK or _is_variation(character):
        return ""
    return character


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _few_marks(text: str) -> str:
    kept: list[str] = []
    # A mark at the very start would sit on whatever the page shows before the name.
    marks = _MARKS_MAX
    for character in text:
        is_mark = unicodedata.category(character) in {"Mn", "Me"}
        marks = marks + 1 if is_mark else 0
        if marks <= _MARKS_MAX:
            kept.append(character)
    return "".join(kept)
