"""Directory Server and text message gateway: what they heard is kept, how they answer varies.

The ledger outlives everything that is killed: it is what the payment network and the cardholder
know. A `Mood` is how likely each misbehaviour is; a calm one answers everything at once.
"""

import asyncio
import contextlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from loadtests.network.checks import check_rreq
from loadtests.network.purchases import Message

_JSON = "application/json;charset=utf-8"
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_SHOP = re.compile(r"Shop (\d+)")
_LATE_S = (0.5, 6.0)
_NEVER_S = 30.0
_OTHER_ID = "00000000-0000-4000-8000-000000000000"
DIRECTORY_MOODS = ("late", "twice", "wrong", "fails", "takes_and_fails", "hangs_up", "never")
GATEWAY_MOODS = (*DIRECTORY_MOODS, "refuses")


@dataclass(slots=True)
class Mood:
    """How one party behaves: with `share`, one of `ways` instead of a proper answer.

    With `in_turn` every other answer is a proper one: nobody is given up for failures in a row.
    """

    chance: random.Random
    ways: Sequence[str] = ()
    share: float = 0.0
    in_turn: bool = False
    had: Counter[str] = field(default_factory=Counter)
    _was_proper: bool = False

    def next(self) -> str:
        """Choose how the next message is answered; no way again before each was had as often."""
        self._was_proper = not self._was_proper
        is_bad = self._was_proper if self.in_turn else self.chance.random() < self.share
        if not self.ways or not self.share or not is_bad:
            return "proper"
        least = min(self.had[way] for way in self.ways)
        way = self.chance.choice([way for way in self.ways if self.had[way] == least])
        self.had[way] += 1
        return way


@dataclass(frozen=True, slots=True)
class Ask:
    """An AReq that was sent once: when it went and when it ended, monotonic; `told` as ARes."""

    key: str
    began: float
    ended: float
    told: str


@dataclass(slots=True)
class Ledger:
    """Everything the outside world knows. Keys are acsTransIDs, SMS ids, shops' numbers."""

    asked: dict[str, Message] = field(default_factory=dict)
    """AReqs by threeDSServerTransID."""
    answered: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """Every ARes that was read, by threeDSServerTransID."""
    refused: Counter[str] = field(default_factory=Counter)
    heard: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """Every RReq that came, by acsTransID."""
    accepted: dict[str, Message] = field(default_factory=dict)
    erros: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    sms: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    codes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Codes on the phone, oldest first, by the number of the shop they name."""
    typed_right: set[str] = field(default_factory=set)
    """acsTransIDs for which a cardholder sent a code (and PIN) that was right."""
    finals: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """Every final CRes a browser or an SDK got, by acsTransID."""
    entries: Counter[str] = field(default_factory=Counter)
    """So many CReqs of an SDK had a code in them, each counted once however often it was sent."""
    resends: Counter[str] = field(default_factory=Counter)
    """The same of those that asked for another code."""
    answers_to: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What came for each CReq, `screen` or a transStatus, by acsTransID and counter."""
    gave_up: set[str] = field(default_factory=set)
    """acsTransIDs whose SDK told by an Erro that its time is over, when nothing else was sent."""
    late_copies: Counter[str] = field(default_factory=Counter)
    """The error codes that late copies of CReqs got, `none` for the last one's own answer."""
    read_in_apps: int = 0
    """So many answers were read by SDKs."""
    refused_by_sdks: list[str] = field(default_factory=list)
    """What an SDK did not accept, and why."""
    ended: Counter[str] = field(default_factory=Counter)
    visits: int = 0
    """How often a shop and a cardholder set out together."""
    late: list[str] = field(default_factory=list)
    """Visits that were given up: who, and where it stood."""
    moments: list[tuple[float, str]] = field(default_factory=list)
    """When each AReq got an ARes, or something else or nothing: monotonic seconds, and what."""

    asks: list[Ask] = field(default_factory=list)
    """Every time that an AReq was sent."""

    def ares(self, acs_trans_id: str) -> Message | None:
        """Find the ARes of a transaction, if anybody read it."""
        return self.by_acs_id().get(acs_trans_id)

    def by_acs_id(self) -> dict[str, Message]:
        """Give the first ARes of each transaction."""
        return {str(one[0]["acsTransID"]): one[0] for one in self.answered.values()}


