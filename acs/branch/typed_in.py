"""Numbers that are no options: read from a file, from standard input, or asked for unseen."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES: Final = {
    "identifier": "PESEL or the bank's number",
    "phone": "mobile number, +48...",
    "pan": "card number",
    "birth_date": "date of birth, YYYY-MM-DD",
}
"""What may be asked for, and how it is asked."""


class NotGiven(Exception):
    """A number that is needed was not given; the message is a sentence for the operator."""


def read(source: str | None, wanted: Sequence[str]) -> dict[str, str]:
    """Give what is wanted; ``source`` is a file of lines ``name=value``, ``-``, or None = ask.

    Raises NotGiven.
    """
    if source == "-" and sys.stdin is None:  # closed, as by `<&-`
        message = "there is no standard input to read"
        raise NotGiven(message)
    if source is None and sys.stdin is not None and sys.stdin.isatty():
        return {name: _asked(name) for name in wanted}
    if source is None:
        message = f"give {' and '.join(wanted)} by --numbers FILE, or - for standard input"
        raise NotGiven(message)
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{source} cannot be read: {type(error).__name__}"
        raise NotGiven(message) from error
    return _lines(text, wanted)


def _asked(name: str) -> str:
    try:
        return getpass.getpass(f"{NAMES[name]}: ").strip()
    except (EOFError, KeyboardInterrupt):
        message = f"{NAMES[name]}: not given, nothing was done"
        raise NotGiven(message) from None


def _lines(text: str, wanted: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or name.strip() not in NAMES:
            # Secret: the line itself is not repeated, it may be a number.
            message = f"line {number} of the numbers is not one of {', '.join(NAMES)} = value"
            raise NotGiven(message)
        found[name.strip()] = value.strip()
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        message = f"the numbers lack {', '.join(missing)}"
        raise NotGiven(message)
    return {name: found[name] for name in wanted}
