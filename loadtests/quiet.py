"""`make quiet`: what a stopwatch tells of the secrets behind an answer, which should be nothing.

Two questions, asked of a demo of its own. Does any step before a session take another time for a
client's number than for a number of nobody? Does a refused challenge take another time when the
PIN was wrong, the code, or both? Tries are interleaved in a random order; each pair of samples is
compared by the tests of Mann-Whitney (is one slower?) and of Kolmogorov-Smirnov (is one otherwise
different?). Exit code 1 when any pair can be told apart with one chance in a hundred of being
wrong, all comparisons together; or when bytes differ.

Printed for the steps is also how many answers took longer than the floor of 400 ms: beyond it the
floor hides nothing, and equal work has to.
"""

import argparse
import asyncio
import contextlib
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import erfc, exp, sqrt

from aiohttp import ClientSession, DummyCookieJar

from loadtests.bench.demo import cards_of, own_demo
from loadtests.network.cards import Card
from loadtests.network.enrollment_api import CallRefused, EnrollmentApi, read_callers

FLOOR_S = 0.4
_SLACK_S = 0.025
_CHANCE_OF_A_FALSE_ALARM = 0.01
_PASSWORD = "trzy mokre kamienie"  # noqa: S105 - of people that do not exist
_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
_CONSENTS = {
    "consents": [
        {"code": code, "version": 1, "language": "pl", "accepted": True}
        for code in ("sms_3ds", "terms")
    ]
}


