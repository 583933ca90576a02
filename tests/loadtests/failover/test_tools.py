"""What a failover needs is found, or named with the way to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtests.failover import tools

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the only folder where programs are looked for."""
    monkeypatch.setattr(tools, "FOLDERS", str(tmp_path))
    return tmp_path


def _program(folder: Path, name: str, says: str = "") -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def test_what_is_missing_is_named_together_with_its_packages(folder: Path) -> None:
    _program(folder, "haproxy")

    with pytest.raises(tools.Missing, match=r"etcd, patroni.*apt-get install"):
        tools.find()


def test_a_patroni_that_takes_its_lock_back_unseen_will_not_do(folder: Path) -> None:
    """Debian 12 has one; an acknowledged write is lost with it."""
    for name in ("etcd", "haproxy"):
        _program(folder, name)
    _program(folder, "patroni", "patroni 3.0.2")

    with pytest.raises(tools.Missing, match=r"patroni 3.1 or newer"):
        tools.find()


@pytest.mark.parametrize(
    ("says", "will_do"),
    [("PgBouncer 1.18.0", False), ("PgBouncer 1.21.0", True), ("PgBouncer 2.0", True), ("", False)],
)
def test_a_pooler_that_loses_prepared_statements_is_none(
    folder: Path, says: str, will_do: bool
) -> None:
    place = _program(folder, "pgbouncer", says)

    assert tools.pgbouncer() == (place if will_do else None)


def test_no_pooler_is_none(folder: Path) -> None:
    assert tools.pgbouncer() is None
