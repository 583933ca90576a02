"""The wire to the Access Control Server: one AReq out, one answer in, whatever happens."""

from collections.abc import Mapping
from uuid import uuid4

from aiohttp import ClientError, ClientSession

from loadtests.network import areq as areqs
from loadtests.network import directory_server, three_ds_server
from loadtests.network.network import Network
from loadtests.network.purchases import Faults, Purchase
from loadtests.network.sdk import REFERENCE_NUMBER, Sdk

_ANSWER_BYTES_MAX = 1 << 20
_HTTP_OK = 200


async def buy(
    network: Network,
    session: ClientSession,
    order: areqs.Order,
    *,
    overrides: Mapping[str, object],
    faults: Faults,
) -> Purchase:
    """Run 3DS Server and Directory Server for one order.

    Always gives a purchase: one that could not be asked about says so in its `failure`.
    """
    purchase = begin(network, order, overrides=overrides, faults=faults)
    await ask(network, session, purchase)
    return purchase


def begin(
    network: Network, order: areqs.Order, *, overrides: Mapping[str, object], faults: Faults
) -> Purchase:
    """Make the AReq of an order and write the purchase down; nothing is sent yet."""
    now = network.clock()
    sdk = _sdk(network, overrides) if order.channel == "app" else None
    plain = areqs.build(order, three_ds_server.identity(network.base_url, sdk), now)
    completed = directory_server.complete(plain, str(uuid4()), network.base_url)
    areq = three_ds_server.with_overrides(completed, overrides)
    purchase = three_ds_server.open_purchase(order, areq, now, faults=faults, sdk=sdk)
    network.purchases.add(purchase)
    purchase.note(now, "Shop", "3DS Server", "Order", note=order.merchant_name)
    return purchase


def _sdk(network: Network, overrides: Mapping[str, object]) -> Sdk:
    # Another number in the AReq is the number of another SDK.
    return Sdk(str(overrides.get("sdkReferenceNumber", REFERENCE_NUMBER)), network.sdk_root())


async def ask(network: Network, session: ClientSession, purchase: Purchase) -> None:
    """Send a purchase's AReq and read what comes back; a second call sends nothing."""
    if purchase.is_asked:
        return
    purchase.is_asked = True
    now = network.clock()
    purchase.note(now, "3DS Server", "Directory Server", "AReq")
    purchase.note(now, "Directory Server", "ACS", "AReq", message=purchase.areq)
    await _ask(network, session, purchase)
    if purchase.ares is not None:
        network.purchases.answered(purchase, purchase.ares)


async def _ask(network: Network, session: ClientSession, purchase: Purchase) -> None:
    try:
        async with session.post(f"{network.ds_edge}/3ds/areq", json=purchase.areq) as response:
            raw = await response.content.read(_ANSWER_BYTES_MAX)
            while chunk := await response.content.read(_ANSWER_BYTES_MAX - len(raw)):
                raw += chunk
            status = response.status
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        _failed(network, purchase, f"The ACS did not answer ({type(error).__name__})")
        return
    if status != _HTTP_OK:
        _failed(network, purchase, f"The ACS answered with HTTP {status} and no message")
        return
    three_ds_server.read_answer(purchase, raw, network.clock())


def _failed(network: Network, purchase: Purchase, why: str) -> None:
    purchase.failure = why
    now = network.clock()
    purchase.note(now, "Directory Server", "3DS Server", "!", note=why, is_bad=True)