@dataclass(slots=True)
class Samples:
    """Seconds by step and by kind of try, and what the answers looked like."""

    seconds: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    looks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, step: str, kind: str, seconds: float, look: str) -> None:
        """Keep one try."""
        self.seconds[step][kind].append(seconds)
        self.looks[step].add(look)


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the two-sided p-value that neither sample tends to be larger; ties are corrected for."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = [0.0, 0.0]
    ties = 0  # of Mann-Whitney: each group of t equal values counts t^3 - t
    at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        for _, sample in ranked[at:end]:
            ranks[sample] += (at + 1 + end) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    m, n = len(one), len(other)
    total = m + n
    variance: float = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 1.0
    u = ranks[0] - m * (m + 1) / 2
    return erfc(max(abs(u - m * n / 2) - 0.5, 0.0) / sqrt(2 * variance))


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the asymptotic p-value that both samples are of one distribution."""
    a, b = sorted(one), sorted(other)
    i = j = 0
    gap = 0.0
    while i < len(a) and j < len(b):
        value = min(a[i], b[j])
        while i < len(a) and a[i] <= value:
            i += 1
        while j < len(b) and b[j] <= value:
            j += 1
        gap = max(gap, abs(i / len(a) - j / len(b)))
    size = sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (size + 0.12 + 0.11 / size) * gap
    if x < 0.2:  # noqa: PLR2004 - the series converges too slowly there, and the value is 1
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * sum(terms)))


def pesel(chance: random.Random) -> str:
    """Make up a number that looks like a client's and is nobody's."""
    day = f"{chance.randint(30, 99):02d}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    body = f"{day}{chance.randint(0, 9999):04d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _PESEL_WEIGHTS, strict=True))
    return f"{body}{-total % 10}"


@dataclass(slots=True)
class Steps:
    """Walks the steps before a session with one number, and times each answer."""

    api: EnrollmentApi
    samples: Samples

    async def walk(self, kind: str, number: str, *, keep: bool = True) -> None:
        """Go through all of them with wrong entries."""

        async def step(name: str, path: str, body: Mapping[str, object] | None = None) -> str:
            began = time.perf_counter()
            try:
                answer = await self.api.call("portal", "POST", path, body)
                look = f"{sorted(answer)}"
            except CallRefused as refused:
                answer, look = {}, f"{refused.status} {refused.code}"
            if keep:
                self.samples.add(name, kind, time.perf_counter() - began, look)
            ids = ("registration_id", "login_id", "reset_id")
            return next((str(answer[one]) for one in ids if one in answer), "")

        made = await step("register", "/registrations", {"identifier": number})
        await step("consents", f"/registrations/{made}/consents", _CONSENTS)
        await step("sms", f"/registrations/{made}/sms")
        wrong = {"sms_password": "AAAAAAAAAA"}
        await step("verify", f"/registrations/{made}/verify", wrong)
        made = await step("login", "/logins", {"identifier": number, "password": "suche kamienie"})
        await step("login sms", f"/logins/{made}/sms", {"code": "000000"})
        made = await step("reset", "/password-resets", {"identifier": number})
        await step(
            "reset proof", f"/password-resets/{made}/proof", {"pin": "9513", "code": "000000"}
        )


async def newest_text(http: ClientSession, network: str, phone: str, word: str) -> str:
    """Wait for a message that holds a word, and give the newest."""
    for _ in range(200):
        async with http.get(f"{network}/api/phone/{phone}") as answer:
            texts = [str(sms["text"]) for sms in await answer.json()]
        if texts and word in texts[0]:
            return texts[0]
        await asyncio.sleep(0.05)
    message = f"no message with {word!r} came to a phone of the demo"
    raise AssertionError(message)


async def register(api: EnrollmentApi, http: ClientSession, network: str, card: Card) -> None:
    """Give a holder of the demo a password, as the holder would."""
    made = await api.call("portal", "POST", "/registrations", {"identifier": card.identifier})
    path = f"/registrations/{made['registration_id']}"
    await api.call("portal", "POST", f"{path}/consents", _CONSENTS)
    await api.call("portal", "POST", f"{path}/sms")
    found: list[str] = []
    while not found:
        text = await newest_text(http, network, card.phone, "")
        found = re.findall(r": ([A-Z2-9]{10})\b", text)
    proved = await api.call("portal", "POST", f"{path}/verify", {"sms_password": found[0]})
    both = {"token": proved["token"], "password": _PASSWORD, "repeat": _PASSWORD}
    await api.call("portal", "POST", f"{path}/password", both)


async def measure_steps(
    api: EnrollmentApi, http: ClientSession, network: str, cards: Sequence[Card], tries: int
) -> Samples:
    """Walk the steps with clients and strangers, a lane for each client, all lanes at once."""
    samples = Samples()
    steps = Steps(api, samples)

    async def lane(card: Card, seed: int) -> None:
        chance = random.Random(seed)
        await register(api, http, network, card)
        stranger = pesel(chance)
        kinds = {"client": card.identifier, "stranger": stranger}
        for number in kinds.values():  # the first tries lock both; then all are alike
            for _ in range(3):
                await steps.walk("", number, keep=False)
        for _ in range(-(-tries // len(cards))):
            for kind in chance.sample(list(kinds), len(kinds)):
                await steps.walk(kind, kinds[kind])

    await asyncio.gather(*(lane(card, seed) for seed, card in enumerate(cards)))
    return samples


def _form(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))


async def _post(http: ClientSession, url: str, fields: Mapping[str, str]) -> tuple[str, float]:
    began = time.perf_counter()
    async with http.post(url, data=fields) as answer:
        html = await answer.text()
    return html, time.perf_counter() - began


async def measure_refusals(
    http: ClientSession, network: str, cards: Sequence[Card], tries: int
) -> Samples:
    """Refuse one entry of each kind in fresh challenges, one after the other."""
    samples, chance = Samples(), random.Random(0)
    for number in range(-(-tries // 3)):
        card = cards[number % len(cards)]
        for kind in chance.sample(["wrong PIN", "wrong code", "both wrong"], 3):
            await _refused(http, network, card, kind, samples)
    return samples


async def _refused(
    http: ClientSession, network: str, card: Card, kind: str, samples: Samples
) -> None:
    order = {"pan": card.pan, "amount": 12345, "merchant_name": "Quiet", "channel": "browser"}
    async with http.post(f"{network}/api/purchases", json=order) as answer:
        bought = await answer.json()
    url = str(bought["acs_url"])
    html, _ = await _post(http, url, {"creq": str(bought["creq"])})
    text = await newest_text(http, network, card.phone, "Quiet")
    (code,) = re.findall(r"(?<!\d)\d{6}(?!\d)", text)
    right = {"pin": card.pin or "", "otp": str(code)}
    entered = dict(right)
    if kind != "wrong code":
        entered["pin"] = "9513" if right["pin"] != "9513" else "9514"
    if kind != "wrong PIN":
        entered["otp"] = "000000" if code != "000000" else "000001"
    html, seconds = await _post(http, url, {**_form(html), **entered, "action": "submit"})
    if 'name="otp"' not in html:
        message = "a first wrong entry ended a challenge"
        raise AssertionError(message)
    fields = _form(html)
    look = re.sub(r"\d+", "0", html.replace(fields["form_token"], ""))
    samples.add(f"challenge of {card.phone}", kind, seconds, look)
    await _post(http, url, {**fields, **right, "action": "submit"})  # clears the count


def together(samples: Samples) -> Samples:
    """Give the challenges of all cards as one step; looks were compared card by card."""
    merged = Samples()
    for kinds in samples.seconds.values():
        for kind, seconds in kinds.items():
            merged.seconds["challenge"][kind] += seconds
    return merged


def compare(samples: Samples, comparisons: int) -> list[str]:
    """Print a line for each pair of kinds; give what can be told apart."""
    told = []
    limit = _CHANCE_OF_A_FALSE_ALARM / (2 * comparisons)
    for step, kinds in samples.seconds.items():
        names = list(kinds)
        for at, one in enumerate(names):
            for other in names[at + 1 :]:
                a, b = kinds[one], kinds[other]
                p_larger, p_other = mann_whitney(a, b), kolmogorov_smirnov(a, b)
                print(
                    f"{step:12} {one:>10} {statistics.median(a) * 1000:8.2f} ms  "
                    f"{other:>10} {statistics.median(b) * 1000:8.2f} ms  tries {len(a)}+{len(b)}"
                    f"  p {p_larger:.4f} {p_other:.4f}"
                )
                if min(p_larger, p_other) < limit:
                    told.append(f"{step}: {one} and {other} can be told apart")
    return told


def tell_floor(samples: Samples) -> None:
    """Print how the answers lie to the floor."""
    every = sorted(s for kinds in samples.seconds.values() for one in kinds.values() for s in one)
    p50, p99, most = (every[int(len(every) * part)] * 1000 for part in (0.5, 0.99, 0.9999))
    over = sum(one > FLOOR_S + _SLACK_S for one in every)
    print(
        f"floor {FLOOR_S * 1000:.0f} ms, {len(every)} answers: p50 {p50:.1f}, p99 {p99:.1f}, "
        f"max {most:.1f} ms; {over} of them more than {_SLACK_S * 1000:.0f} ms over it"
    )


async def _main(options: argparse.Namespace) -> int:
    async with (
        own_demo() as demo,
        ClientSession(cookie_jar=DummyCookieJar()) as http,
    ):
        cards = [card for card in cards_of(demo.network) if card.expect == "C pin+otp"]
        api = EnrollmentApi(f"{demo.enrollment}/v1", http, read_callers(demo.folder / "demo"))
        refusals = await measure_refusals(
            http, demo.network, cards[options.lanes :], options.refusals
        )
        steps = await measure_steps(api, http, demo.network, cards[: options.lanes], options.tries)
    comparisons = len(steps.seconds) + 3
    told = compare(together(refusals), comparisons) + compare(steps, comparisons)
    for step, looks in [*refusals.looks.items(), *steps.looks.items()]:
        if len(looks) > 1:
            told.append(f"{step.split()[0]}: {len(looks)} different answers")
    tell_floor(steps)
    print("\n".join(told) or "nothing can be told apart")
    return 1 if told else 0


def main() -> int:
    """Measure; 1 when something can be told apart."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.quiet", description=__doc__)
    parser.add_argument("--tries", type=int, default=150, help="of each step and kind")
    parser.add_argument("--refusals", type=int, default=1200, help="of challenges, all kinds")
    parser.add_argument("--lanes", type=int, default=8, help="clients at the same time")
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_main(parser.parse_args()))
    return 1


if __name__ == "__main__":
    sys.exit(main())
