"""A bank's own TOML file that has entries of one kind and nothing else."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, kind: str, fault: type[ValueError]) -> list[Any]:
    """Give the entries ``[[kind]]`` as they stand; raise ``fault`` with a sentence for the rest."""
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: {error}"
        raise fault(message) from error
    rows = content.get(kind)
    if set(content) != {kind} or not isinstance(rows, list):
        message = f"{path}: it has entries [[{kind}]] and nothing else"
        raise fault(message)
    return rows
