"""The configurations under `deploy/`, with this machine's names in place of the bank's."""

from collections.abc import Mapping
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"


def adapted(file: str, changes: Mapping[str, str]) -> str:
    """Give the text of a file with every key replaced by its value.

    Raises ValueError for a key that is not there: then this machine runs something else than what
    stands in the file.
    """
    text = (DEPLOY / file).read_text(encoding="utf-8")
    for literal in sorted(changes, key=len, reverse=True):  # db1.bank before db1
        if literal not in text:
            message = f"deploy/{file} does not say {literal!r}"
            raise ValueError(message)
        text = text.replace(literal, changes[literal])
    return text
