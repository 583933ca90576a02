"""The address of a request: told by a proxy of ours, or the peer's own."""

from __future__ import annotations

import pytest

from acs.edges.proxies import client_address, networks

_OURS = networks(["10.0.0.0/24", "fd00::1"])


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        # One that listens on IPv6 for both writes IPv4 so.
        ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        # Whoever is not ours is himself, whatever he tells.
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        # What was written before our proxy is a claim of its client.
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        # Nothing that can be read stands there: the proxy itself is all that is known.
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, "], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        (None, ["203.0.113.7"], None),
        ("/run/acs.sock", ["203.0.113.7"], "/run/acs.sock"),
    ],
)
def test_the_nearest_address_that_is_not_a_proxy_of_ours_counts(
    peer: str | None, told: list[str], found: str | None
) -> None:
    assert client_address(peer, told, _OURS) == found


def test_without_a_list_nobody_is_believed() -> None:
    assert client_address("127.0.0.1", ["203.0.113.7"], ()) == "127.0.0.1"


@pytest.mark.parametrize("text", ["balancer", "10.0.0.1/24", ""])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        networks([text])
