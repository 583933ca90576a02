"""Finding a text in what somebody else has written. Pure.

A path is dotted; numbers are places in lists: ``messages.0.status``; ``.`` alone is the whole.
"""

from __future__ import annotations

import json
from typing import Final

ID_MAX: Final = 200
"""Characters of a provider's id that are kept: the same for its answers and for its reports."""


def json_of(raw: bytes | None) -> object:
    """Read JSON; None for what is none."""
    try:
        return json.loads(raw or b"null")
    except (ValueError, RecursionError):
        return None


def found_at(content: object, path: str) -> object:
    """Give what stands at a path; None when nothing does."""
    for step in path.split(".") if path != "." else ():
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and step.isdecimal() and int(step) < len(content):
            content = content[int(step)]
        else:
            return None
    return content


def text_at(content: object, path: str) -> str | None:
    """Give the text (or number or truth, as text) at a path; None when there is none."""
    match found_at(content, path):
        case bool() as truth:
            return str(truth).lower()
        case str() | int() as found:
            return str(found)
        case _:
            return None


def id_at(content: object, path: str | None) -> str | None:
    """Give the provider's own id at a path, cut to what is kept."""
    found = text_at(content, path) if path is not None else None
    return kept_id(found)


def kept_id(text: str | None) -> str | None:
    """Give a provider's id as it is kept; None for none.

    Half of a surrogate pair, as JSON may hold one, could not be stored; no id has it or a control.
    """
    return "".join(filter(str.isprintable, text or ""))[:ID_MAX] or None
