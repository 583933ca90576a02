"""Shops and cardholders: they pay, finish challenges in every way, remember what they were told.

A shop whose AReq got no answer sends the same bytes again, as a Directory Server may; one in eight
sends them twice at once. A cardholder whose page did not come looks again, a few times. Two in five
pay in the shop's app: see `apps.py`. A visit that does not end in its time is given up and written
down.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from acs.conformance import pages
from loadtests.chaos import apps, people
from loadtests.chaos.apps import App, AppVisit
from loadtests.chaos.ends import stood
from loadtests.chaos.parties import Ask, Ledger
from loadtests.chaos.people import Holder
from loadtests.network import areq as areqs
from loadtests.network import directory_server, three_ds_server
from loadtests.network.currencies import CURRENCIES
from loadtests.network.purchases import Message

VISIT_WITHIN_S = 600.0
"""Longer than a visit in which every call takes all its time and every try is needed: 520 s."""
_TRIES = 4
_PAUSE_S = 0.7
_SMS_WAIT_S = 8.0
PATIENCE_S = 12.0
_AMOUNTS = (1_000, 4_990, 12_345, 25_000)
_EASY_SHARE = 0.4
"""How often a card that pays without a challenge is taken; others count 1."""
_IN_APP_SHARE = 0.4
WAYS = {
    **people.WAYS,
    "reloads, then right": 2,
    "two tabs at once": 3,
    "asks for another code": 1,
}


@dataclass(slots=True)
class Payment:
    """One payment as shop and cardholder know it."""

    number: int
    holder: Holder
    areq: Message
    ares: Message
    app: App | None = None
    """The shop's app; None: the cardholder pays in a browser."""

    @property
    def acs_trans_id(self) -> str:
        """Give the transaction's id at the bank."""
        return str(self.ares["acsTransID"])

    @property
    def creq(self) -> str:
        """Give the CReq that the shop's frame posts."""
        names = ("messageVersion", "threeDSServerTransID")
        return three_ds_server.base64url(
            {
                "messageType": "CReq",
                "acsTransID": self.acs_trans_id,
                "challengeWindowSize": "02",
                **{name: self.areq[name] for name in names},
            }
        )


@dataclass(slots=True)
class Crowd:
    """Everybody who pays; `areq_url` leads through a proxy, acsURL does by itself."""

    ledger: Ledger
    holders: list[Holder]
    areq_url: str
    results_url: str
    seed: int
    tls: ssl.SSLContext | None = None
    """For addresses with https: whom to trust, and the Directory Server's own certificate."""
    patience_s: float = PATIENCE_S
    """So long a shop or a browser waits for an answer."""
    pause_s: float = 0.0
    """After each visit, in each lane."""
    sdk_root: bytes | None = None
    """What SDKs trust, as PEM; None: nobody pays in an app."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    unfinished: list[Payment] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _old_codes: dict[str, str] = field(default_factory=dict)

    async def pay(self, lanes: int) -> None:
        """Pay in so many lanes until told to stop.

        Who is challenged pays in one lane only, as a person does; cards with limits that need no
        challenge are used in all of them, so that payments race for the last of a limit.
        """
        random.Random(self.seed).shuffle(self.holders)
        raced = [one for one in self.holders if one.has_limits and one.kind == "easy"]
        async with self._session() as http, asyncio.TaskGroup() as group:
            for lane in range(lanes):
                lead = self._lane(http, lane, self.holders[lane::lanes] + raced)
                group.create_task(lead, name=f"lane {lane}")

    async def _lane(self, http: ClientSession, lane: int, holders: list[Holder]) -> None:
        chance = random.Random(f"{self.seed}/{lane}")
        while not self.stopping.is_set():
            weights = [_EASY_SHARE if one.kind == "easy" else 1 for one in holders]
            (holder,) = chance.choices(holders, weights)
            visit = _Visit(self, http, chance, holder)
            await self._bounded(visit.run(), f"lane {lane}, card *{holder.pan[-4:]}")
            await asyncio.sleep(self.pause_s)

    async def _bounded(self, visit: Coroutine[None, None, None], who: str) -> None:
        """Let a visit take its time; one that was given up is written down with where it stood."""
        self.ledger.visits += 1
        try:
            async with asyncio.timeout(VISIT_WITHIN_S):
                await visit
        except (TimeoutError, asyncio.CancelledError) as error:
            self.ledger.late.append(f"{who}: {stood(error)}")
            if isinstance(error, asyncio.CancelledError):
                raise

    def has_paid(self, least: int) -> Callable[[], Awaitable[bool]]:
        """Give the question whether so many AReqs were answered."""

        async def is_enough() -> bool:
            return len(self.ledger.answered) >= least

        return is_enough

    async def come_back(self, lanes: int = 10) -> None:
        """Let those who left look once more and cancel, so many at the same time."""
        leavers = iter(tuple(self.unfinished))
        async with self._session() as http, asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(self._again(http, leavers), name="who left comes back")

    async def _again(self, http: ClientSession, leavers: Iterator[Payment]) -> None:
        for payment in leavers:
            visit = _Visit(self, http, random.Random(0), payment.holder)
            await self._bounded(visit.challenge(payment, "cancels"), f"shop {payment.number}, left")

    def _session(self) -> ClientSession:
        connector = TCPConnector(ssl=self.tls) if self.tls is not None else None
        patience = ClientTimeout(total=self.patience_s, connect=3)
        return ClientSession(timeout=patience, connector=connector)

    async def code(self, payment: Payment) -> str | None:
        """Wait for the newest code on the phone; None when none comes."""
        codes, number = self.ledger.codes, str(payment.number)
        end = asyncio.get_running_loop().time() + _SMS_WAIT_S
        while number not in codes:
            if asyncio.get_running_loop().time() > end or self.stopping.is_set():
                return None
            await asyncio.sleep(0.05)
        return codes[number][-1]

    def next_number(self) -> int:
        """Number the shops, so that each text message names its payment."""
        return next(self._numbers)

    def old_code(self, holder: Holder, code: str) -> str:
        """Give the holder's code of the challenge before, and keep this one if there is one."""
        before = self._old_codes.get(holder.pan, "000000")
        if code:
            self._old_codes[holder.pan] = code
        return before


