"""The words of the pages: one catalogue per language, read once at start.

Catalogues are gettext files whose msgid is the text id ("title") and whose msgstr is the text,
with places for values in braces ("{left}"). They are read as they stand, without a compile step.

Laws:
- Every language has every text id, and in each text the same places for values; otherwise the
  service does not start (ValueError).
- A text id never changes its meaning; a test pins the list.
- Texts are plain text. They are escaped like any other value when a page is drawn.
- What a line's end may not part is joined by no-break spaces, so that nobody has to write them: a
  number and its unit, "no." and its number, in Polish and Ukrainian a word of one letter and the
  next. Sentences that another system shows ("info_...") stay as they are written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Final

from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Catalogue = dict[str, str]

_NO_BREAK: Final = "\u00a0"
_ELSEWHERE: Final = "info_"
_JOINED: Final = re.compile(
    r"(?<=\d) (?=[^\W\d_])|(?<=\{s\}) |(?<=\{minutes\}) | (?=Uhr\b)"
    r"|(?<=\bnr) (?=\{)|(?<=\b[Nn][ro]\.) (?=\{)|(?<=№) (?=\{)"
)
_ONE_LETTER: Final = re.compile(r"(?<![\w-])([^\W\d_]) (?=[\w{])")
_BINDS_ONE_LETTER: Final = ("pl", "uk")

_TAG_LENGTH_MAX: Final = 200
"""Longer language headers are cut: nobody's list of languages is longer."""


def load_catalogues(folder: Path, name: str = "pages.po") -> dict[str, Catalogue]:
    """Read ``<folder>/<language>/<name>`` for every language; raise ValueError on a difference."""
    catalogues = {path.parent.name: _read(path) for path in sorted(folder.glob(f"*/{name}"))}
    check_catalogues(catalogues)
    return catalogues


def check_catalogues(catalogues: Mapping[str, Catalogue]) -> None:
    """Raise ValueError unless all languages have the same ids, the same places, no empty text."""
    if not catalogues:
        message = "no catalogue of texts was found"
        raise ValueError(message)
    first, *others = catalogues.items()
    for language, catalogue in others:
        differing = first[1].keys() ^ catalogue.keys()
        if differing:
            message = f"texts of {first[0]} and {language} differ: {sorted(differing)}"
            raise ValueError(message)
    for text_id in first[1]:
        texts = [catalogue[text_id] for catalogue in catalogues.values()]
        if not all(texts) or len({_places(text) for text in texts}) > 1:
            message = f"text {text_id} is empty or differs in its values between languages"
            raise ValueError(message)


def unbroken(text: str) -> str:
    """Keep a number together on one line: its blanks become no-break spaces."""
    return text.replace(" ", _NO_BREAK)


def as_written(text: str) -> str:
    """Give a catalogue's text with ordinary blanks, as it stands in the file."""
    return text.replace(_NO_BREAK, " ")


@lru_cache(maxsize=1024)
def language_wishes(header: str) -> tuple[str, ...]:
    """Give the primary language subtags of a tag or an Accept-Language list, best first.

    Any tag is understood by its first subtag ("en-GB-oxendict" is "en"), so that an unusual one
    never costs the cardholder the language.
    """
    wishes: list[tuple[float, str]] = []
    for part in header[:_TAG_LENGTH_MAX].split(","):
        tag, _, parameters = part.strip().partition(";")
        subtag = tag.strip().replace("_", "-").partition("-")[0].lower()
        weight = _weight(parameters)
        if subtag and weight > 0:
            wishes.append((weight, subtag))
    return tuple(subtag for _, subtag in sorted(wishes, key=lambda wish: -wish[0]))


def choose_language(
    card: str | None, browser: str | None, default: str, available: Iterable[str]
) -> str:
    """Choose the card's own language, else the browser's wish, else the bank's default.

    If not even the default is available, the first available language is taken.
    """
    offered = tuple(available)
    for source in (card, browser, default):
        for wish in language_wishes(source or ""):
            if wish in offered:
                return wish
    return offered[0]


def _read(path: Path) -> Catalogue:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.name, abort_invalid=True)
    texts = {str(message.id): str(message.string) for message in catalogue if message.id}
    return {text_id: _typeset(text_id, text, path.parent.name) for text_id, text in texts.items()}


def _typeset(text_id: str, text: str, language: str) -> str:
    if text_id.startswith(_ELSEWHERE):
        return text
    joined = _JOINED.sub(_NO_BREAK, text)
    if language not in _BINDS_ONE_LETTER:
        return joined
    return _ONE_LETTER.sub(rf"\1{_NO_BREAK}", joined)


def _places(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
