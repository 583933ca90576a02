"""Cardholders who pay in a shop's app: what its SDK sends, over a network that loses and repeats.

An SDK whose CReq got no answer sends the same bytes again, as a telephone's network does by itself
too; some send everything twice at once. It sends the next one only when it knows what came of the
last. A copy of what was answered long ago may still come beside it; it is refused and does no harm.
One whose patience is over says so by an Erro 402, sometimes while a right code is on its way. Every
answer is read as strictly as SDKs in the field read it.
"""

import asyncio
import json
import random
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession

from loadtests.chaos import people
from loadtests.network.jose import CBC, GCM
from loadtests.network.purchases import Message
from loadtests.network.screens import check_answer
from loadtests.network.sdk import JOSE, JSON, REFERENCE_NUMBER, Refused, Sdk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from loadtests.chaos.shoppers import Crowd, Payment

WAYS = {
    **people.WAYS,
    "sends everything twice": 3,
    "asks for another code": 2,
    "loses patience": 2,
    "loses patience with a code on its way": 2,
}
INTERFACES = {"03": 4, "01": 2, "02": 3}
"""What SDKs can show (sdkInterface), and how often; 02 leads to HTML."""
_TRIES = 4
_PAUSE_S = 0.7
_TWICE_SHARE = 1 / 8
_LATE_SHARE = 1 / 6
"""How often a copy of an earlier CReq comes beside the one that is sent."""
_AGAIN_SHARE = 1 / 2
"""How often an SDK that is told 403, a failure that passes, asks once more."""
_WRONG_MAX = 5
_JSON = "application/json"
_OUT_OF_ORDER = "302"
_FORESEEN = ("305", "315", "402", "403", "405")
"""What an SDK that breaks no rule may be told: it is over, too late, not possible just now, or not
confirmed by a Directory Server that cannot be reached."""


@dataclass(slots=True)
class App:
    """One app with its SDK at one challenge."""

    sdk: Sdk
    enc: str = GCM
    screen: Message | None = None
    """What it shows; None before the first answer and after the end."""
    is_over: bool = False
    unanswered: bytes | None = field(default=None, repr=False)
    """The CReq whose answer is not known yet."""
    earlier: list[bytes] = field(default_factory=list, repr=False)
    """The CReqs that were answered by a screen, oldest first."""
    pin_label: object = None
    """The label of the entry where a PIN is asked for, which comes first."""


def new_app(root: bytes, chance: random.Random) -> App:
    """Give an app with an SDK that trusts the Directory Server's root."""
    return App(Sdk(REFERENCE_NUMBER, root), chance.choice((GCM, CBC)))


