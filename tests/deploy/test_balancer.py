"""The balancer before the edges ends TLS for browsers, so it speaks it as the service does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from acs.edges import tls

HAPROXY = Path(__file__).parents[2] / "deploy" / "haproxy"
EDGES = HAPROXY / "edges.cfg"


@pytest.mark.parametrize("side", ["bind", "server"])
def test_browsers_get_no_other_ciphers_from_the_balancer_than_from_the_service(side: str) -> None:
    said = [line.split() for line in EDGES.read_text("utf-8").splitlines()]

    assert [f"ssl-default-{side}-ciphers", tls._CIPHERS_1_2] in said
    assert [f"ssl-default-{side}-options", "ssl-min-ver", "TLSv1.2"] in said


@pytest.mark.parametrize("file", ["edges.cfg", "database.cfg"])
def test_a_server_that_is_asked_over_tls_is_asked_for_its_own_name(file: str) -> None:
    """HAProxy takes any certificate of the bank's authority otherwise."""
    text = (HAPROXY / file).read_text("utf-8")
    sections = [
        one for one in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE) if "verify required" in one
    ]
    servers = [
        words
        for one in sections
        for words in re.findall(r"^    server \S+ (\S+):\d+(.*)$", one, re.MULTILINE)
    ]

    assert len(servers) in {3, 8}
    assert all(rest == f" verifyhost {name}" for name, rest in servers)
