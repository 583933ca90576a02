"""Every module has a test module at its own path, and every test module a module it tests."""

from __future__ import annotations

from pathlib import PurePath

from tests.tidy.tree import PACKAGES, ROOT, name, python_files

# Modules without a test module of their own, each with the reason.
WITHOUT: dict[str, str] = {
    "acs/__main__.py": "the command line's first step; tests/story starts it as a process",
}
# Test modules that look at more than one module, each with the reason.
ACROSS: dict[str, str] = {}


def test_every_module_has_its_tests() -> None:
    missing = [
        source
        for source in _sources()
        if source not in WITHOUT and not (ROOT / _test_of(source)).exists()
    ]

    assert missing == []


def test_every_test_module_tests_a_module() -> None:
    wanted = {_test_of(source) for source in _sources()}
    found = [
        name(file)
        for file in python_files(*(f"tests/{package}" for package in PACKAGES))
        if file.name.startswith("test_")
    ]

    assert [test for test in found if test not in wanted and test not in ACROSS] == []


def test_an_exception_that_is_none_any_more_is_taken_off() -> None:
    assert [source for source in WITHOUT if not (ROOT / source).exists()] == []
    assert [source for source in WITHOUT if (ROOT / _test_of(source)).exists()] == []
    assert [test for test in ACROSS if not (ROOT / test).exists()] == []


def _sources() -> list[str]:
    return [name(file) for file in python_files(*PACKAGES) if file.name != "__init__.py"]


def _test_of(source: str) -> str:
    path = PurePath(source)
    return (PurePath("tests") / path.parent / f"test_{path.name}").as_posix()
