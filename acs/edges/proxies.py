"""Whose address a request has, where a proxy of ours stands before the edge.

Addresses are counted (registrations, sign-ins) and kept as evidence, so nobody may choose one:
what ``X-Forwarded-For`` tells counts only as far as it was written by an address on our list.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Networks = tuple[IPv4Network | IPv6Network, ...]
HEADER = "X-Forwarded-For"


def networks(texts: Iterable[str]) -> Networks:
    """Read addresses and networks (``10.1.2.0/24``). Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str | None, told: Sequence[str], trusted: Networks) -> str | None:
    """Give the nearest address that is not a proxy of ours.

    ``peer`` is who is connected, ``told`` the header's lines: each hop adds at the end whom it was
    connected to. Reading starts at the near end and stops at the first that we do not trust, or
    behind which stands no address.
    """
    hops = [hop.strip() for line in told for hop in line.split(",")]
    nearest = peer
    for hop in chain(reversed(hops), (None,)):
        if nearest is None or hop is None or not _is_ours(nearest, trusted):
            break
        try:
            nearest = str(_plain(hop))
        except ValueError:
            break
    return nearest


def _is_ours(address: str, trusted: Networks) -> bool:
    try:
        found = _plain(address)
    except ValueError:  # a Unix socket's name
        return False
    return any(found in network for network in trusted)


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Read an address; IPv4 as one that listens on IPv6 for both writes it is IPv4. ValueError."""
    found = ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