@dataclass(slots=True)
class AppVisit:
    """One cardholder before the app's screens."""

    crowd: "Crowd"
    http: ClientSession
    chance: random.Random
    payment: "Payment"
    app: App
    sends_twice: bool = False

    async def run(self, way: str) -> None:
        """Go one way; a challenge that cannot be finished is left for `Crowd.come_back`."""
        if way == "never opens" or not self._is_accepted():
            return
        self.sends_twice = way == "sends everything twice"
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "wrong, then right": self._wrong_then_right,
            "wrong to the end": self._wrong_to_the_end,
            "an old code, then right": self._old_then_right,
            "cancels": self._cancel,
            "opens and leaves": self._leave,
            "asks for another code": self._resend,
            "loses patience": self._give_up,
            "loses patience with a code on its way": self._give_up_too_late,
        }
        if await self._open():
            await steps.get(way, self._right)()
        if way != "opens and leaves" and not self.app.is_over and not self.crowd.stopping.is_set():
            await self._right()
        if not self.app.is_over and self.payment not in self.crowd.unfinished:
            self.crowd.unfinished.append(self.payment)

    def _is_accepted(self) -> bool:
        """Have the SDK verify what the bank signed, the first time."""
        if self.app.sdk.is_ready:
            return True
        try:
            self.app.sdk.accept(self.payment.ares, self.payment.areq)
        except Refused as refused:
            self._refuses("ARes", str(refused))
            return False
        return True

    # What the cardholder does.

    async def _open(self) -> bool:
        if self.app.screen is None and self.app.unanswered is None:
            await self._say()
        return await self._settled()

    async def _leave(self) -> None:
        """Look no more at what is shown."""

    async def _right(self) -> None:
        if not await self._settled():
            return
        code = await self.crowd.code(self.payment)
        await (self._cancel() if code is None else self._enter(code))

    async def _wrong_then_right(self) -> None:
        await self._enter_wrong()
        await self._right()

    async def _wrong_to_the_end(self) -> None:
        for _ in range(_WRONG_MAX):
            await self._enter_wrong()

    async def _enter_wrong(self) -> None:
        """Enter a wrong code; who has a PIN may as well enter a wrong PIN and the right code."""
        code = await self.crowd.code(self.payment)
        if self.payment.holder.kind == "pin" and code and self.chance.random() < 1 / 2:
            await self._enter(code, pin=self.payment.holder.pin[::-1] + "0")
        else:
            await self._enter("111111" if code != "111111" else "222222")

    async def _old_then_right(self) -> None:
        code = await self.crowd.code(self.payment)
        await self._enter(self.crowd.old_code(self.payment.holder, code or ""))
        await self._right()

    async def _resend(self) -> None:
        if await self._settled():
            self.crowd.ledger.resends[self.payment.acs_trans_id] += 1
            in_html = {"challengeHTMLDataEntry": urlencode({"do": "resend", "otp": "", "pin": ""})}
            await self._say(**(in_html if self._is_html else {"resendChallenge": "Y"}))
        await self._right()

    async def _cancel(self) -> None:
        if await self._settled():
            await self._say(challengeCancel="01")

    async def _give_up(self) -> None:
        """Tell by an Erro 402 that the SDK's time is over; nothing else is on its way."""
        if not await self._settled():
            return
        if await self._tell_time_out():
            self.crowd.ledger.gave_up.add(self.payment.acs_trans_id)

    async def _give_up_too_late(self) -> None:
        """Say the same while a code is on its way."""
        code = await self.crowd.code(self.payment)
        if code is not None and await self._settled():
            await asyncio.gather(self._enter(code), self._tell_time_out())

    async def _enter(self, code: str, pin: str | None = None) -> None:
        """Enter a code, and before it or beside it the PIN where one is asked for."""
        holder, ledger = self.payment.holder, self.crowd.ledger
        typed_pin = holder.pin if pin is None else pin
        if self._asks_pin and await self._settled():
            await self._say(challengeDataEntry=typed_pin)
        if not await self._settled() or self._asks_pin:
            return
        is_right = code in ledger.codes.get(str(self.payment.number), ())
        if is_right and (pin is None or holder.kind != "pin"):
            ledger.typed_right.add(self.payment.acs_trans_id)
            self.crowd.old_code(holder, code)
        ledger.entries[self.payment.acs_trans_id] += 1
        fields = {"otp": code, "do": "verify"} | (
            {"pin": typed_pin} if holder.kind == "pin" else {}
        )
        in_html = {"challengeHTMLDataEntry": urlencode(fields)}
        await self._say(**(in_html if self._is_html else {"challengeDataEntry": code}))

    @property
    def _is_html(self) -> bool:
        return self.app.screen is not None and "acsHTML" in self.app.screen

    @property
    def _asks_pin(self) -> bool:
        """Tell whether the screen is the first of two, the PIN's."""
        screen, is_pin = self.app.screen, self.payment.holder.kind == "pin"
        if screen is None or not is_pin or self._is_html:
            return False
        return screen.get("challengeInfoLabel") == self.app.pin_label

    # What the SDK does.

    async def _say(self, **elements: str) -> None:
        """Send the next CReq, until it is answered or the network was tried often enough."""
        assert self.app.unanswered is None, "nobody knows yet what came of the CReq before"
        self.app.unanswered = self.app.sdk.creq(enc=self.app.enc, **elements)
        await self._settled()

    async def _settled(self) -> bool:
        """Send once more what has no answer, the same bytes; tell whether there is a screen."""
        for _ in range(_TRIES):
            body = self.app.unanswered
            if body is None or self.app.is_over:
                break
            is_twice = self.sends_twice or self.chance.random() < _TWICE_SHARE
            posts = (self._post(body, JOSE) for _ in range(1 + is_twice))
            got, _ = await asyncio.gather(asyncio.gather(*posts), self._late())
            self._take([one for one in got if one is not None])
            if self.app.unanswered is not None and not self.app.is_over:
                await asyncio.sleep(_PAUSE_S)
        is_known = self.app.unanswered is None and not self.app.is_over
        return is_known and self.app.screen is not None

    async def _late(self) -> None:
        """Let a copy of what was answered come beside it, sometimes; it must be refused.

        One of the last CReq may still come before the next one, and is then answered anew.
        """
        earlier, ledger = self.app.earlier, self.crowd.ledger
        if not earlier or self.chance.random() > _LATE_SHARE:
            return
        body = self.chance.choice(earlier)
        may_be_last = body == earlier[-1]
        got = await self._post(body, JOSE)
        if got is None:
            return
        raw, kind = got
        is_erro = kind.lower().startswith(_JSON)
        code = str(json.loads(raw).get("errorCode")) if is_erro else "none"
        ledger.late_copies[code] += 1
        if code not in (_OUT_OF_ORDER, *_FORESEEN) and (is_erro or not may_be_last):
            self._refuses("a late copy", f"was answered, Erro {code}")

    async def _tell_time_out(self) -> bool:
        """Send an Erro 402; tell whether the bank has heard it."""
        body = self.app.sdk.erro("402", "Challenge timed out")
        for _ in range(_TRIES):
            got = await self._post(body, JSON)
            if got == (b"", ""):
                self.app.is_over = True
                return True
            await asyncio.sleep(_PAUSE_S)
        return False

    async def _post(self, body: bytes, kind: str) -> tuple[bytes, str] | None:
        """Post; gives body and content type, None when no protocol answer came."""
        url, refused = self.app.sdk.acs_url, self.crowd.ledger.refused
        assert url is not None, "no challenge was accepted"
        try:
            async with self.http.post(url, data=body, headers={"Content-Type": kind}) as response:
                raw = await response.read()
        except (ClientError, OSError, TimeoutError) as error:
            refused[f"no answer in an app: {type(error).__name__}"] += 1
            return None
        if response.status != HTTPStatus.OK:
            refused[f"in an app: HTTP {response.status}"] += 1
            return None
        return raw, response.headers.get("Content-Type", "")

    def _take(self, answers: list[tuple[bytes, str]]) -> None:
        """Take what came for one CReq, sent once or twice; a CRes counts before an Erro."""
        sealed = [one for one in answers if one[0] and not one[1].lower().startswith(_JSON)]
        for raw, kind in sealed or answers:
            if raw:
                self._read(raw, kind)
            else:
                self._end()  # the bank has heard that the SDK gave up

    def _read(self, raw: bytes, kind: str) -> None:
        app, ledger = self.app, self.crowd.ledger
        acs_trans_id = self.payment.acs_trans_id
        try:
            message = app.sdk.read(raw, kind)
        except Refused as refused:
            self._refuses("CRes", str(refused))
            return
        ledger.read_in_apps += 1
        if message["messageType"] == "Erro":
            code = str(message.get("errorCode"))
            ledger.refused[f"in an app: Erro {code}"] += 1
            if code not in _FORESEEN:
                self._refuses("Erro", f"{code} {message.get('errorDetail')}")
            if code != "403" or self.chance.random() > _AGAIN_SHARE:
                self._end()
            return
        faults = check_answer(message, self.payment.areq, self.payment.ares)
        if faults:
            self._refuses("CRes", "; ".join(f"{one.code} {one.detail}" for one in faults))
        kinds = ledger.answers_to[f"{acs_trans_id} {message['acsCounterAtoS']}"]
        kinds.append(str(message.get("transStatus", "screen")))
        if "transStatus" in message:
            ledger.finals[acs_trans_id].append(message)
            self._end()
            return
        if app.unanswered is not None:
            app.earlier.append(app.unanswered)
        app.unanswered, app.screen = None, message
        if app.pin_label is None:
            app.pin_label = message.get("challengeInfoLabel")

    def _end(self) -> None:
        self.app.is_over, self.app.screen, self.app.unanswered = True, None, None

    def _refuses(self, what: str, why: str) -> None:
        self.crowd.ledger.refused_by_sdks.append(f"{self.payment.acs_trans_id}: {what}: {why}")
        self._end()
