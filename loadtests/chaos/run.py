"""One run: a site under load and faults for a while, then its end step by step, then the laws."""

import argparse
import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from loadtests.chaos.ends import Ends, asked_by_signal, last_resort, tell_failure
from loadtests.chaos.hands import Hands
from loadtests.chaos.hsm import SiteHsm, told_why, unharmed, used_again
from loadtests.chaos.laws import Law, judge, promised, tell
from loadtests.chaos.plan import Enough, Fault, kinds
from loadtests.chaos.rest import rest
from loadtests.chaos.shoppers import PATIENCE_S, Crowd
from loadtests.chaos.site import Site, site
from loadtests.chaos.soak import ANSWERED, FAULTS, Sampler, draw
from loadtests.chaos.stream import Stream

LIMITS_S: Mapping[str, float] = {
    "the last fault is done": 360.0,  # a restart: 90 s for the stop, 240 s for the start
    "the disk is let alone": 20.0,
    "everything is healed": 270.0,  # PostgreSQL may have to be started
    "the service is ready again": 300.0,
    "everybody uses the HSM again": 150.0,  # its rest 60 s, a pause 30 s, a question of ours 10 s
    "enough is paid": 60.0,
    "the stream is over": 20.0,
    "the shoppers are done": 240.0,  # every call of a visit takes its 12 s, every try is needed
    "those who left looked once more": 240.0,
    "nothing happens any more": 300.0,
    "nobody starts again what dies": 20.0,
    "the samples are taken": 20.0,
    "the laws are counted": 2400.0,  # two million payments, on cores that others use: 1200 s
    "the stream's answers are found": 600.0,
    "everything is told": 60.0,
}
_STARTS_S, _SITE_STOPS_S = 900.0, 300.0
WORST_S = Ends(LIMITS_S).worst_s + _SITE_STOPS_S
"""The longest that a run can take after its load, when every step is late."""
_SATURATING, _SATURATED_S = 32, 8.0
_CONNECT_S = 30.0
_HASTY_S = 5.0
_PAUSE_S = 0.2
"""Where every fault is felt once, nobody waits long for what a network swallowed, or pays much."""
_LONG_S = 10.0
"""A law that takes longer is told of: what comes after it may be waited for."""


async def run(options: argparse.Namespace, folder: Path) -> list[Law]:
    """Run once; gives the laws, counted."""
    sites: list[Site] = []

    def leave() -> None:
        for one in sites:
            one.end_at_once()

    last_resort(_STARTS_S + options.seconds + WORST_S, leave)
    with asked_by_signal():
        async with site(
            folder, options.seed, options.people, options.disk_mb,
            spares=options.soak is not None, clocks=options.clocks, hsm=True,
        ) as place:  # fmt: skip
            sites.append(place)
            if place.hsm is None:
                print("no SoftHSM2 here (Debian: softhsm2): faults of the HSM are left out")
            rate = await _share(place, options.share) if options.share else options.rate
            return await _under_load(options, place, rate, options.soak or folder)


async def _under_load(
    options: argparse.Namespace, place: Site, rate: float | None, seen: Path
) -> list[Law]:
    """Load and disturb, end, count; the samples are in the folder ``seen``."""
    crowd = Crowd(
        place.ledger, place.holders, place.url("areq", "/3ds/areq"),
        place.url("results", "/rreq"), options.seed,
        patience_s=_HASTY_S if options.kinds else PATIENCE_S,
        pause_s=_PAUSE_S if options.kinds else 0.0,
        sdk_root=place.sdk_root.read_bytes(),
    )  # fmt: skip
    hands = Hands(place, options.seed, options.calm)
    this = _Run(options, place, crowd, hands, _stream(place))
    this.begin(rate, seen)
    try:
        await this.load()
        await this.end()
    finally:
        for task in this.tasks.values():
            task.cancel()
        grown = draw(seen)
    return await this.judge(grown)


