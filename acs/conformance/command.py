"""The command: which cases, against which ACS, with which cards; exit code 0, 1 or 2.

0: every run passed; 1: something failed, or the ACS or the cards cannot be reached; 2: wrong use.
A kind of card that is not there skips its cases, which is told and is no failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import aiohttp

from acs.conformance import cards, cases, report, sdk
from acs.conformance.listener import Listener
from acs.conformance.report import Outcome
from acs.conformance.story import Story, World
from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from acs.conformance.cases import Case, Run

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "conformance" / "cases"
USAGE_ERROR, FAILED = 2, 1
_AREQ_PATH, _METHOD_PATH = "/3ds/areq", "/3ds-method"
_RUN_WITHIN_S = 90.0
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What an answer of another shape than any message comes to; it fails its own run only."""
_PROBE = cases.Case("probe", "where challenges are held", "", ("5.1",), card="challenge_otp")
_HEAL = cases.Case(
    "heal",
    "a right entry after wrong ones",
    "so that no card is blocked by the cases",
    ("5.18",),
    steps=({"do": "creq"}, {"do": "submit", "otp": "right", "pin": "right"}),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    url: str
    folder: Path = FOLDER
    rule: str | None = None
    demo: str = "http://127.0.0.1:8080"
    card_file: cards.CardFile | None = None
    listen: str = "127.0.0.1:0"
    results_url: str | None = None
    method_url: str | None = None
    at_once: int = 8


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--url",
        default="http://127.0.0.1:8081",
        help="the Directory Server edge of the ACS; without a path AReqs go to /3ds/areq there",
    )
    parser.add_argument("--cases", type=Path, default=FOLDER, metavar="DIR", help="the cases")
    parser.add_argument("--rule", metavar="N", help="only the cases of a rule (2.9) or section (2)")
    parser.add_argument("--list", action="store_true", help="list the cases and run nothing")
    parser.add_argument(
        "--demo",
        default="http://127.0.0.1:8080",
        metavar="URL",
        help="the demo's payment network: it knows the test cards and their phones, and lends SDKs",
    )
    parser.add_argument(
        "--card-file",
        type=Path,
        metavar="FILE",
        help="cards of another ACS, TOML; see docs/conformance.md",
    )
    parser.add_argument(
        "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="where results are taken"
    )
    parser.add_argument(
        "--results-url", metavar="URL", help="how the ACS reaches --listen, if not by its address"
    )
    parser.add_argument(
        "--method-url", metavar="URL", help="the 3DS Method page, if not beside the challenges"
    )
    parser.add_argument(
        "--at-once", type=int, default=8, metavar="N", help="runs at a time, default 8"
    )


