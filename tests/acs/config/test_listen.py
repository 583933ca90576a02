"""Addresses of listeners: read as they are written, and whether they are this machine."""

from __future__ import annotations

import pytest

from acs.config.listen import Listen


@pytest.mark.parametrize("text", ["127.0.0.1:8081", "[::1]:8081", "localhost:0", "acs.example:443"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(Listen.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8081",
        ":8081",
        "host",
        "host:",
        "host:99999",
        "::1:80",
        "[]:1",
        "h:²",
        "a b:1",
        "a..b:1",
        "*:1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not host:port"):
        Listen.parse(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("h", False)],
)
def test_only_loopback_is_this_machine(host: str, local: bool) -> None:
    assert Listen(host, 1).is_loopback is local
