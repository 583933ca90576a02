"""The notificationURL: where the browser brings the bank's last word on a challenge."""

from aiohttp import web

from loadtests.network import shop, three_ds_server
from loadtests.network.checks import Objection
from loadtests.network.network import NETWORK
from loadtests.network.purchases import Message, Purchase, Purchases

routes = web.RouteTableDef()


@routes.post("/3dss/notification")
async def receive(request: web.Request) -> web.Response:
    """Take the form fields `cres` and `threeDSSessionData`; show how the purchase ended.

    Whoever can post here can forge a CRes, as with every 3DS Server: the page shows what the
    results request said, never what the CRes claims.
    """
    network = request.app[NETWORK]
    form = await request.post()
    cres = form.get("cres") or form.get("erro")
    session_data = form.get("threeDSSessionData")
    if not isinstance(cres, str):
        return shop.page("lost.html", {"why": "The bank sent no answer along."}, status=400)
    message = three_ds_server.open_base64url(cres)
    if isinstance(message, Objection):
        return shop.page("lost.html", {"why": "The bank's answer cannot be read."}, status=400)
    text = session_data if isinstance(session_data, str) else None
    purchase = _purchase(network.purchases, message, text)
    if purchase is None:
        return shop.page(
            "lost.html", {"why": "The bank's answer belongs to no purchase here."}, status=404
        )
    three_ds_server.take_notification(purchase, message, text, network.clock())
    return shop.back_from_the_bank(purchase)


@routes.post("/3dss/method")
async def receive_method(request: web.Request) -> web.Response:
    """Take the form field `threeDSMethodData` that the bank's hidden frame brings along."""
    network = request.app[NETWORK]
    data = (await request.post()).get("threeDSMethodData")
    message = three_ds_server.open_base64url(data) if isinstance(data, str) else None
    purchase = None
    if message is not None and not isinstance(message, Objection):
        purchase = network.purchases.by_message(message)
    if purchase is None:
        return shop.page(
            "lost.html", {"why": "This 3DS Method is of no purchase here."}, status=404
        )
    three_ds_server.end_method(purchase, network.clock())
    return shop.page("method_done.html", {})


def _purchase(purchases: Purchases, message: Message, session_data: str | None) -> Purchase | None:
    found = purchases.by_message(message)
    if found is not None or session_data is None:
        return found
    carried = three_ds_server.open_base64url(session_data)
    if isinstance(carried, Objection) or not isinstance(carried.get("purchase"), str):
        return None
    return purchases.by_id(str(carried["purchase"]))