@dataclass(slots=True)
class _Visit:
    crowd: Crowd
    http: ClientSession
    chance: random.Random
    holder: Holder

    async def run(self) -> None:
        payment = await self._buy()
        if payment is None:
            await asyncio.sleep(_PAUSE_S * self.chance.random())
            return
        status = str(payment.ares["transStatus"])
        self.crowd.ledger.ended[f"ARes {status}"] += 1
        if status == "C":
            in_app = payment.app is not None
            ways, weights = zip(*(apps.WAYS if in_app else WAYS).items(), strict=True)
            (way,) = self.chance.choices(ways, weights)
            self.crowd.ledger.ended[f"in an app: {way}" if in_app else way] += 1
            await self.challenge(payment, way)

    async def _buy(self) -> Payment | None:
        number, app = self.crowd.next_number(), self._app()
        interfaces, weights = zip(*apps.INTERFACES.items(), strict=True)
        order = areqs.Order(
            pan=self.holder.pan,
            amount_minor=self.chance.choice(_AMOUNTS),
            currency=CURRENCIES["PLN"],
            merchant_name=f"Shop {number}",
            channel="browser" if app is None else "app",
            version=self.chance.choice(areqs.VERSIONS),
            sdk_interface=self.chance.choices(interfaces, weights)[0],
        )
        base = self.crowd.results_url.removesuffix("/rreq")
        identity = three_ds_server.identity(base, None if app is None else app.sdk)
        plain = areqs.build(order, identity, datetime.now(UTC))
        areq = directory_server.complete(plain, str(uuid4()), base)
        areq["dsURL"] = self.crowd.results_url
        key = str(areq["threeDSServerTransID"])
        self.crowd.ledger.asked[key] = areq
        if self.chance.random() < 1 / 8:
            await asyncio.gather(self._ask(key, areq), self._ask(key, areq))
        for _ in range(_TRIES):
            if key in self.crowd.ledger.answered:
                break
            await self._ask(key, areq)
        if key not in self.crowd.ledger.answered:
            return None
        return Payment(number, self.holder, areq, self.crowd.ledger.answered[key][0], app)

    def _app(self) -> App | None:
        root = self.crowd.sdk_root
        if root is None or self.chance.random() > _IN_APP_SHARE:
            return None
        return apps.new_app(root, self.chance)

    async def _ask(self, key: str, areq: Message) -> None:
        """Send an AReq once; whatever ARes is read is written down."""
        ledger, began = self.crowd.ledger, time.monotonic()
        try:
            async with self.http.post(self.crowd.areq_url, json=areq) as response:
                answer = json.loads(await response.read())
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            told = f"no answer: {type(error).__name__}"
        else:
            is_ares = answer.get("messageType") == "ARes"
            told = "ARes" if is_ares else f"Erro {answer.get('errorCode')}"
            if is_ares:
                ledger.answered[key].append(answer)
        now = time.monotonic()
        ledger.moments.append((now, told))
        ledger.asks.append(Ask(key, began, now, told))
        if told != "ARes":
            ledger.refused[told] += 1
            await asyncio.sleep(_PAUSE_S)

    async def challenge(self, payment: Payment, way: str) -> None:
        """Go one way through a challenge; what cannot be finished is left for `come_back`."""
        if payment.app is not None:
            visit = AppVisit(self.crowd, self.http, self.chance, payment, payment.app)
            await visit.run(way)
        elif way != "never opens":
            await self._in_browser(payment, way)

    async def _in_browser(self, payment: Payment, way: str) -> None:
        page = await self._look(payment)
        if _is_neutral(page):
            return
        steps: dict[str, Callable[[Payment, pages.Page], Awaitable[pages.Page | None]]] = {
            "wrong, then right": self._wrong_then_right,
            "wrong to the end": self._wrong_to_the_end,
            "an old code, then right": self._old_then_right,
            "cancels": lambda payment, page: self._send(payment, page, "cancel"),
            "reloads, then right": self._reload_then_right,
            "two tabs at once": self._two_tabs,
            "asks for another code": self._resend,
        }
        if page is not None and page.final is None and way != "opens and leaves":
            page = await steps.get(way, self._right)(payment, page)
        for _ in range(_TRIES):
            if page is not None and page.final is not None:
                return
            if way == "opens and leaves" or self.crowd.stopping.is_set():
                break
            page = await self._look(payment)
            if _is_neutral(page):
                return
            if page is not None and page.final is None:
                page = await self._right(payment, page)
        if payment not in self.crowd.unfinished:
            self.crowd.unfinished.append(payment)

    async def _right(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        code = await self.crowd.code(payment)
        if code is None:
            return await self._send(payment, page, "cancel")
        return await self._enter(payment, page, code)

    async def _wrong_then_right(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        code = await self.crowd.code(payment)
        again = await self._enter(payment, page, _other(code))
        return await self._right(payment, again or page)

    async def _wrong_to_the_end(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        at: pages.Page | None = page
        for _ in range(5):
            if at is None or at.final is not None:
                break
            at = await self._enter(payment, at, _other(await self.crowd.code(payment)))
        return at

    async def _old_then_right(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        code = await self.crowd.code(payment)
        again = await self._enter(payment, page, self.crowd.old_code(self.holder, code or ""))
        return await self._right(payment, again or page)

    async def _reload_then_right(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        for _ in range(2):
            page = await self._look(payment) or page
        return page if page.final is not None else await self._right(payment, page)

    async def _two_tabs(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        other = await self._look(payment) or page
        ends = await asyncio.gather(self._right(payment, page), self._right(payment, other))
        return ends[0] if ends[0] is not None and ends[0].final is not None else ends[1]

    async def _resend(self, payment: Payment, page: pages.Page) -> pages.Page | None:
        again = await self._send(payment, page, "resend")
        return await self._right(payment, again or page)

    async def _enter(self, payment: Payment, page: pages.Page, code: str) -> pages.Page | None:
        if code in self.crowd.ledger.codes.get(str(payment.number), ()):
            self.crowd.ledger.typed_right.add(payment.acs_trans_id)
            self.crowd.old_code(self.holder, code)
        return await self._send(payment, page, "submit", code)

    async def _send(
        self, payment: Payment, page: pages.Page, action: str, code: str = ""
    ) -> pages.Page | None:
        form = next((one for one in page.forms if "otp" in one.fields), None)
        if form is None:
            return None
        fields = {**form.fields, "otp": code, "action": action}
        if "pin" in fields:
            fields["pin"] = self.holder.pin if code else ""
        return await self._post(payment, form.action, fields)

    async def _look(self, payment: Payment) -> pages.Page | None:
        """Open the page; what failed is asked for again, what the bank says is not."""
        url = str(payment.ares["acsURL"])
        for _ in range(_TRIES):
            page = await self._post(payment, url, {"creq": payment.creq})
            if page is not None and (page.forms or page.status == HTTPStatus.OK):
                return page
            await asyncio.sleep(_PAUSE_S)
        return None

    async def _post(self, payment: Payment, url: str, fields: dict[str, str]) -> pages.Page | None:
        try:
            async with self.http.post(url, data=fields) as response:
                html = await response.text()
                page = pages.read(url, response.status, dict(response.headers), html)
        except (ClientError, OSError, TimeoutError, UnicodeDecodeError) as error:
            self.crowd.ledger.refused[f"no page: {type(error).__name__}"] += 1
            return None
        if page.status >= 500:  # noqa: PLR2004 - HTTP: the server's own failures
            self.crowd.ledger.refused[f"page {page.status}"] += 1
        if page.final is not None:
            cres = pages.decoded(page.final.fields["cres"])
            self.crowd.ledger.finals[payment.acs_trans_id].append(cres)
        return page


def _is_neutral(page: pages.Page | None) -> bool:
    """Tell that the bank says no more of a challenge: it was over ten minutes ago or longer."""
    return page is not None and not page.forms


def _other(code: str | None) -> str:
    """Give a code that is not this one."""
    return "111111" if code != "111111" else "222222"
