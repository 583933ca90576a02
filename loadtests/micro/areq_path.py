"""What an AReq costs between HTTP and the database, in one process, by stage.

The real flow answers the benchmark's AReqs over ``inside.ports()``: read, decide, ARes, the rows
to be stored. Some are asked at the same time, as they come together in a batch of the service.
Printed are microseconds of CPU per AReq for a frictionless Y and a challenge C, the same in times
of ``json.loads`` of its bytes, and the stages of the Y: each the time spent in it alone, without
those of the list that it calls. What the stages leave is the flow itself, batches and the loop.

    python -m loadtests.micro.areq_path [--profile FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import os
import statistics
import time
import timeit
from functools import wraps
from typing import TYPE_CHECKING, Any

import uvloop

from acs import app, evidence, log
from acs.authentication import responses
from acs.crypto import value
from acs.flows import authenticate as flow
from acs.flows import evidence as evidence_flow
from acs.flows import gather
from acs.store import device_data, transactions
from enrollment import pan
from loadtests.bench.client import areqs
from loadtests.micro import inside
from loadtests.network.cards import Card
from schemas import messages
from schemas.secret import KeyRing
from schemas.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from acs.ports import Ports

TOGETHER = 8
"""AReqs at a time: about what a batch holds when 32 connections ask (docs/adr/0013)."""
_ROUNDS, _CALLS = 15, 50
_WARM_UP_CALLS = 50

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("read and check the AReq", messages, "read_areq"),
    ("keyed hashes of the card number", pan, "index"),
    ("standing: rows to values", device_data, "with_standings"),
    ("convert the amount", gather, "convert"),
    ("decide", flow, "decide"),
    ("authentication value", value, "make"),
    ("ARes, checked, to bytes", responses, "ares"),
    ("transaction", flow, "_transaction"),
    ("new row, audit event", flow, "_new"),
    ("visitor", evidence_flow, "visitor"),
    ("evidence", evidence, "document"),
    ("mask the messages", messages, "masked_text"),
    ("seal", Vault, "seal"),
    ("tag", KeyRing, "tag"),
    ("values to columns", transactions, "record"),
    ("metrics and log", flow, "_tell"),
    ("log line", log, "event"),
)
"""Functions, each under the name by which it is called; most lie at the borders of modules."""


def makers() -> dict[str, Callable[[], bytes]]:
    """Give makers of AReqs by the transStatus that answers them."""
    pans = {"Y": inside.PAN_FRICTIONLESS, "C": inside.PAN_CHALLENGED}
    return {
        status: areqs(
            [Card(pan_, "Jan Kowalski", "+48501000101", None, "x", "a", "c", status)],
            "http://127.0.0.1:8080",
        )
        for status, pan_ in pans.items()
    }


async def ask(ports: Ports, make: Callable[[], bytes], status: str, calls: int) -> float:
    """Have AReqs answered, some at a time; gives CPU seconds per AReq. Wrong answers end it."""
    raws = [[make() for _ in range(TOGETHER)] for _ in range(calls)]
    expected = f'"transStatus":"{status}"'.encode()
    used = 0.0
    for some in raws:
        started = time.process_time()
        answers = await asyncio.gather(
            *(flow.authenticate(ports, raw, inside.SERVER) for raw in some)
        )
        used += time.process_time() - started
        for answer in answers:
            assert expected in answer.replace(b" ", b""), answer[:300]
    return used / (calls * TOGETHER)


class Clock:
    """Adds up the time spent in functions, each without what others of them took inside it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = [0.0]

    def timed(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function; a coroutine is timed as a whole and must not wait for anybody."""

        @wraps(function)
        def plain(*args: Any, **given: Any) -> Any:  # noqa: ANN401 - any function
            started = self._enter()
            try:
                return function(*args, **given)
            finally:
                self._leave(label, started)

        @wraps(function)
        async def coroutine(*args: Any, **given: Any) -> Any:  # noqa: ANN401 - any function
            started = self._enter()
            try:
                return await function(*args, **given)
            finally:
                self._leave(label, started)

        return coroutine if asyncio.iscoroutinefunction(function) else plain

    def _enter(self) -> float:
        self._inside.append(0.0)
        return time.perf_counter()

    def _leave(self, label: str, started: float) -> None:
        spent = time.perf_counter() - started
        others = self._inside.pop()
        self._inside[-1] += spent
        self.seconds[label] = self.seconds.get(label, 0.0) + spent - others


@contextlib.contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """Time the stages until the end of the block."""
    was = [(place, name, getattr(place, name)) for _, place, name in STAGES]
    for (label, place, name), (_, _, function) in zip(STAGES, was, strict=True):
        setattr(place, name, clock.timed(label, function))
    try:
        yield
    finally:
        for place, name, function in was:
            setattr(place, name, function)


def totals(rounds: int = _ROUNDS, calls: int = _CALLS) -> dict[str, tuple[float, float]]:
    """Measure Y and C: microseconds per AReq, and the same in times of json.loads; medians."""
    ports = inside.ports()
    found: dict[str, list[tuple[float, float]]] = {}
    app.settle_memory()
    for status, make in makers().items():
        _run(ask(ports, make, status, _WARM_UP_CALLS))
        found[status] = []
    for _ in range(rounds):
        for status, make in makers().items():
            raw = make()
            yardstick_s = timeit.timeit(lambda: json.loads(raw), number=400) / 400  # noqa: B023
            spent_s = _run(ask(ports, make, status, calls))
            found[status].append((spent_s * 1e6, spent_s / yardstick_s))
    return {
        status: (statistics.median(us for us, _ in each), statistics.median(r for _, r in each))
        for status, each in found.items()
    }


def stages(rounds: int = _ROUNDS, calls: int = _CALLS) -> dict[str, float]:
    """Measure the stages of a frictionless Y: microseconds per AReq, medians."""
    make = makers()["Y"]
    found: dict[str, list[float]] = {}
    clock = Clock()
    with watched(clock):
        ports = inside.ports()
        for number in range(rounds + 1):
            clock.seconds.clear()
            _run(ask(ports, make, "Y", calls))
            for label, seconds in clock.seconds.items() if number else ():
                found.setdefault(label, []).append(seconds / (calls * TOGETHER) * 1e6)
    return {label: statistics.median(each) for label, each in found.items()}


def _run(asked: Coroutine[Any, Any, float]) -> float:
    """Run in a loop of its own, on the service's kind of loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asked)


def _profile(path: str) -> None:
    profile = cProfile.Profile()
    ports = inside.ports()
    profile.enable()
    _run(ask(ports, makers()["Y"], "Y", _ROUNDS * _CALLS))
    profile.disable()
    profile.dump_stats(path)


def main() -> None:
    """Print totals and stages, or write a profile for pstats."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.micro.areq_path")
    parser.add_argument("--profile", metavar="FILE", help="write a profile of Y for pstats instead")
    options = parser.parse_args()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        log.setup(stream=nowhere)  # as in production, lines are made
        if options.profile:
            _profile(options.profile)
            return
        found = totals()
        parts = stages()
    print("AReq between HTTP and database, CPU per AReq:")
    for status, (us, ratio) in found.items():
        print(f"{us:7.1f} us  {ratio:5.1f} times json.loads  {status}")
    print("stages of Y:")
    whole = found["Y"][0]
    for label, us in sorted(parts.items(), key=lambda one: -one[1]):
        print(f"{us:7.1f} us  {us / whole:5.0%}  {label}")
    rest = whole - sum(parts.values())
    print(f"{rest:7.1f} us  {rest / whole:5.0%}  the flow itself, batches, the loop")


if __name__ == "__main__":
    main()
