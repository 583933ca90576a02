"""The app's screens as pages: the native one is drawn here, the bank's own document framed.

A real SDK draws on a phone. Here a page stands in for it: what the cardholder does is posted to the
network, whose SDK sends it on. The document's form is caught on our side, as an SDK catches it, so
that the document itself needs no script and gets none.
"""

from aiohttp import web

from loadtests.network import screens
from loadtests.network.app_challenge import Act, act
from loadtests.network.network import NETWORK, SESSION
from loadtests.network.purchases import Message, Purchase
from loadtests.network.shop import purchase_of

routes = web.RouteTableDef()

_QUERY_MAX = 2_000
_SANDBOX = "allow-forms allow-top-navigation-by-user-activation"


@routes.post("/shop/purchases/{id}/app")
async def press(request: web.Request) -> web.StreamResponse:
    """Send what was done on the native screen: an entry, or a button."""
    purchase = purchase_of(request)
    form = await request.post()
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    if given.get("seen", "") == _seen(purchase):
        elements = _elements(purchase, given)
        await act(request.app[NETWORK], request.app[SESSION], purchase, Act(elements))
    raise _back(purchase)


@routes.get("/shop/purchases/{id}/app/document")
async def document(request: web.Request) -> web.Response:
    """Give the bank's document in a sandbox, with its form led to us in place of the SDK."""
    purchase = purchase_of(request)
    html = screens.document(_screen(purchase).get("acsHTML"))
    if html is None:
        raise web.HTTPNotFound(text="The app shows no document.")
    base = request.app[NETWORK].base_url
    action = f"{base}/shop/purchases/{purchase.id}/app/document/{_seen(purchase)}"
    caught = screens.intercepted(html, {"method": "post", "action": action, "target": "_top"})
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"form-action {base}; base-uri 'none'; frame-ancestors 'self'; sandbox {_SANDBOX}",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=caught, content_type="text/html", headers=headers)


@routes.post("/shop/purchases/{id}/app/document/{seen}")
async def submit(request: web.Request) -> web.StreamResponse:
    """Send the query that the document's form would have had."""
    purchase = purchase_of(request)
    query = (await request.read()).decode("ascii", "replace")[:_QUERY_MAX]
    if request.match_info["seen"] == _seen(purchase) and "acsHTML" in _screen(purchase):
        wanted = Act({"challengeHTMLDataEntry": query})
        await act(request.app[NETWORK], request.app[SESSION], purchase, wanted)
    raise _back(purchase)


def _screen(purchase: Purchase) -> Message:
    return (purchase.app.screen if purchase.app is not None else None) or {}


def _seen(purchase: Purchase) -> str:
    """Name the screen shown, so that an old page or a second click does nothing.

    Empty before the first one; none fits while a CReq is under way or when all is over.
    """
    app = purchase.app
    if app is None or not app.sdk.is_ready or app.is_over or app.is_busy:
        return "-"
    return str(_screen(purchase).get("acsCounterAtoS", ""))


def _elements(purchase: Purchase, given: dict[str, str]) -> Message:
    screen = _screen(purchase)
    if not screen:
        return {}
    if given.get("do") == "cancel":
        return {"challengeCancel": "01"}
    elements: Message = {}
    if given.get("do") == "resend":
        elements["resendChallenge"] = "Y"
    elif given.get("entry"):
        elements["challengeDataEntry"] = given["entry"]
    elif purchase.version != "2.1.0":
        elements["challengeNoEntry"] = "Y"
    consent = "Y" if given.get("trust") == "Y" else "N"
    if "whitelistingInfoText" in screen:
        elements["whitelistingDataEntry"] = consent
    if "trustListInfoText" in screen:
        elements["trustListDataEntry"] = consent
    return elements


def _back(purchase: Purchase) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/shop/purchases/{purchase.id}")
