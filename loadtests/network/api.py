"""The network's doors for programs: purchases, cards, phones, and those the ACS knocks at."""

import asyncio
import json
import os

from aiohttp import web

from loadtests.network import directory_server
from loadtests.network.checks import Objection, read_json
from loadtests.network.exchange import buy
from loadtests.network.network import NETWORK, SESSION, Network
from loadtests.network.orders import Refusal, read_request
from loadtests.network.phone import Sms, digits_of
from loadtests.network.purchases import Faults, Purchase

routes = web.RouteTableDef()

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_SMS_TEXT_MAX = 2_000
_BLOCKS = "temporary", "permanent"


def problem(status: int, title: str, **more: object) -> web.Response:
    """Say why there is no answer, as RFC 9457 has it."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status} | more
    return web.json_response(body, status=status, content_type=_PROBLEM)


@routes.get("/api/health")
async def health(request: web.Request) -> web.Response:
    """Say who listens here, so that a starter can tell its own network from a stranger."""
    network = request.app[NETWORK]
    return web.json_response(
        {"name": "demo-network", "state": str(network.state), "pid": os.getpid()}
    )


@routes.get("/api/cards")
async def cards(request: web.Request) -> web.Response:
    """List the seeded test cards."""
    return web.json_response([card.public() for card in request.app[NETWORK].cards.all()])


@routes.get("/api/phone/{msisdn}")
async def phone(request: web.Request) -> web.Response:
    """List the texts of one number, newest first."""
    inbox = request.app[NETWORK].phones.inbox(request.match_info["msisdn"])
    return web.json_response([sms.public() for sms in inbox])


@routes.post("/api/purchases")
async def post_purchase(request: web.Request) -> web.Response:
    """Run one purchase up to the answer of the Access Control Server."""
    network = request.app[NETWORK]
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        return problem(400, "The body is not JSON")
    wanted = read_request(body, network.cards)
    if isinstance(wanted, Refusal):
        return problem(400, "The purchase is not valid", errors=dict(wanted.errors))
    purchase = await buy(
        network,
        request.app[SESSION],
        wanted.order,
        overrides=wanted.overrides,
        faults=wanted.faults,
    )
    if purchase.failure is not None:
        return problem(
            502,
            "The Access Control Server gave no usable answer",
            detail=purchase.failure,
            id=purchase.id,
            areq=purchase.areq,
            result=purchase.result(),
        )
    return web.json_response(_opening(purchase))


def _opening(purchase: Purchase) -> dict[str, object]:
    opening: dict[str, object] = {"id": purchase.id, "areq": purchase.areq}
    if purchase.erro is not None:
        opening["erro"] = purchase.erro
    else:
        opening["ares"] = purchase.ares
    return opening | {
        "acs_url": purchase.acs_url,
        "creq": purchase.creq,
        "threeDSSessionData": purchase.session_data,
        "result": purchase.result(),
    }


@routes.get("/api/purchases/{id}")
async def get_purchase(request: web.Request) -> web.Response:
    """Show everything seen of one purchase so far."""
    purchase = request.app[NETWORK].purchases.by_id(request.match_info["id"])
    if purchase is None:
        return problem(404, "No such purchase")
    return web.json_response(purchase.public())


@routes.post("/inbox/sms")
async def receive_sms(request: web.Request) -> web.Response:
    """Take one SMS as a carrier would; the same id again changes nothing."""
    network = request.app[NETWORK]
    message = read_json(await request.read())
    if isinstance(message, Objection):
        return problem(400, message.detail)
    values = [message.get(name) for name in ("id", "to", "from", "text")]
    if not all(isinstance(value, str) and 0 < len(value) <= _SMS_TEXT_MAX for value in values):
        return problem(400, "id, to, from and text must be strings that are not empty")
    sms_id, to, sender, text = (str(value) for value in values)
    if not digits_of(to):
        return problem(400, "to must hold a phone number")
    is_new = network.phones.receive(sms_id, Sms(to, sender, text, network.clock()))
    return web.json_response({"id": sms_id, "accepted": True, "repeated": not is_new})


@routes.post("/host/block")
async def block_card(request: web.Request) -> web.Response:
    """Take a client's wish to block a card, as a bank's card host does."""
    wish = read_json(await request.read())
    if isinstance(wish, Objection):
        return problem(400, wish.detail)
    if not isinstance(wish.get("card_ref"), str) or wish.get("wish") not in _BLOCKS:
        return problem(400, "card_ref must be a string, wish temporary or permanent")
    return web.Response(status=204)


@routes.post("/ds/rreq")
async def receive_results(request: web.Request) -> web.Response:
    """Take results (or an Erro) from the Access Control Server."""
    network = request.app[NETWORK]
    raw = await request.read()
    faults = _faults_due(network, raw)
    if faults.before_s:
        await asyncio.sleep(faults.before_s)
    if faults.http_status:
        return web.Response(status=faults.http_status)
    answer = directory_server.take_results(network.purchases, raw, network.clock())
    if faults.after_s:
        await asyncio.sleep(faults.after_s)
    return web.Response(body=answer.body, content_type=_JSON, charset="utf-8")


def _faults_due(network: Network, raw: bytes) -> Faults:
    message = read_json(raw)
    purchase = None if isinstance(message, Objection) else network.purchases.by_message(message)
    if purchase is None or purchase.faults_left <= 0:
        return Faults()
    purchase.faults_left -= 1
    return purchase.faults
