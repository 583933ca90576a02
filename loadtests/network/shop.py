"""The pages people see: the shop, one purchase, the way to the bank and back, the phone.

Every page works without JavaScript; scripts only save a click and refresh what is shown. All
scripts and styles come from the network itself, so the content security policy can be strict.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.network import three_ds_server
from loadtests.network.app_challenge import Act, act
from loadtests.network.areq import SDK_INTERFACES, VERSIONS, WINDOW_SIZES, Browser
from loadtests.network.cards import Card
from loadtests.network.currencies import amount_text
from loadtests.network.exchange import ask, begin
from loadtests.network.network import NETWORK, SESSION
from loadtests.network.orders import Refusal, read_form
from loadtests.network.phone import digits_of
from loadtests.network.purchases import Faults, Message, Purchase

routes = web.RouteTableDef()

_HERE = Path(__file__).parent
_PAGES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# frame-src and form-action stay open: where the bank's page lives is known only from the ARes.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src *; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CURRENCIES = ("PLN", "EUR", "USD", "GBP", "CZK", "JPY", "KWD")
_FORM = {
    "amount": "123.45",
    "currency": "PLN",
    "merchant_name": "Linden Books",
    "version": "2.2.0",
    "channel": "browser",
    "window_size": "03",
    "sdk_interface": "03",
    "pan": "",
    "pan_typed": "",
}
_KINDS = {
    "C otp": ("Asks for an SMS code", "The bank sends a code to the card's phone."),
    "C pin+otp": ("Asks for the internet PIN and an SMS code", "Both are shown beside the card."),
    "Y": ("Accepted without a question", "Frictionless: nothing to type."),
    "N limit": ("Refused: over the internet limit", "Payments are off, or 100.00 PLN at most."),
    "N not enrolled": ("Refused: 3-D Secure not activated", "The holder never switched it on."),
    "N blocked": ("Refused: card blocked", "Blocked by the bank."),
    "N expired": ("Refused: card expired", "Past its date."),
    "U": ("Cannot be performed", "A scheme this bank holds no keys for."),
}


def page(name: str, values: Mapping[str, object], *, status: int = 200) -> web.Response:
    """Render one template as a response."""
    text = _PAGES.get_template(name).render(values)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


@routes.get("/")
async def shop(request: web.Request) -> web.Response:
    """Show the shop."""
    return _shop(request, dict(_FORM), {})


def _shop(request: web.Request, form: Mapping[str, str], errors: Mapping[str, str]) -> web.Response:
    network = request.app[NETWORK]
    cards = network.cards.all()
    values = dict(form)
    if cards and not values["pan"]:
        values["pan"] = cards[0].pan
    shown: dict[str, object] = {
        "groups": _groups(cards),
        "form": values,
        "errors": dict.fromkeys(_FORM, "") | dict(errors),
        "currencies": _CURRENCIES,
        "versions": VERSIONS,
        "window_sizes": _window_labels(),
        "sdk_interfaces": SDK_INTERFACES,
        "latest": [_summary(purchase) for purchase in network.purchases.newest(5)],
    }
    return page("shop.html", shown, status=422 if errors else 200)


def _groups(cards: tuple[Card, ...]) -> list[dict[str, object]]:
    by_kind: dict[str, list[Card]] = {}
    for card in cards:
        by_kind.setdefault(card.expect, []).append(card)
    return [
        {
            "title": _KINDS.get(kind, (kind, ""))[0],
            "note": _KINDS.get(kind, (kind, ""))[1],
            "status": kind[:1],
            "cards": members,
        }
        for kind, members in by_kind.items()
    ]


def _window_labels() -> dict[str, str]:
    return {
        size: f"{width} by {height}" if width else "Full width"
        for size, (width, height) in WINDOW_SIZES.items()
    }


@routes.post("/shop/pay")
async def pay(request: web.Request) -> web.StreamResponse:
    """Begin the purchase the form describes and go to its page."""
    network = request.app[NETWORK]
    fields = await request.post()
    posted = {name: value for name, value in fields.items() if isinstance(value, str)}
    form = _FORM | {name: value for name, value in posted.items() if name in _FORM}
    order = read_form(form, network.cards, _browser(request, posted))
    if isinstance(order, Refusal):
        return _shop(request, form, order.errors)
    purchase = begin(network, order, overrides={}, faults=Faults())
    where = f"/shop/purchases/{purchase.id}"
    is_browser = order.channel == "browser"
    if is_browser and network.method_url is not None and order.browser.javascript:
        notify = f"{network.base_url}/3dss/method"
        three_ds_server.begin_method(purchase, notify, network.clock())
        where += "/method"
    else:
        await ask(network, request.app[SESSION], purchase)
        if purchase.app is not None and purchase.app.sdk.is_ready:
            # An app hands the challenge to its SDK at once, and that asks for the first screen.
            await act(network, request.app[SESSION], purchase, Act())
    raise web.HTTPSeeOther(where)


@routes.get("/shop/purchases/{id}/method")
async def method_page(request: web.Request) -> web.Response:
    """Run the 3DS Method in a hidden frame, and go on when it is through or after ten seconds."""
    purchase = purchase_of(request)
    if not purchase.is_before_the_areq:
        where = f"/shop/purchases/{purchase.id}"
        raise web.HTTPSeeOther(where)
    return page("method.html", {"purchase": _summary(purchase)})


@routes.get("/shop/purchases/{id}/method/frame")
async def method_frame(request: web.Request) -> web.Response:
    """Give the page that takes threeDSMethodData to the bank, inside the hidden frame."""
    purchase = purchase_of(request)
    url = request.app[NETWORK].method_url
    if url is None or not purchase.is_before_the_areq:
        raise web.HTTPNotFound(text="This purchase runs no 3DS Method.")
    return page("method_frame.html", {"method_url": url, "data": purchase.method})


@routes.post("/shop/purchases/{id}/go-on")
async def go_on(request: web.Request) -> web.StreamResponse:
    """Send the AReq: the 3DS Method is through, or nobody waits for it any longer."""
    purchase, network = purchase_of(request), request.app[NETWORK]
    if purchase.is_before_the_areq:
        three_ds_server.give_up_method(purchase, network.clock())
        await ask(network, request.app[SESSION], purchase)
    where = f"/shop/purchases/{purchase.id}"
    raise web.HTTPSeeOther(where)


def _browser(request: web.Request, posted: Mapping[str, str]) -> Browser:
    known = Browser()
    numbers = {name: _number(posted.get(name, "")) for name in ("depth", "height", "width", "tz")}
    language = request.headers.get("Accept-Language", known.language).split(",")[0].split(";")[0]
    return Browser(
        accept=request.headers.get("Accept", known.accept) or known.accept,
        user_agent=request.headers.get("User-Agent", known.user_agent) or known.user_agent,
        language=posted.get("language", "") or language.strip() or known.language,
        ip=request.remote or known.ip,
        javascript=posted.get("javascript") == "yes",
        color_depth=_or_default(numbers["depth"], known.color_depth),
        height_px=_or_default(numbers["height"], known.height_px),
        width_px=_or_default(numbers["width"], known.width_px),
        tz_min=_or_default(numbers["tz"], known.tz_min),
    )


def _number(text: str) -> int | None:
    try:
        number = int(text[:6])
    except ValueError:
        return None
    return number if -9999 <= number <= 99999 else None  # noqa: PLR2004 - what the AReq can carry


def _or_default(number: int | None, default: int) -> int:
    return default if number is None else number


@routes.get("/shop/purchases/{id}")
async def purchase_page(request: web.Request) -> web.Response:
    """Show one purchase: the bank's frame while it asks, the outcome, every message."""
    purchase = purchase_of(request)
    width, height = WINDOW_SIZES.get(purchase.window_size, (0, 0))
    frame = {"width": width, "height": height, "size": purchase.window_size}
    return page("purchase.html", {"frame": frame, "app": in_the_app(purchase)} | _live(purchase))


