"""The network is a second implementation: it shares no line with the service it talks to."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import loadtests.network

FOLDER = Path(loadtests.network.__file__).parent
ALLOWED = {*sys.stdlib_module_names, "aiohttp", "jinja2", "jwt", "cryptography"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_a_module_of_the_network_imports_nothing_of_the_service(path: Path) -> None:
    strangers = {
        name
        for name in imported(path)
        if name.split(".")[0] not in ALLOWED and not name.startswith("loadtests.network")
    }

    assert strangers == set()
