"""The shop's app during a challenge: what its SDK sends for what the cardholder does, what came.

Reading the wish and making the message is pure; `send` alone speaks to the Access Control Server,
and `act` keeps a purchase's record of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession

from loadtests.network import three_ds_server
from loadtests.network.checks import Objection
from loadtests.network.jose import ENCODINGS, GCM
from loadtests.network.network import Network
from loadtests.network.purchases import Message, Purchase
from loadtests.network.screens import check_answer
from loadtests.network.sdk import JOSE, JSON, App, Refused

_ANSWER_BYTES_MAX = 1 << 20
_HTTP_OK = 200
_HIDDEN = "•••"
_TYPED = ("challengeDataEntry", "challengeDataEntryTwo", "challengeHTMLDataEntry")
_SWITCHES = ("resend", "no_entry", "again", "spoil")
_KNOWN = {"entry", "html", "trust", "cancel", "enc", "kid", "creq", "erro", "body", *_SWITCHES}


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be sent: a CReq with these elements, or something else in its place.

    `again` sends the last bytes once more, `body` these bytes, `erro` an Erro with these elements;
    `spoil` changes the last letter of the envelope on its way.
    """

    elements: Mapping[str, object] = field(default_factory=dict, repr=False)
    enc: str = GCM
    kid: str | None = None
    spoil: bool = False
    again: bool = False
    body: str | None = None
    erro: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What went out: its name in the log, and the message with what was typed hidden."""

    name: str
    message: Message | None
    body: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `message` is None when there was none or none that the SDK accepts."""

    status: int
    content_type: str
    message: Message | None = None
    objection: Objection | None = None


def read_act(body: object, version: str) -> Act | Mapping[str, str]:
    """Read the JSON body of a wish; give the faults by field when it is none."""
    if not isinstance(body, dict):
        return {"": "The body must be a JSON object"}
    errors = {str(name): "Unknown field" for name in body if name not in _KNOWN}
    errors |= {name: "true or false" for name in _SWITCHES if not _is_flag(body.get(name, False))}
    texts = ("entry", "trust", "kid", "body")
    errors |= {name: "A string" for name in texts if not isinstance(body.get(name, ""), str)}
    objects = ("creq", "erro")
    errors |= {name: "An object" for name in objects if not isinstance(body.get(name, {}), dict)}
    if not isinstance(body.get("html", {}), dict | str):
        errors["html"] = "An object of the form's fields, or the query as the form would give it"
    if not _is_flag(body.get("cancel", False)) and not isinstance(body["cancel"], str):
        errors["cancel"] = "true, or a value of challengeCancel"
    if body.get("enc", GCM) not in ENCODINGS:
        errors["enc"] = f"One of {', '.join(ENCODINGS)}"
    if errors:
        return errors
    return Act(
        elements=_elements(body, version) | body.get("creq", {}),
        enc=body.get("enc", GCM),
        kid=body.get("kid"),
        spoil=body.get("spoil", False),
        again=body.get("again", False),
        body=body.get("body"),
        erro=body.get("erro"),
    )


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _elements(body: Mapping[str, object], version: str) -> Message:
    elements: Message = {}
    if "entry" in body:
        elements["challengeDataEntry"] = body["entry"]
    if body.get("no_entry"):
        elements["challengeNoEntry"] = "Y"
    if body.get("resend"):
        elements["resendChallenge"] = "Y"
    if body.get("cancel"):
        elements["challengeCancel"] = "01" if body["cancel"] is True else body["cancel"]
    if "html" in body:
        html = body["html"]
        elements["challengeHTMLDataEntry"] = urlencode(html) if isinstance(html, dict) else html
    if "trust" in body:
        name = "trustListDataEntry" if version == "2.3.1" else "whitelistingDataEntry"
        elements[name] = body["trust"]
    return elements