def in_the_app(purchase: Purchase) -> dict[str, object] | None:
    """Say what the app shows: nothing yet, a native screen, a document, or the end."""
    app = purchase.app
    if app is None or not app.sdk.is_ready:
        return None
    shown = app.screen or {}
    state = "over" if app.is_over else "waiting"
    if app.screen is not None:
        state = "html" if "acsHTML" in shown else "native"
    return {
        "state": state,
        "seen": shown.get("acsCounterAtoS"),
        "header": shown.get("challengeInfoHeader"),
        "text": shown.get("challengeInfoText"),
        "is_warned": shown.get("challengeInfoTextIndicator") == "Y",
        "box": _entry_box(shown),
        "consent": shown.get("trustListInfoText") or shown.get("whitelistingInfoText"),
        "submit": shown.get("submitAuthenticationLabel"),
        "resend": shown.get("resendInformationLabel"),
        "more": [
            (shown[f"{name}Label"], shown.get(f"{name}Text"))
            for name in ("whyInfo", "expandInfo")
            if f"{name}Label" in shown
        ],
    }


def _entry_box(screen: Message) -> dict[str, object]:
    """Give the entry's attributes; before 2.3.1 its label is all there is."""
    given = screen.get("challengeEntryBox")
    box = given if isinstance(given, dict) else {}
    return {
        "label": box.get("challengeDataEntryLabel") or screen.get("challengeInfoLabel"),
        "inputmode": "numeric" if box.get("challengeDataEntryKeyboardType") == "01" else "text",
        "type": "password" if box.get("challengeDataEntryMasking") == "Y" else "text",
        "maxlength": box.get("challengeDataEntryLengthMax") or "45",
    }