def main(given: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    try:
        options = _options(given)
        found = cases.load(options.folder)
        chosen = found if options.rule is None else cases.about(found, options.rule)
    except (BadCase, OSError) as error:
        sys.stderr.write(f"acs conformance: {error}\n")
        return USAGE_ERROR
    if not chosen:
        sys.stderr.write(f"acs conformance: no case is about rule {options.rule}\n")
        return USAGE_ERROR
    if given.list:
        sys.stdout.write(report.listing(chosen))
        return 0
    try:
        outcomes = asyncio.run(run(options, chosen))
    except BadCase as error:
        sys.stderr.write(f"acs conformance: {error}\n")
        return USAGE_ERROR
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        sys.stderr.write(f"acs conformance: {type(error).__name__}: {error}\n")
        return FAILED
    return _tell(outcomes)


async def run(options: Options, chosen: Sequence[Case]) -> list[Outcome]:
    """Run cases side by side; outcomes in the order of the cases."""
    host, _, port = options.listen.rpartition(":")
    listener = Listener(host, int(port), options.results_url)
    timeout = aiohttp.ClientTimeout(total=40.0)
    await listener.start()
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            deck = await _deck(session, options)
            world = World(
                session,
                listener,
                _areq_url(options.url),
                deck.page,
                time.strftime("%Y%m%d%H%M%S", time.gmtime()),
            )
            network = options.demo.rstrip("/")
            if await sdk.is_there(session, network):
                world = replace(world, network=network)
            challenge_url = await _challenge_url(world, deck)
            method_url = options.method_url
            if method_url is None and challenge_url is not None:
                method_url = urljoin(challenge_url, _METHOD_PATH)
            world = replace(world, challenge_url=challenge_url, method_url=method_url)
            return await _run_all(world, deck, options, chosen)
    finally:
        await listener.stop()


def _areq_url(told: str) -> str:
    """Give where AReqs go: what was told, and our own path where that has none."""
    has_path = urlsplit(told).path.strip("/")
    return told if has_path else urljoin(told, _AREQ_PATH)


async def _run_all(
    world: World, deck: cards.Cards, options: Options, chosen: Sequence[Case]
) -> list[Outcome]:
    places = asyncio.Semaphore(options.at_once)

    async def one(run: Run) -> Outcome:
        if run.case.slow:  # it waits more than it works
            return await _outcome(world, deck, run)
        async with places:
            return await _outcome(world, deck, run)

    runs = [run for case in chosen for run in case.runs()]
    # The slow ones first: a task starts when it is made.
    begun = {
        run.name: asyncio.create_task(one(run))
        for run in sorted(runs, key=lambda run: not run.case.slow)
    }
    return [await begun[run.name] for run in runs]


async def _outcome(world: World, deck: cards.Cards, run: Run) -> Outcome:
    if run.case.needs_sdk and world.network is None:
        return Outcome(run, skipped="no payment network lends an SDK (--demo)")
    if not deck.has(run.case.card):
        return Outcome(run, skipped=f"no card of the kind {run.case.card}")
    async with deck.lent(run.case.card) as card:
        outcome = await _judged(world, run, card)
        if outcome.was_busy:
            outcome = replace(await _judged(world, run, card), was_busy=True)
        if card.failures:
            await _judged(world, _HEAL.runs()[1], card)
    return outcome


async def _judged(world: World, run: Run, card: cards.Card) -> Outcome:
    story = Story(world, run, card)
    try:
        async with asyncio.timeout(_RUN_WITHIN_S):
            faults = tuple(dict.fromkeys(await story.tell()))
            return Outcome(run, faults, was_busy=story.met_a_busy_acs)
    except (aiohttp.ClientError, TimeoutError, BadCase, *_UNREADABLE) as error:
        fault = f"{type(error).__name__}: {error}".rstrip(": ")
        return Outcome(run, (*story.failures, fault))


async def _deck(session: aiohttp.ClientSession, options: Options) -> cards.Cards:
    if options.card_file is not None:
        return options.card_file.deck(session)
    return await cards.from_demo(session, options.demo.rstrip("/"))


async def _challenge_url(world: World, deck: cards.Cards) -> str | None:
    """Learn from an ordinary challenge where challenges are held."""
    if not deck.has(_PROBE.card):
        return None
    async with deck.lent(_PROBE.card) as card:
        story = Story(world, _PROBE.runs()[1], card)
        with contextlib.suppress(*_UNREADABLE):  # the cases will tell
            await story.tell()
    url = story.said.get("ares", {}).get("acsURL")
    return None if url is None else str(url)


def _options(given: argparse.Namespace) -> Options:
    for name in ("url", "demo", "results_url", "method_url"):
        text = getattr(given, name)
        if text is not None and not _is_url(text):
            message = f"{text} is no http(s) URL"
            raise BadCase(message)
    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdecimal():
        message = f"{given.listen} is not HOST:PORT"
        raise BadCase(message)
    if given.at_once < 1:
        message = "--at-once is at least 1"
        raise BadCase(message)
    return Options(
        url=given.url,
        folder=given.cases,
        rule=given.rule,
        demo=given.demo,
        card_file=None if given.card_file is None else cards.read_file(given.card_file),
        listen=given.listen,
        results_url=given.results_url,
        method_url=given.method_url,
        at_once=given.at_once,
    )


def _is_url(text: str) -> bool:
    try:
        return urlsplit(text).scheme in {"http", "https"} and bool(text[8:])
    except ValueError:  # a bracket too few
        return False


def _tell(outcomes: Sequence[Outcome]) -> int:
    sys.stdout.write(report.table(outcomes))
    skipped = {one.skipped for one in outcomes if one.skipped is not None}
    sys.stdout.writelines(f"skipped: {reason}\n" for reason in sorted(skipped))
    busy = sum(one.was_busy for one in outcomes)
    if busy:
        sys.stdout.write(f"run twice, for the ACS was busy the first time (402, 403): {busy}\n")
    sys.stdout.write(report.faults(outcomes))
    return FAILED if any(one.has_failed for one in outcomes) else 0
