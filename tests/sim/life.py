"""A random life: people pay, tabs are opened and reloaded, SDKs send once more, servers die, the
network misbehaves.

Everything is chosen from a seed. What happens at the same time is decided by the real loop and the
real database, so a seed gives the same choices but not always the same interleaving; the laws hold
for each of them.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sim.in_app import GONE, HTML, InApp
from tests.story import apps, people
from tests.story.areqs import browser_areq
from tests.story.parties import other_than

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from tests.story.pages import Page
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
MODES = ("accept",) * 6 + (
    "error", "silent", "erro", "html", "hang_up", "wrong_ids", "chunks", "pedantic", "redirect",
)  # fmt: skip
PREFIXES = ("40000010", "40000011", "40000012", "52000010")
JUMPS_S = (0, 1, 3, 14, 15, 29, 30, 32, 60, 299, 300, 599, 600, 1799, 1800, 3600, 90_000)
JUMP_WEIGHTS = (4, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2, 1, 1, 0.5, 0.5, 0.3, 0.1)
APP_SHARE = 0.4


@dataclass
class Payment:
    """One payment as the shop and the browser, or the ``app``, know it."""

    holder: Cardholder
    message: dict[str, Any]
    ares: dict[str, Any] | None = None
    pages: list[Page] = field(default_factory=list)
    app: InApp | None = None

    @property
    def form(self) -> Page | None:
        """Give the newest page one can type into."""
        return next((page for page in reversed(self.pages) if page.has_code_field), None)


@dataclass
class Life:
    """One life: the world it happens in, its dice, and what was done so far."""

    world: World
    dice: random.Random
    holders: list[Cardholder] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    bank_open: asyncio.Lock = field(default_factory=asyncio.Lock)
    one_dies: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self) -> None:
        """Make the people of this life and a second process."""
        for prefix in PREFIXES:
            limits = {
                "count_day": self.dice.randint(2, 6),
                "per_day": self.dice.choice([None, 40_000]),
            }
            self.holders.append(await self.world.enrol(prefix=prefix, limits=limits))
        first = self.holders[0]
        self.holders.append(await self.world.enrol(person_of=first, account_of=first))
        await self.world.start_server()

    async def live(self, steps: int) -> None:
        """Do so many things, some of them at once."""
        for _ in range(steps):
            if self.dice.random() < 0.2:
                many = [self._one() for _ in range(self.dice.randint(2, 5))]
                await asyncio.gather(*many)
            else:
                await self._one()
            await self.limits_hold()

    async def limits_hold(self) -> None:
        """See that nobody's counters are above the limits, at any moment."""
        over = await self.world.db.fetchrow(
            "SELECT u.owner_id FROM enrollment.usage u JOIN enrollment.spending_limit l"
            " ON l.owner_id = u.owner_id AND u.period = 'day'"
            " WHERE u.count > l.count_day OR u.amount > l.per_day"
        )
        assert over is None, self.done[-10:]

    def alive(self) -> list[Server]:
        """Give the processes that run."""
        return [server for server in self.world.servers if not server.killed]

    def _one(self) -> Awaitable[None]:
        acts: dict[Callable[[], Awaitable[None]], float] = {
            self.pay: 4, self.pay_again: 1, self.open: 5, self.open_wrong: 0.5,
            self.answer_right: 5, self.answer_wrong: 3, self.answer_nonsense: 1, self.resend: 1.5,
            self.cancel: 0.7, self.give_up: 0.4, self.other_language: 0.5, self.later: 4,
            self.work: 4, self.network: 2, self.phone: 0.5, self.bank: 0.4,
            self.die: 0.8,
        }  # fmt: skip
        (act,) = self.dice.choices(list(acts), list(acts.values()))
        self.done.append(act.__name__)
        return act()

    # What cardholders and shops do.

    async def pay(self) -> None:
        holder = self.dice.choice(self.holders)
        facts: dict[str, Any] = {
            "version": self.dice.choice(VERSIONS),
            "ds_url": self.world.directory.url,
            "amount": str(self.dice.choice([0, 100, 12_345, 30_000])),
        }
        app = None
        if self.dice.random() < APP_SHARE:
            sdk = apps.new_sdk()
            app = InApp(self.world, holder, self.dice, sdk, self.world.clock())
            html = HTML if self.dice.random() < 0.5 else {}
            message = apps.app_areq(holder.pan, sdk, **facts, **html)
        else:
            message = browser_areq(holder.pan, **facts)
        payment = Payment(holder, message, app=app)
        self.payments.append(payment)
        await self._areq(payment, message)

    async def pay_again(self) -> None:
        payment = self._payment()
        if payment is not None:
            await self._areq(payment, payment.message)
            await self._areq(payment, payment.message | {"purchaseAmount": "1"}, contradicts=True)

    async def _areq(
        self, payment: Payment, message: dict[str, Any], *, contradicts: bool = False
    ) -> None:
        server = self.dice.choice(self.alive())
        try:
            given = await self.world.areq(message, server)
        except GONE:
            return
        if given["messageType"] == "Erro":
            assert given["errorCode"] in {"305", "312", "403"}, given
        elif not contradicts or payment.ares is not None:
            assert payment.ares in (None, given)  # a repeat is answered as before
            payment.ares = given
        else:
            # The contradiction came first: it is the payment then.
            payment.message, payment.ares = message, given

    async def open(self) -> None:
        payment = self._payment()
        if payment is not None and payment.ares is not None:
            await self._open(payment)

    async def open_wrong(self) -> None:
        payment = self._payment()
        if payment is not None and payment.ares is not None:
            wrong: dict[str, Any] = self.dice.choice(
                [
                    {"challengeWindowSize": None},
                    {"messageVersion": "2.9.0"},
                    {"threeDSServerTransID": "00000000-0000-4000-8000-000000000000"},
                    {"acsTransID": "00000000-0000-4000-8000-000000000000"},
                ]
            )
            await self._open(payment, **wrong)

    async def _open(self, payment: Payment, **wrong: Any) -> None:
        assert payment.ares is not None
        server = self.dice.choice(self.alive())
        if payment.ares["transStatus"] != "C":
            return
        if payment.app is not None:
            if wrong:
                await payment.app.spoil(self.alive())
            await payment.app.open(payment.message, payment.ares, self.alive())
            return
        try:
            payment.pages.append(await self.world.open(payment.ares, server=server, **wrong))
        except GONE:
            return

    async def answer_right(self) -> None:
        await self._post("submit", right=True)

    async def answer_wrong(self) -> None:
        await self._post("submit", right=False)

    async def answer_nonsense(self) -> None:
        await self._post("submit", right=None)

    async def resend(self) -> None:
        await self._post("resend")

    async def cancel(self) -> None:
        await self._post("cancel")

    async def other_language(self) -> None:
        await self._post("submit", lang=self.dice.choice(["pl", "en"]))

    async def _post(self, action: str, *, right: bool | None = None, **more: str) -> None:
        payment = self._payment()
        if payment is None:
            return
        entry = self._entry(payment.holder, right=right)
        if payment.app is not None:
            await payment.app.act(action, entry, self.alive())
            return
        if payment.form is None:
            return
        pages = [page for page in payment.pages if page.has_code_field]
        page = self.dice.choice(pages) if self.dice.random() < 0.3 else pages[-1]
        server = self.dice.choice(self.alive())
        try:
            answer = await self.world.submit(page, action, server=server, **entry, **more)
        except GONE:
            return
        payment.pages.append(answer)

    def _entry(self, holder: Cardholder, *, right: bool | None) -> dict[str, str]:
        codes = self.world.phone.codes(holder.phone)
        entry = {"otp": "12 ab", "pin": holder.pin}
        if right is True and codes:
            entry["otp"] = self.dice.choice(codes[-2:])
        elif right is False:
            entry["otp"] = other_than("000000", *codes)
            entry["pin"] = self.dice.choice([holder.pin, "9182"])
        return entry

    async def give_up(self) -> None:
        payment = self._payment()
        if payment is not None and payment.app is not None:
            await payment.app.give_up(self.alive())

    def _payment(self) -> Payment | None:
        recent = self.payments[-6:]
        return self.dice.choice(recent) if recent else None

    # What happens around them.

    async def later(self) -> None:
        (seconds,) = self.dice.choices(JUMPS_S, JUMP_WEIGHTS)
        self.world.clock.advance(seconds=seconds)

    async def work(self) -> None:
        server = self.dice.choice(self.alive())
        name = self.dice.choice(["results", "results", "timers", "timers", "sms", "audit", "use"])
        if not server.death.died.is_set():
            await self._unless_it_dies(server, server.work(name))

    async def network(self) -> None:
        directory = self.world.directory
        if directory.runner is None:
            await directory.reopen()
        elif self.dice.random() < 0.15:
            await directory.shut()
        directory.mode = self.dice.choice(MODES)

    async def phone(self) -> None:
        self.world.phone.broken = self.dice.random() < 0.5

    async def bank(self) -> None:
        holder, now, what = (
            self.dice.choice(self.holders),
            self.world.clock(),
            self.dice.randint(0, 2),
        )
        status = self.dice.choice(["active", "active", "blocked_temp"])
        act = self.dice.choice(["given", "given", "withdrawn"])
        async with self.bank_open:
            db = self.world.db
            match what:
                case 0:
                    await people.set_card_status(db, holder, status)
                case 1:
                    await people.declare(db, holder, now, act)
                case _:
                    await people.add_phone(db, self.world.keys, now, holder.person_id, holder.phone)

    async def die(self) -> None:
        """Let one process die at one of its next steps, in the middle of something."""
        step = self.dice.randint(1, 12)
        act = self.dice.choice([self.pay, self.open, self.answer_right, self.answer_right])
        async with self.one_dies:
            server = self.alive()[0]
            await self.world.start_server()
            server.death.at_step(step)
            await self._unless_it_dies(server, act())
            await server.kill()

    async def _unless_it_dies(self, server: Server, doing: Any) -> None:
        """Wait for something, or for the death of the process that does it."""
        task, died = asyncio.create_task(doing), asyncio.create_task(server.death.died.wait())
        await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            if not server.killed:
                await server.kill()
            task.cancel()
        died.cancel()
        ends = await asyncio.gather(task, died, return_exceptions=True)
        failure = ends[0]
        if isinstance(failure, Exception) and not server.killed:
            raise failure

    # The end.

    async def rest(self) -> None:
        """Heal everything, let time pass, and let the workers finish what is owed."""
        directory = self.world.directory
        if directory.runner is None:
            await directory.reopen()
        directory.mode, self.world.phone.broken = "accept", False
        self.world.server = await self.world.start_server()
        for seconds in (15, 40, 300, 300, 600, 1800, 15, 15, 3600):
            self.world.clock.advance(seconds=seconds)
            await self.world.server.work_at_everything()
            await self._everybody_reloads()

    async def _everybody_reloads(self) -> None:
        for payment in self.payments:
            if payment.ares is not None and payment.ares["transStatus"] == "C":
                if payment.app is not None:
                    await payment.app.open(payment.message, payment.ares, [self.world.server])
                else:
                    await self.world.open(payment.ares, server=self.world.server)


def told(raw: bytes) -> dict[str, Any]:
    """Read an RReq as it was heard."""
    return dict(json.loads(raw))
