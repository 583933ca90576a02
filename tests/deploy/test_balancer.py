"""The balancer before the edges ends TLS for browsers, so it speaks it as the service does."""

from __future__ import annotations

from pathlib import Path

import pytest

from acs.edges import tls

EDGES = Path(__file__).parents[2] / "deploy" / "haproxy" / "edges.cfg"


@pytest.mark.parametrize("side", ["bind", "server"])
def test_browsers_get_no_other_ciphers_from_the_balancer_than_from_the_service(side: str) -> None:
    said = [line.split() for line in EDGES.read_text("utf-8").splitlines()]

    assert [f"ssl-default-{side}-ciphers", tls._CIPHERS_1_2] in said
    assert [f"ssl-default-{side}-options", "ssl-min-ver", "TLSv1.2"] in said
