"""Writes the pages that are made from the code; ``--check`` only says which are out of date.

A page is added by one line in PAGES. The tidy tests call ``stale`` so that none grows old.
"""

from __future__ import annotations

import json
import re
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


def alert_rules() -> str:
    """Give the alerts of `operate/alarms.md` as Prometheus reads them; JSON texts are YAML, too."""
    lines = ["# Made from docs/operate/alarms.md by `make docs`; change them there.", "groups:"]
    for part in _text(FOLDER / "operate" / "alarms.md").split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        rows = [found.groups() for found in map(_ALERT.fullmatch, body.split("\n")) if found]
        lines += [f"- name: {json.dumps(title)}", "  rules:"] if rows else []
        for alert, expression, wait, severity, means, do in rows:
            lines += [f"  - alert: {alert}", f"    expr: {json.dumps(_plain(expression))}"]
            lines += [f"    for: {wait.replace(' ', '').replace('min', 'm')}"] * (wait != "at once")
            lines += [f"    labels: {{severity: {severity}}}", "    annotations:"]
            lines += [f"      summary: {json.dumps(_plain(means), ensure_ascii=False)}"]
            lines += [f"      action: {json.dumps(_plain(do), ensure_ascii=False)}"]
    return "\n".join([*lines, ""])


def _plain(cell: str) -> str:
    return _LINK.sub(r"\1", cell).replace("\\|", "|")


_CELL = r" ((?:\\\||[^|])+) \|"
_ALERT = re.compile(r"\| `(Acs\w+)` \| `((?:\\\||[^|])+)` \|" + 4 * _CELL)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")

PAGES: dict[str, Callable[[], str]] = {
    "../deploy/prometheus/acs.rules.yml": alert_rules,
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