@routes.get("/shop/purchases/{id}/live")
async def live_part(request: web.Request) -> web.Response:
    """Give the changing part of the purchase's page alone, for its script."""
    purchase = purchase_of(request)
    return page("live.html", _live(purchase))


def _live(purchase: Purchase) -> dict[str, object]:
    return {
        "purchase": _summary(purchase),
        "result": purchase.result(),
        "is_waiting": purchase.creq is not None and purchase.cres is None,
        "events": [
            {
                "time": event.at.strftime("%H:%M:%S.") + f"{event.at.microsecond // 1000:03d}",
                "sender": event.sender,
                "receiver": event.receiver,
                "name": event.name,
                "note": event.note,
                "is_bad": event.is_bad,
                "json": None if event.message is None else _shown(event.message),
            }
            for event in purchase.events
        ],
    }


def _shown(message: Message) -> str:
    shown = dict(message)
    pan = shown.get("acctNumber")
    if isinstance(pan, str):
        shown["acctNumber"] = f"{pan[:6]}{'•' * max(len(pan) - 10, 0)}{pan[-4:]}"
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _summary(purchase: Purchase) -> dict[str, object]:
    return {
        "id": purchase.id,
        "amount": amount_text(purchase.amount_minor, purchase.currency),
        "merchant_name": purchase.merchant_name,
        "phone": purchase.phone,
        "version": purchase.version,
        "outcome": purchase.result()["outcome"],
        "text": purchase.result()["text"],
        "event_count": len(purchase.events),
    }


def purchase_of(request: web.Request) -> Purchase:
    """Find the purchase of the path; 404 when there is none."""
    purchase = request.app[NETWORK].purchases.by_id(request.match_info["id"])
    if purchase is None:
        raise web.HTTPNotFound(text="No such purchase. It may have been made before a restart.")
    return purchase


@routes.get("/shop/purchases/{id}/bank")
async def to_the_bank(request: web.Request) -> web.Response:
    """Give the page that takes the creq to the bank, in the frame or on its own."""
    purchase = purchase_of(request)
    if purchase.creq is None:
        raise web.HTTPNotFound(text="This purchase has nothing to take to the bank.")
    posted = {
        "acs_url": purchase.acs_url,
        "creq": purchase.creq,
        "session_data": purchase.session_data,
    }
    return page("bank.html", posted)


def back_from_the_bank(purchase: Purchase) -> web.Response:
    """Show, where the bank's page was, how the purchase ended."""
    return page("returned.html", {"purchase": _summary(purchase), "result": purchase.result()})


@routes.get("/phone")
async def phones(request: web.Request) -> web.Response:
    """List the phones that got a text, and those of the cards."""
    network = request.app[NETWORK]
    heard = [
        {"number": number, "text": sms.text, "time": sms.arrived_at.strftime("%H:%M:%S")}
        for number, sms in network.phones.numbers()[:100]
    ]
    known = {digits_of(str(entry["number"])) for entry in heard}
    silent = [card for card in network.cards.all() if digits_of(card.phone) not in known]
    return page("phones.html", {"heard": heard, "silent": silent})


@routes.get("/phone/{msisdn}")
async def phone(request: web.Request) -> web.Response:
    """Show the texts of one number, newest first."""
    network = request.app[NETWORK]
    digits = digits_of(request.match_info["msisdn"])
    inbox = network.phones.inbox(digits)
    holder = next((c.holder for c in network.cards.all() if digits_of(c.phone) == digits), None)
    return page("phone.html", {"number": f"+{digits}", "holder": holder, "inbox": inbox})
