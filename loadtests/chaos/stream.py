"""Payments without a challenge at a steady rate, straight to the edge, beside the crowd's own.

An open loop: an AReq is due at its time whatever became of those before it. So many may be under
way; one that finds no room is counted and not sent. Of each answer the id is kept, so that in the
end every one can be looked for in the database.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from loadtests.chaos.people import Holder
from loadtests.network import areq, directory_server, three_ds_server
from loadtests.network.currencies import CURRENCIES

MERCHANT = "Stream"
_AMOUNT_MINOR = 100
_UNDER_WAY_MAX = 200
_TIMEOUT = ClientTimeout(total=12, connect=3)
_MARKS = "@three-ds-server-trans-id@", "@ds-trans-id@"
_LOOKED_FOR_AT_ONCE = 5000


@dataclass(slots=True)
class Stream:
    """AReqs of `holders`, who need no challenge and have no limits, to `url`."""

    url: str
    base_url: str
    holders: Sequence[Holder]
    most: int = _UNDER_WAY_MAX
    """So many AReqs under way at once."""
    answered: set[bytes] = field(default_factory=set)
    """acsTransIDs of every Y that was read, as 16 bytes."""
    refused: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    """Of each answer of the open loop, from when its AReq was due."""

    async def run(self, rate: float, seconds: float | None = None) -> None:
        """Send `rate` AReqs a second, for so long or until cancelled."""
        make, room = self._maker(), asyncio.Semaphore(self.most)
        async with self._session() as http, asyncio.TaskGroup() as group:
            began = time.perf_counter()
            for number in itertools.count():
                due_at = began + number / rate
                if seconds is not None and due_at > began + seconds:
                    return
                await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
                if room.locked():
                    self.refused["not sent: too many under way"] += 1
                    continue
                await room.acquire()
                group.create_task(self._timed(http, make(), due_at, room))

    async def saturate(self, connections: int, seconds: float) -> float:
        """Send as fast as answers come; gives the answers a second."""
        make, began, before = self._maker(), time.perf_counter(), len(self.answered)

        async def lane(http: ClientSession) -> None:
            while time.perf_counter() < began + seconds:
                await self._ask(http, make())

        async with self._session() as http:
            await asyncio.gather(*(lane(http) for _ in range(connections)))
        return (len(self.answered) - before) / (time.perf_counter() - began)

    async def missing(self, conn: asyncpg.Connection) -> list[str]:
        """Give the answers that were read and are not in the database."""
        lost: list[str] = []
        every = list(self.answered)
        for start in range(0, len(every), _LOOKED_FOR_AT_ONCE):
            ids = {UUID(bytes=one) for one in every[start : start + _LOOKED_FOR_AT_ONCE]}
            rows = await conn.fetch(
                "SELECT acs_trans_id FROM acs.transaction"
                " WHERE acs_trans_id = ANY($1::uuid[]) AND trans_status = 'Y'",
                list(ids),
            )
            lost += map(str, ids - {row[0] for row in rows})
        return lost

    def _session(self) -> ClientSession:
        return ClientSession(timeout=_TIMEOUT, connector=TCPConnector(limit=0))

    async def _timed(
        self, http: ClientSession, body: bytes, due_at: float, room: asyncio.Semaphore
    ) -> None:
        try:
            if await self._ask(http, body):
                self.latencies_ms.append((time.perf_counter() - due_at) * 1000)
        finally:
            room.release()

    async def _ask(self, http: ClientSession, body: bytes) -> bool:
        """Send one AReq, once; tell whether it was answered as it should be."""
        try:
            async with http.post(self.url, data=body, headers=_HEADERS) as response:
                answer = json.loads(await response.read())
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            self.refused[type(error).__name__] += 1
            return False
        if answer.get("transStatus") != "Y":
            self.refused[f"{answer.get('transStatus')} {answer.get('errorCode')}"] += 1
            return False
        self.answered.add(UUID(answer["acsTransID"]).bytes)
        return True

    def _maker(self) -> Callable[[], bytes]:
        """Give a maker of AReqs that differ in their ids, the cards taken in turn."""
        pieces = itertools.cycle([self._pieces(holder) for holder in self.holders])

        def make() -> bytes:
            before, between, after = next(pieces)
            return f"{before}{uuid4()}{between}{uuid4()}{after}".encode()

        return make

    def _pieces(self, holder: Holder) -> tuple[str, str, str]:
        order = areq.Order(
            pan=holder.pan,
            amount_minor=_AMOUNT_MINOR,
            currency=CURRENCIES["PLN"],
            merchant_name=MERCHANT,
            channel="browser",
            version="2.2.0",
        )
        plain = areq.build(order, three_ds_server.identity(self.base_url), datetime.now(UTC))
        whole = directory_server.complete(plain, _MARKS[1], self.base_url)
        text = json.dumps(whole | {"threeDSServerTransID": _MARKS[0]})
        before, rest = text.split(_MARKS[0])
        between, after = rest.split(_MARKS[1])
        return before, between, after


_HEADERS = {"Content-Type": "application/json;charset=utf-8"}
