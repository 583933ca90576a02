"""What every part of the network is handed: settings, memory, clock and the way out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from loadtests.network.cards import Cards
from loadtests.network.phone import Phones
from loadtests.network.purchases import Purchases

# A Directory Server gives up on an ACS after some seconds; more than the protocol's 5 s, since
# the demo may share two slow cores with its own database.
_AREQ_TIMEOUT_S = 10.0
_CONNECT_TIMEOUT_S = 3.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Network:
    """Settings and memory of one network.

    `base_url` is where the world reaches the network, `ds_edge` the Access Control Server's edge
    for Directory Servers; both without a trailing slash. `method_url` is where the bank has its
    3DS Method; None: nowhere.
    """

    base_url: str
    ds_edge: str
    state: Path
    cards: Cards
    purchases: Purchases = field(default_factory=Purchases)
    phones: Phones = field(default_factory=Phones)
    method_url: str | None = None
    clock: Callable[[], datetime] = _utc_now

    def sdk_root(self) -> bytes | None:
        """Read the root that the app's SDK was shipped with; None where there is none."""
        try:
            return (self.state / "sdk" / "ds-root.pem").read_bytes()
        except OSError:
            return None


NETWORK = web.AppKey("network", Network)
SESSION = web.AppKey("session", ClientSession)


def client_session() -> ClientSession:
    """Open the connections to the Access Control Server."""
    return ClientSession(
        connector=TCPConnector(limit=256),
        timeout=ClientTimeout(total=_AREQ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
    )
