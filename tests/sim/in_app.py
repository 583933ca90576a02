"""A cardholder of a random life in a shop's app: one challenge, as its SDK holds it.

The SDK sends the same bytes again until it knows what came of them, to whatever process there is,
sometimes to two at once, and beside them sometimes a copy of what was answered long ago comes in;
whatever it is told must be what an SDK that breaks no rule may be told.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from tests.story import apps
from tests.story.buying import PIN

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime

    from loadtests.network.sdk import Sdk
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

GONE = (aiohttp.ClientError, ConnectionError, TimeoutError)
HTML: dict[str, Any] = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}
_LATE = {"305", "315", "402", "403"}
_FORGOTTEN = "301"
_OUT_OF_ORDER = "302"
_FORGOTTEN_AFTER = timedelta(days=2)


@dataclass
class InApp:
    """One payment's app; ``unanswered`` is the CReq of which nobody knows yet what came of it."""

    world: World
    holder: Cardholder
    dice: random.Random
    sdk: Sdk
    asked_at: datetime
    screen: dict[str, Any] | None = None
    unanswered: bytes | None = field(default=None, repr=False)
    last: bytes | None = field(default=None, repr=False)
    earlier: list[bytes] = field(default_factory=list, repr=False)
    is_over: bool = False
    first_label: object = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(
        self, areq: dict[str, Any], ares: dict[str, Any], servers: Sequence[Server]
    ) -> None:
        """Show the first screen; later send the last bytes again, answered or not."""
        async with self.busy:
            if not self.sdk.is_ready:
                self.sdk.accept(ares, areq)
            if self.last is not None and self.unanswered is None:
                await self._repeat(self.last, servers)
            elif self.unanswered is None and not self.is_over:
                self.unanswered = self.sdk.creq(enc=self._enc)
            await self._settle(servers)

    async def _repeat(self, body: bytes, servers: Sequence[Server]) -> None:
        """Send what was answered before: the answer has the same counter, and no end is undone."""
        got = await self._post(body, servers)
        if got is None or not got.body:
            return
        message = self._reader.read(got)
        if message["messageType"] == "Erro":
            self._told(str(message["errorCode"]))
        else:
            assert message["challengeCompletionInd"] == "Y" or not self.is_over

    async def act(self, what: str, entry: dict[str, str], servers: Sequence[Server]) -> None:
        """Do on the screen what the cardholder wants; first comes what is not known."""
        async with self.busy:
            if self.unanswered is None and self.screen is not None and not self.is_over:
                elements = self._elements(what, entry)
                self.unanswered = self.sdk.creq(enc=self._enc, **elements)
            await self._settle(servers)

    async def give_up(self, servers: Sequence[Server]) -> None:
        """Say by an Erro that the SDK's time is over, whatever is on its way."""
        if self.sdk.is_ready:
            got = await self._post(self.sdk.erro("402", "timed out"), servers)
            self.is_over = self.is_over or (got is not None and got.body == b"")

    async def spoil(self, servers: Sequence[Server]) -> None:
        """Send what a stranger can make of a CReq: it must change nothing."""
        if self.last is not None:
            body = bytearray(self.last)
            body[-9] ^= 1
            got = await self._post(bytes(body), servers)
            assert got is None or json.loads(got.body)["errorCode"] in {"301", "302", "403", *_LATE}

    @property
    def _enc(self) -> str:
        return self.dice.choice(("A128GCM", "A128CBC-HS256"))

    def _elements(self, what: str, entry: dict[str, str]) -> dict[str, str]:
        is_html = self.screen is not None and "acsHTML" in self.screen
        if what == "cancel":
            return {"challengeCancel": "01"}
        if what == "resend":
            html = {"challengeHTMLDataEntry": "do=resend&otp=&pin="}
            return html if is_html else {"resendChallenge": "Y"}
        if is_html:
            return {"challengeHTMLDataEntry": urlencode({**entry, "do": "verify"})}
        return {"challengeDataEntry": entry["pin" if self._asks_pin else "otp"]}

    @property
    def _asks_pin(self) -> bool:
        assert self.screen is not None
        is_first = self.screen.get("challengeInfoLabel") == self.first_label
        return is_first and self.holder.pan.startswith(PIN)

    async def _settle(self, servers: Sequence[Server]) -> None:
        if self.unanswered is None or self.is_over:
            return
        times = 2 if self.dice.random() < 0.2 else 1
        body = self.unanswered
        if self.last is not None and self.last != body:
            self.earlier.append(self.last)
        self.last = body
        late = self._late(servers) if self.dice.random() < 0.3 else asyncio.sleep(0)
        *got, _ = await asyncio.gather(*(self._post(body, servers) for _ in range(times)), late)
        answers = [self._reader.read(one) for one in got if one is not None and one.body]
        for message in sorted(answers, key=lambda one: one["messageType"]):
            if message["messageType"] == "CRes":
                self._take(message)
                return
        for message in answers:
            self._told(str(message["errorCode"]))

    async def _late(self, servers: Sequence[Server]) -> None:
        """Let a copy of a CReq come in that was answered; the last one's may overtake the next."""
        if not self.earlier:
            return
        body = self.dice.choice(self.earlier)
        may_be_last = body == self.earlier[-1]
        got = await self._post(body, servers)
        if got is None or (may_be_last and not got.content_type.startswith("application/json")):
            return
        assert json.loads(got.body)["errorCode"] in {_OUT_OF_ORDER, _FORGOTTEN, *_LATE}

    def _take(self, cres: dict[str, Any]) -> None:
        self.unanswered = None
        self.is_over = cres["challengeCompletionInd"] == "Y"
        self.screen = None if self.is_over else cres
        if self.first_label is None:
            self.first_label = cres.get("challengeInfoLabel")

    def _told(self, code: str) -> None:
        """Hear an Erro; one that says `not just now` is no end for an SDK that asks again."""
        is_old = self.world.clock() - self.asked_at > _FORGOTTEN_AFTER
        assert code in _LATE or (is_old and code == _FORGOTTEN), code
        self.is_over = self.is_over or code != "403"

    @property
    def _reader(self) -> apps.App:
        return apps.App(self.world, self.sdk, {}, {})

    async def _post(self, body: bytes, servers: Sequence[Server]) -> apps.Got | None:
        at = apps.App(self.world, self.sdk, {}, {}, self.dice.choice(servers))
        try:
            return await at.post(body)
        except GONE:
            return None
