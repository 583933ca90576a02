"""The providers as one process sees them: who is well, who is busy; each is asked within bounds.

Laws:
- So many messages at once with one provider and no more (bulkhead): one that hangs holds its own
  messages up, the next one is asked instead.
- Notices have half of those places and no more, and none that a code waits for.
- When nobody knows whether a message was taken, its provider is asked for it, for a while, and its
  reports are looked at; asking never sends.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from otp.gateways import router
from otp.gateways.port import Accepted, Rejected, SendOutcome, SmsGateway, SmsJob, Unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
    from datetime import datetime

SEND_MAX_S: Final = 10.0
"""No provider may hold a message longer, whatever its adapter does; above the adapters' limits."""
FIND_OUT_MAX_S: Final = 8.0
"""How long a provider is asked what became of a message: the cardholder looks at the page."""
ROOM_MAX_S: Final = 5.0
"""How long a message waits when all its providers are busy; then it goes back to the outbox."""
_FIND_OUT_WAITS_S: Final = (0.5, 1.0, 1.5, 2.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who hears what happens with providers.

    `sent(provider, outcome, seconds)` after every send; outcomes are accepted, rejected, retryable
    and unknown. `breaker(provider, is_open)` after every outcome, and by `tell_resting`.
    """

    sent: Callable[[str, str, float], None]
    breaker: Callable[[str, bool], None]


class Carriers:
    """Lends providers to messages and asks them."""

    def __init__(
        self,
        gateways: Iterable[SmsGateway],
        watch: Watch,
        *,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[object]],
        most_each: int,
    ) -> None:
        """Hold the gateways, all of them well; `most_each` messages at once with each."""
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._watch = watch
        self._clock = clock
        self._pause = pause
        self._most_each = most_each
        self._healths: dict[str, router.Health] = {}
        self._under_way = dict.fromkeys(self._gateways, 0)
        self._notices = dict.fromkeys(self._gateways, 0)
        self._codes_waiting = 0
        self._freed = asyncio.Event()

    @property
    def room(self) -> int:
        """How many more messages could be with providers at once."""
        return self._most_each * len(self._gateways) - sum(self._under_way.values())

    @property
    def notice_room(self) -> int:
        """How many notices could be with providers at once, by those that are well."""
        now = self._clock()
        return sum(
            self._notices_most(name)
            for name in self._gateways
            if router.is_usable(self._health(name), now)
        )

    def usable_at(self, names: Iterable[str]) -> datetime:
        """Give the moment from which one of these providers may get a message."""
        now = self._clock()
        return min(router.usable_at(self._health(name), now) for name in names)

    async def borrow(
        self, names: Sequence[str], tried: Collection[str], *, is_notice: bool = False
    ) -> str | None:
        """Take a place at the first provider that is well and has one; None: nobody in time.

        The place must be given back.
        """
        until = asyncio.get_running_loop().time() + ROOM_MAX_S
        while True:
            now = self._clock()
            full = self._full_for_notices() if is_notice else self._full()
            name = router.choose(names, self._healths, tried={*tried, *full}, now=now)
            if name is not None:
                self._under_way[name] += 1
                self._notices[name] += is_notice
                self._healths[name] = router.chosen(self._health(name), now)
                return name
            if router.choose(names, self._healths, tried=tried, now=now) is None:
                return None
            self._codes_waiting += not is_notice
            try:
                async with asyncio.timeout_at(until):
                    await self._freed.wait()
            except TimeoutError:
                return None
            finally:
                self._codes_waiting -= not is_notice

    def give_back(self, name: str, *, is_notice: bool = False) -> None:
        """Give a place back and wake those who wait for one."""
        self._under_way[name] -= 1
        self._notices[name] -= is_notice
        freed, self._freed = self._freed, asyncio.Event()
        freed.set()

    async def send(self, name: str, job: SmsJob) -> SendOutcome:
        """Hand the message to the provider and learn from the outcome.

        What an adapter raises that nobody foresaw is raised here too, and counts as a failure.
        """
        began = time.monotonic()
        outcome: SendOutcome = Unknown("failed")
        try:
            async with asyncio.timeout(SEND_MAX_S):
                outcome = await self._gateways[name].send(job)
        except TimeoutError:
            outcome = Unknown("timeout")
        finally:
            self._learn(name, outcome, time.monotonic() - began)
        return outcome

    def _learn(self, name: str, outcome: SendOutcome, took_s: float) -> None:
        health = router.after(self._health(name), outcome, self._clock())
        self._healths[name] = health
        self._watch.sent(name, _word(outcome), took_s)
        self._watch.breaker(name, health.opened_at is not None)

    def tell_resting(self) -> None:
        """Tell which providers rest; again and again, for it is over without anybody's doing."""
        now = self._clock()
        for name, health in self._healths.items():
            self._watch.breaker(name, router.is_told(health, now))

    async def find_out(
        self, name: str, job: SmsJob, is_reported: Callable[[], Awaitable[bool]]
    ) -> SendOutcome | None:
        """Ask what became of a message until it is known; None when it cannot be learned."""
        try:
            async with asyncio.timeout(FIND_OUT_MAX_S):
                for wait_s in _FIND_OUT_WAITS_S:
                    await self._pause(wait_s)
                    if await is_reported():
                        return Accepted()
                    outcome = await self._gateways[name].find_out(job)
                    if not isinstance(outcome, Unknown):
                        return outcome
        except TimeoutError:
            return None
        return None

    async def close(self) -> None:
        """Close the gateways."""
        for gateway in self._gateways.values():
            await gateway.close()

    def _health(self, name: str) -> router.Health:
        return self._healths.get(name, router.Health())

    def _full(self) -> set[str]:
        return {
            name
            for name, count in self._under_way.items()
            if count >= router.slots(self._health(name), self._most_each)
        }

    def _full_for_notices(self) -> set[str]:
        if self._codes_waiting:
            return set(self._gateways)
        busy = {name for name, count in self._notices.items() if count >= self._notices_most(name)}
        return self._full() | busy

    def _notices_most(self, name: str) -> int:
        return max(1, router.slots(self._health(name), self._most_each) // 2)


def _word(outcome: SendOutcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Rejected(retryable=True):
            return "retryable"
        case Rejected():
            return "rejected"
        case Unknown():
            return "unknown"
        case _:
            assert_never(outcome)
