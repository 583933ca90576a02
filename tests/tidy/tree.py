"""The files of the project as the house rules look at them."""

from __future__ import annotations

import ast
import gc
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("acs", "enrollment", "otp", "schemas")
"""What runs in production."""


def python_files(*folders: str) -> list[Path]:
    """Give the Python files below these folders of the project, in order."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    """Give a file's path inside the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """Read a Python file; the collector need not look through a million nodes that stay."""
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.freeze()
        gc.enable()


def calls(path: Path) -> list[ast.Call]:
    """Give every call in a file."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