def make(app: App, act: Act) -> Sent:
    """Give what goes out for an act; a CReq takes the SDK's next counter."""
    if act.again and app.last is not None:
        return Sent("CReq", None, *app.last)
    if act.body is not None:
        return Sent("?", None, act.body.encode(), JOSE)
    if act.erro is not None:
        wanted = {"errorCode": "402", "errorDetail": "Challenge timed out"} | dict(act.erro)
        erro = app.sdk.erro(str(wanted["errorCode"]), str(wanted["errorDetail"]), **dict(act.erro))
        return Sent("Erro", wanted, erro, JSON)
    body = app.sdk.creq(enc=act.enc, kid=act.kid, **dict(act.elements))
    if act.spoil:
        body = body[:-2] + (b"AA" if body[-2:] != b"AA" else b"BA")
    shown = {name: _HIDDEN if name in _TYPED else act.elements[name] for name in act.elements}
    return Sent("CReq", {"messageType": "CReq"} | shown, body, JOSE)


async def send(http: ClientSession, app: App, sent: Sent) -> Answer:
    """Post it to the address of the signed content and take what comes.

    No answer at all is one of status 0.
    """
    assert app.sdk.acs_url is not None, "no challenge was accepted"
    app.last, app.is_busy = (sent.body, sent.content_type), True
    headers = {"Content-Type": sent.content_type}
    try:
        async with http.post(
            app.sdk.acs_url, data=sent.body, headers=headers, allow_redirects=False
        ) as response:
            raw = await response.content.read(_ANSWER_BYTES_MAX)
            while chunk := await response.content.read(_ANSWER_BYTES_MAX - len(raw)):
                raw += chunk
            status, content_type = response.status, response.headers.get("Content-Type", "")
    except (ClientError, TimeoutError, OSError, ValueError):
        return Answer(0, "")
    finally:
        app.is_busy = False
    if status != _HTTP_OK or not raw:
        # Without a 200 SDKs look at no body; an Erro of theirs is answered by none.
        app.is_over = app.is_over or status != _HTTP_OK or sent.name == "Erro"
        return Answer(status, content_type)
    try:
        message = app.sdk.read(raw, content_type)
    except Refused as refused:
        return Answer(status, content_type, objection=refused.objection)
    app.take(message)
    return Answer(status, content_type, message)


async def act(network: Network, http: ClientSession, purchase: Purchase, wanted: Act) -> Answer:
    """Do it in the app of a purchase, and write it down.

    An answer that the SDK does not accept it refuses to the Access Control Server too, as SDKs do.
    """
    app = purchase.app
    assert app is not None, "the purchase is not in the app"
    sent = make(app, wanted)
    purchase.note(network.clock(), "App", "ACS", sent.name, note=_told(sent), message=sent.message)
    answer = await send(http, app, sent)
    now = network.clock()
    if answer.objection is not None:
        three_ds_server.find_faults(purchase, "CRes", [answer.objection], now)
        erro = Act(
            erro={"errorCode": answer.objection.code, "errorDetail": answer.objection.detail}
        )
        refusal = make(app, erro)
        purchase.note(now, "App", "ACS", "Erro", note=_told(refusal), message=refusal.message)
        await send(http, app, refusal)
        app.is_over = True
    elif answer.message is not None:
        _record(purchase, answer.message, network)
    elif answer.status != _HTTP_OK:
        note = f"HTTP {answer.status} and no message" if answer.status else "no answer"
        purchase.note(now, "ACS", "App", "!", note=note, is_bad=True)
    return answer


def _record(purchase: Purchase, message: Message, network: Network) -> None:
    now = network.clock()
    if message.get("messageType") == "Erro":
        note = f"{message.get('errorCode')} {message.get('errorDetail')}"
        purchase.note(now, "ACS", "App", "Erro", message=message, note=note, is_bad=True)
        return
    is_final = "transStatus" in message
    what = "transStatus" if is_final else "acsUiType"
    purchase.note(now, "ACS", "App", "CRes", message=message, note=f"{what} {message.get(what)}")
    faults = check_answer(message, purchase.areq, purchase.ares or {})
    three_ds_server.find_faults(purchase, "CRes", faults, now)
    if is_final:
        purchase.cres = message
        three_ds_server.compare_with_results(purchase, message)


def _told(sent: Sent) -> str:
    elements = {
        name: value for name, value in (sent.message or {}).items() if name != "messageType"
    }
    return ", ".join(f"{name} {value}" for name, value in elements.items())
