"""The network's doors for programs that play the cardholder of an app, or its 3DS Server too.

`/api/purchases/{id}/sdk` is the app of a purchase. `/api/sdks` lends an SDK to a program that sends
the AReq itself: it makes the key, verifies the ARes, and speaks with the Access Control Server.
"""

import json
import secrets
from collections import OrderedDict

from aiohttp import web

from loadtests.network import app_challenge
from loadtests.network.api import problem
from loadtests.network.app_challenge import Act, Answer
from loadtests.network.network import NETWORK, SESSION
from loadtests.network.sdk import REFERENCE_NUMBER, App, Refused, Sdk

routes = web.RouteTableDef()

_APPS_MAX = 10_000
_HTTP_OK = 200


class Apps:
    """The SDKs lent out; the oldest go when there are too many."""

    def __init__(self, capacity: int = _APPS_MAX) -> None:
        """Begin empty, for `capacity` SDKs."""
        self._capacity = capacity
        self._by_id: OrderedDict[str, App] = OrderedDict()

    def by_id(self, app_id: str) -> App | None:
        """Find one."""
        return self._by_id.get(app_id)

    def add(self, app: App) -> str:
        """Keep one; give its id."""
        app_id = secrets.token_urlsafe(12)
        self._by_id[app_id] = app
        if len(self._by_id) > self._capacity:
            self._by_id.popitem(last=False)
        return app_id


APPS = web.AppKey("apps", Apps)


@routes.post("/api/purchases/{id}/sdk")
async def act(request: web.Request) -> web.Response:
    """Send one CReq of a purchase; give the CRes, an Erro, or {} where nothing came."""
    network = request.app[NETWORK]
    purchase = network.purchases.by_id(request.match_info["id"])
    if purchase is None:
        return problem(404, "No such purchase")
    if purchase.app is None or not purchase.app.sdk.is_ready:
        return problem(409, "No challenge was offered to the app")
    wanted = await _act(request, purchase.version)
    if isinstance(wanted, web.Response):
        return wanted
    answer = await app_challenge.act(network, request.app[SESSION], purchase, wanted)
    why = _why_not(answer)
    if why is not None:
        return problem(502, "The Access Control Server gave no usable answer", detail=why)
    return web.json_response(answer.message or {})


@routes.post("/api/sdks")
async def lend(request: web.Request) -> web.Response:
    """Make an SDK; give its id and what the AReq says of it."""
    body = await _json(request)
    number = body.get("sdkReferenceNumber", REFERENCE_NUMBER) if isinstance(body, dict) else None
    if not isinstance(number, str):
        return problem(400, "The body must be an object; sdkReferenceNumber in it a string")
    sdk = Sdk(number, request.app[NETWORK].sdk_root())
    return web.json_response(
        {
            "id": request.app[APPS].add(App(sdk)),
            "sdkReferenceNumber": number,
            "sdkEphemPubKey": sdk.public_jwk,
        }
    )


@routes.post("/api/sdks/{id}/accept")
async def accept(request: web.Request) -> web.Response:
    """Verify the signed content of an ARes; 422 says why the SDK does not accept it."""
    app, body = _lent(request), await _json(request)
    if app is None:
        return problem(404, "No such SDK")
    areq, ares = (body.get(name) if isinstance(body, dict) else None for name in ("areq", "ares"))
    if not isinstance(areq, dict) or not isinstance(ares, dict):
        return problem(400, "The body must be an object of areq and ares")
    try:
        app.sdk.accept(ares, areq, request.app[NETWORK].clock())
    except (Refused, KeyError) as refused:
        return problem(422, "The SDK does not accept it", detail=str(refused))
    return web.json_response({"acs_url": app.sdk.acs_url})


@routes.post("/api/sdks/{id}")
async def act_alone(request: web.Request) -> web.Response:
    """Send what is told; give how the answer travelled, and it, as the SDK reads it."""
    app = _lent(request)
    if app is None:
        return problem(404, "No such SDK")
    if not app.sdk.is_ready:
        return problem(409, "This SDK has accepted no challenge")
    wanted = await _act(request, app.sdk.version)
    if isinstance(wanted, web.Response):
        return wanted
    answer = await app_challenge.send(request.app[SESSION], app, app_challenge.make(app, wanted))
    return web.json_response(
        {
            "status": answer.status,
            "content_type": answer.content_type,
            "message": answer.message,
            "refused": None if answer.objection is None else str(Refused(answer.objection)),
        }
    )


def _lent(request: web.Request) -> App | None:
    return request.app[APPS].by_id(request.match_info["id"])


async def _json(request: web.Request) -> object:
    raw = await request.read()
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return None


async def _act(request: web.Request, version: str) -> Act | web.Response:
    wanted = app_challenge.read_act(await _json(request), version)
    if isinstance(wanted, Act):
        return wanted
    return problem(400, "What to send is not valid", errors=dict(wanted))


def _why_not(answer: Answer) -> str | None:
    if answer.objection is not None:
        return f"the SDK refuses it with {answer.objection.code} {answer.objection.detail}"
    if answer.status != _HTTP_OK:
        return f"HTTP {answer.status}" if answer.status else "no answer at all"
    return None
