"""Writes the pages that are made from the code; ``--check`` only says which are out of date.

A page is added by one line in PAGES. The tidy tests call ``stale`` so that none grows old.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from acs.challenge.machine import diagram
from acs.config.page import settings_page
from acs.conformance import cases, matrix
from schemas.messages.page import page as message_page
from schemas.messages.tables import EVERY_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent


def machine_page() -> str:
    """Give the challenge machine as it runs."""
    head = "Made from `acs/challenge/machine.py` by `make docs`; change it there."
    return f"# The challenge machine\n\n{head}\n\n{diagram()}"


def conformance_page() -> str:
    """Give which conformance case shows which rule."""
    folder = FOLDER.parent / "tests" / "conformance"
    return matrix.page(matrix.read_rules(folder / "rules.toml"), cases.load(folder / "cases"))


PAGES: dict[str, Callable[[], str]] = {
    "conformance.md": conformance_page,
    "machine.md": machine_page,
    "operate/settings.md": settings_page,
    **{f"messages/{name}.md": partial(message_page, table) for name, table in EVERY_TABLE.items()},
}


def stale() -> list[str]:
    """Give the pages that differ from what the code says now."""
    return [name for name, make in PAGES.items() if _text(FOLDER / name) != make()]


def write() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(make(), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    if "--check" in sys.argv:
        old = stale()
        print("\n".join(f"docs/{name} is out of date: make docs" for name in old))
        sys.exit(bool(old))
    write()