@dataclass(slots=True)
class _Run:
    """Everybody who takes part in a run, and the tasks in which they do."""

    options: argparse.Namespace
    place: Site
    crowd: Crowd
    hands: Hands
    stream: Stream
    ends: Ends = field(default_factory=lambda: Ends(LIMITS_S))
    over: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    laws: list[Law] = field(default_factory=list)
    rested_s: float | None = None
    began: float = field(default_factory=time.monotonic)

    def begin(self, rate: float | None, seen: Path) -> None:
        """Start whoever pays, disturbs and watches."""
        options, hands = self.options, self.hands
        enough = Enough(options.faults, options.kills, options.crashes, options.each, options.only)
        sampler = Sampler(self.place, seen, self._counts(), self._tallies())
        self._start("watching", hands.watch())
        self._start("paying", self.crowd.pay(options.lanes))
        self._start("sampling", sampler.run())
        if self._promised:
            self._start("disturbing", hands.keep_promises(self._promised, self.over))
        else:
            self._start("disturbing", hands.disturb(self.over, enough))
        if rate:
            self._start("streaming", self.stream.run(rate))
        if options.disk_mb and not self._promised:
            self._start("filling", hands.fill())

    @property
    def _promised(self) -> list[tuple[Fault, ...]]:
        """Give what the run must do, whatever it takes; empty: what a seed makes."""
        has_disk, has_hsm = bool(self.options.disk_mb), self.place.hsm is not None
        return kinds(has_disk=has_disk, has_hsm=has_hsm) if self.options.kinds else []

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self.tasks[name] = asyncio.create_task(work, name=name)
        task.add_done_callback(tell_failure)

    async def load(self) -> None:
        """Let them, for so long or until enough was disturbed."""
        await asyncio.wait(
            {self.tasks["paying"], self.tasks["disturbing"]},
            timeout=self.options.seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        self.over.set()

    async def end(self) -> None:
        """Heal everything, let everybody finish, wait until nothing happens any more."""
        print(f"\nthe end, after {time.monotonic() - self.began:.0f} s of load", flush=True)
        ends, tasks, place, crowd = self.ends, self.tasks, self.place, self.crowd
        await ends.step("the last fault is done", tasks["disturbing"])
        if "filling" in tasks:
            await ends.stop("the disk is let alone", tasks["filling"])
        await ends.step("everything is healed", self.hands.heal())
        await ends.step("the service is ready again", place.becomes(place.is_ready))
        await ends.step("everybody uses the HSM again", place.becomes(place.uses_hsm))
        await ends.step("enough is paid", place.becomes(crowd.has_paid(self.options.least)))
        if "streaming" in tasks:
            await ends.stop("the stream is over", tasks["streaming"])
        crowd.stopping.set()
        await ends.step("the shoppers are done", tasks["paying"])
        await ends.step("those who left looked once more", crowd.come_back(self.options.lanes))
        hurries = self.options.hurry or self.options.clocks
        self.rested_s = await ends.step(
            "nothing happens any more", rest(place.connect, hurry=hurries)
        )
        await ends.stop("nobody starts again what dies", tasks["watching"])
        await ends.stop("the samples are taken", tasks["sampling"])

    async def judge(self, grown: Sequence[str]) -> list[Law]:
        """Count the laws and tell everything; what was counted until then counts."""
        conn = await asyncpg.connect(self.place.database.dsn, timeout=_CONNECT_S)
        try:
            await self.ends.step("the laws are counted", self._judge(conn))
            if "streaming" in self.tasks:
                await self.ends.step("the stream's answers are found", self._judge_stream(conn))
            results = await self.ends.step("everything is told", _in_tables(conn))
        finally:
            conn.terminate()
        self.laws.append(self.ends.law)
        if self.place.hsm is not None:
            self._judge_hsm(self.place.hsm)
        if faults := [fault.title for group in self._promised for fault in group]:
            self.laws.append(promised(faults, self.hands.felt))
        self._report(dict(results or {}))
        if self.options.soak is not None:
            print("\ngrowth", *grown, sep="\n")
        return self.laws

    async def _judge(self, conn: asyncpg.Connection) -> None:
        place, began = self.place, time.monotonic()
        async for law in judge(conn, place.ledger, place.holders, place.logs, self.hands.starved):
            self.laws.append(law)
            began, took_s = time.monotonic(), time.monotonic() - began
            if took_s > _LONG_S:
                print(f"  {took_s:6.1f}  seconds to count: {law.name}", flush=True)

    def _judge_hsm(self, hsm: SiteHsm) -> None:
        place, ledger = self.place, self.place.ledger
        self.laws += [unharmed(ledger, hsm.spans), told_why(ledger, hsm.spans)]
        self.laws.append(used_again(place.hsm_words, place.askers))

    async def _judge_stream(self, conn: asyncpg.Connection) -> None:
        lost = await self.stream.missing(conn)
        name = "every ARes of the stream that was read is stored"
        self.laws.append(Law(name, len(self.stream.answered), lost))

    def _counts(self) -> dict[str, Callable[[], float]]:
        shops, stream, hands = self.place.ledger.answered, self.stream.answered, self.hands
        return {
            ANSWERED: lambda: len(shops) + len(stream),
            FAULTS: hands.done.total,
        }

    def _tallies(self) -> dict[str, Mapping[str, float]]:
        ledger = self.place.ledger
        return {
            "done to it": self.hands.done,
            "challenge or answer": ledger.ended,
            "shop or cardholder": ledger.refused,
            "the stream": self.stream.refused,
        }

    def _report(self, results: Mapping[str, int]) -> None:
        ledger, hands, parties = self.place.ledger, self.hands, self.place.parties
        print("\nwhat was done")
        for name, times in sorted(hands.done.items()):
            print(f"  {times:6}  {name}")
        for who, mood in (("DS", parties.directory), ("SMS", parties.gateway)):
            for way, times in sorted(mood.had.items()):
                print(f"  {times:6}  {who} answers: {way}")
        for name, share in sorted(hands.busiest.items()):
            print(f"  {share:6.0%}  of a core at most, used by a process with {name}")
        facts = {
            "AReqs of shops": len(ledger.asked),
            "of them answered": len(ledger.answered),
            "RReqs heard": sum(map(len, ledger.heard.values())),
            "results that the Directory Server has": len(ledger.accepted),
            "Erros it was sent": sum(ledger.erros.values()),
            "text messages": len(ledger.sms),
            "answers read by SDKs": ledger.read_in_apps,
            "CReqs of SDKs that were answered more than once": sum(
                len(kinds) > 1 for kinds in ledger.answers_to.values()
            ),
            **{
                f"late copies of CReqs, error code {code}": n
                for code, n in sorted(ledger.late_copies.items())
            },
            "who left and looked once more": len(self.crowd.unfinished),
            **{f"challenge or answer: {name}": n for name, n in sorted(ledger.ended.items())},
            **{f"shop or cardholder: {name}": n for name, n in sorted(ledger.refused.items())},
            **results,
        }
        tell(facts, self.laws, self.rested_s)
        if "streaming" in self.tasks:
            print("\nthe stream")
            print(f"  {len(self.stream.answered):6}  AReqs answered Y")
            for name, times in sorted(self.stream.refused.items()):
                print(f"  {times:6}  {name}")


async def _share(place: Site, share: float) -> float:
    """Give a share of the AReqs a second that are answered when as many are sent as can be."""
    trying = _stream(place)
    await trying.saturate(_SATURATING, _SATURATED_S / 2)  # statements prepared, caches filled
    saturation = await trying.saturate(_SATURATING, _SATURATED_S)
    print(f"saturation {saturation:.0f} AReqs a second; of it {share:.0%}", flush=True)
    return share * saturation


def _stream(place: Site) -> Stream:
    easy = [one for one in place.holders if one.kind == "easy" and not one.has_limits]
    base = place.url("results", "")
    return Stream(f"http://127.0.0.1:{place.ports['ds']}/3ds/areq", base, easy)


_COUNTED = """
    SELECT 'result ' || state, count(*) FROM acs.result GROUP BY state
    UNION ALL
    SELECT 'sessions of SDKs whose AReq was not recorded under their id', count(*)
    FROM acs.sdk_session s
    WHERE NOT EXISTS (SELECT FROM acs.transaction t WHERE t.acs_trans_id = s.acs_trans_id)
    ORDER BY 1"""


async def _in_tables(conn: asyncpg.Connection) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in await conn.fetch(_COUNTED)]
