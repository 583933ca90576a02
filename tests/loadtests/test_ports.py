"""Ports that are told beforehand: different ones, free, and never those of a connection."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from loadtests import ports

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_free_and_lie_below_those_of_connections() -> None:
    found = ports.free_ports(6)

    assert len(set(found)) == 6
    for port in found:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as connection:
            assert max(found) < connection.getsockname()[1]


def test_one_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    class Chance:
        def sample(self, _: range, count: int) -> list[int]:
            return [taken, *(taken + number for number in range(1, count))]

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports.free_ports(1)[0]))
        taken = holder.getsockname()[1]
        monkeypatch.setattr(ports, "_chance", Chance())
        assert taken not in ports.free_ports(1)


@pytest.mark.parametrize("told", ["", "words", "1024 65000"])
def test_a_system_that_says_nothing_of_use_is_taken_for_a_usual_one(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "range"
    file.write_text(told)
    monkeypatch.setattr(ports, "_RANGE", file)
    assert max(ports.free_ports(3)) < 32_768
