"""The documents tell what the code is: generated pages are fresh, nothing is left out."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.tidy.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "docs/ARCHITECTURE.md",
    "docs/DIVERGENCES.md",
    "docs/GLOSSARY.md",
    "docs/STYLE.md",
    "docs/THREAT_MODEL.md",
)
WRITTEN = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_made_from_the_code_are_fresh() -> None:
    assert _generate().stale() == []  # make docs


@pytest.mark.parametrize("file", NEEDED)
def test_the_document_is_there(file: str) -> None:
    assert (ROOT / file).exists()


def test_every_dependency_says_what_it_is_for() -> None:
    listed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    listed += [entry for group in PROJECT["dependency-groups"].values() for entry in group]
    names = {re.split(r"[\[<>=;! ]", entry)[0].lower() for entry in listed}
    page = (ROOT / "docs" / "adr" / "dependencies.md").read_text(encoding="utf-8")

    assert sorted(one for one in names if f"| {one} |" not in page) == []


def test_every_target_of_make_is_in_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None

    silent = [
        target
        for target in phony.group(1).split()
        if not re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE)
    ]
    assert silent == []


def test_a_decision_has_a_number_of_its_own() -> None:
    files = sorted(file.name for file in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [file[:4] for file in files]

    assert files
    assert len(set(numbers)) == len(numbers)
    assert [file for file in files if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", file)] == []


def test_every_decision_is_in_the_list_of_them() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"\((\d{4}-[^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))

    assert listed == sorted(file.name for file in folder.glob("[0-9]*.md"))


def _anchors(page: Path) -> set[str]:
    """Give what a link may name in a page: its headings, spelled as forges spell them."""
    prose = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WRITTEN, ids=[str(one.relative_to(ROOT)) for one in WRITTEN])
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(target)

    assert broken == []


def test_the_locks_name_no_index_and_no_place() -> None:
    for lock in (ROOT / "locks").glob("*.txt"):
        lines = lock.read_text(encoding="utf-8").splitlines()

        assert [line for line in lines if "://" in line or line.startswith("--")] == []