@dataclass(slots=True)
class Parties:
    """Both servers on one port: `/rreq` and `/sms`."""

    ledger: Ledger
    directory: Mood
    gateway: Mood
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_post("/rreq", self._rreq)
        app.router.add_post("/sms", self._sms)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _rreq(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        message: Message = json.loads(raw)
        acs_trans_id = str(message.get("acsTransID"))
        if message.get("messageType") != "RReq":
            self.ledger.erros[str(message.get("errorCode"))] += 1
            return web.Response()
        self.ledger.heard[acs_trans_id].append(raw)
        way = self.directory.next()
        if way in {"fails", "hangs_up", "never", "late"}:
            early = await self._disturbed(request, way)
            if early is not None:
                return early
        answer = self._take(acs_trans_id, message)
        if way == "takes_and_fails":
            return web.Response(status=503)
        if way == "wrong":
            answer = answer | {"acsTransID": _OTHER_ID}
        return await _answer(request, answer, 1 + (way == "twice"))

    def _take(self, acs_trans_id: str, message: Message) -> Message:
        known = self.ledger.accepted.get(acs_trans_id)
        if known is None:
            ares = self.ledger.ares(acs_trans_id)
            if ares is not None:
                areq = self.ledger.asked[str(ares["threeDSServerTransID"])]
                self.ledger.faults += [
                    f"RReq {acs_trans_id}: {one.code} {one.detail}"
                    for one in check_rreq(message, areq, ares)
                ]
            self.ledger.accepted[acs_trans_id] = message
        elif known != message:
            self.ledger.faults.append(f"another RReq for {acs_trans_id}")
        names = ("messageVersion", "threeDSServerTransID", "acsTransID", "dsTransID")
        ids = {name: message[name] for name in names if name in message}
        return {**ids, "messageType": "RRes", "resultsStatus": "01"}

    async def _sms(self, request: web.Request) -> web.StreamResponse:
        message: Message = await request.json()
        way = self.gateway.next()
        if way in {"fails", "hangs_up", "never", "late"}:
            early = await self._disturbed(request, way)
            if early is not None:
                return early
        if way == "refuses":
            return web.Response(status=400)
        self._receive(message)
        if way == "takes_and_fails":
            return web.Response(status=503)
        answer = {"id": _OTHER_ID if way == "wrong" else message["id"]}
        return await _answer(request, answer, 1 + (way == "twice"))

    def _receive(self, message: Message) -> None:
        text = str(message["text"])
        known = self.ledger.sms[str(message["id"])]
        known.append(message)
        found, shop = _CODE.findall(text), _SHOP.search(text)
        if len(known) == 1 and found and shop is not None:
            self.ledger.codes[shop.group(1)].append(found[0])

    async def _disturbed(self, request: web.Request, way: str) -> web.StreamResponse | None:
        match way:
            case "fails":
                return web.Response(status=503)
            case "hangs_up":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            case "never":
                await asyncio.sleep(_NEVER_S)
                return web.Response(status=503)
            case _:
                await asyncio.sleep(self.directory.chance.uniform(*_LATE_S))
                return None


async def _answer(request: web.Request, answer: Message, times: int) -> web.StreamResponse:
    """Answer a request, more than once when told so."""
    body = json.dumps(answer).encode()
    response = web.Response(body=body, headers={"Content-Type": _JSON})
    with contextlib.suppress(ConnectionError):  # who asked was killed meanwhile
        await response.prepare(request)
        await response.write_eof()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(times - 1):
        if request.transport is not None:
            request.transport.write(head.encode() + body)
    return response
