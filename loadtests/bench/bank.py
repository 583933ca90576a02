"""The enrolment API as the bank's systems call it: look-ups, and 3-D Secure switched.

Every call carries a token of its own, signed for it (ES256), which the service verifies. A switch
is two calls and a text message: ask for a code, switch with the code from the phone.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loadtests.bench.client import Measure, Wire, at_once, head, wire_to
from loadtests.bench.site import Site
from loadtests.chaos.people import Holder
from loadtests.network.enrollment_api import Caller, read_callers, token

_FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, slots=True)
class _Api:
    wire: Wire
    port: int
    callers: Mapping[str, Caller]

    async def call(
        self, caller: str, method: str, path: str, body: object = None, person_id: str | None = None
    ) -> dict[str, object]:
        raw = b"" if body is None else json.dumps(body).encode()
        signed = token(self.callers[caller], (method, path, raw), datetime.now(UTC), person_id)
        top = head(
            method, path, self.port,
            authorization=f"Bearer {signed}", content_type="application/json",
        )  # fmt: skip
        status, answer = await self.wire.ask(top, raw)
        assert status < _FIRST_ERROR_STATUS, f"{method} {path}: HTTP {status}: {answer[:300]!r}"
        given: dict[str, object] = json.loads(answer)
        return given


async def look_ups(site: Site, holders: Sequence[Holder], *, seconds: float) -> Measure:
    """Look at cards, in as many lanes as there are holders."""

    async def one(api: _Api, holder: Holder) -> None:
        shown = await api.call("branch", "GET", f"/v1/cards/{holder.card_id}")
        assert shown["last4"] == holder.pan[-4:], shown

    return await _all(site, holders, one, seconds)


async def switches(site: Site, holders: Sequence[Holder], *, seconds: float) -> Measure:
    """Switch 3-D Secure off and on in turn, each client in a lane; every switch counts."""
    wishes = dict.fromkeys(holders, "activate")

    async def one(api: _Api, holder: Holder) -> None:
        wishes[holder] = wish = "deactivate" if wishes[holder] == "activate" else "activate"
        person_id = str(holder.person_id)
        about = {"action": f"threeds.{wish}", "parameters": {"card_id": str(holder.card_id)}}
        asked = await api.call("portal", "POST", "/v1/me/step-ups", about, person_id)
        proof = {"id": asked["step_up_id"], "code": await site.outside.code(holder.phone)}
        card = await api.call(
            "portal", "POST", f"/v1/me/cards/{holder.card_id}/threeds",
            {"wish": wish, "step_up": proof}, person_id,
        )  # fmt: skip
        threeds = card["threeds"]
        assert isinstance(threeds, dict), card
        assert (threeds["state"] == "active") == (wish == "activate"), card

    return await _all(site, holders, one, seconds)


async def _all(
    site: Site,
    holders: Sequence[Holder],
    one: Callable[[_Api, Holder], Awaitable[None]],
    seconds: float,
) -> Measure:
    callers = read_callers(site.settings.data_dir / "demo")
    port = site.ports["enrollment"]
    latencies: list[float] = []
    started = time.perf_counter()

    async def lane(holder: Holder) -> None:
        async with wire_to(port) as wire:
            api = _Api(wire, port, callers)
            for began in at_once(started + seconds):
                await one(api, holder)
                latencies.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*map(lane, holders))
    return Measure(time.perf_counter() - started, latencies)
