"""Every reader keeps its invariant on its corpus and on changes of it; `make fuzz` goes on."""

from __future__ import annotations

import ast
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.run import CORPUS, HERE, TARGETS, check_of, mutated, seeds

if TYPE_CHECKING:
    from pathlib import Path

FILES = [file.relative_to(CORPUS) for file in sorted(CORPUS.glob("*/*"))]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_corpus_breaks_no_invariant(file: Path) -> None:
    check_of(file.parts[0])((CORPUS / file).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_changes_of_the_corpus_break_no_invariant(target: str) -> None:
    check, corpus = check_of(target), seeds(target)
    for seed in range(300):
        check(mutated(random.Random(seed), corpus))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=100)
@given(data=st.binary(max_size=64))
def test_any_bytes_break_no_invariant(target: str, data: bytes) -> None:
    check_of(target)(data)


def test_every_target_says_its_invariant_first_and_has_a_corpus() -> None:
    assert {file.parts[0] for file in FILES} == set(TARGETS)
    for target in TARGETS:
        tree = ast.parse((HERE / "targets" / f"{target}.py").read_text(encoding="utf-8"))
        assert (ast.get_docstring(tree) or "").endswith(".")


def test_the_corpus_stays_small() -> None:
    assert sum((CORPUS / file).stat().st_size for file in FILES) < 256 * 1024
