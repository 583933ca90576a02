"""The laws after a run, counted from outside (ledgers) and from inside (tables, logs).

A law is a name, how many cases it was looked at in, and what broke it. A number that is no law
(results not confirmed, repeats) is told beside them.
"""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from loadtests.chaos.parties import Ledger
from loadtests.chaos.people import COUNT_DAY, PER_DAY_MINOR, Holder
from loadtests.chaos.stream import MERCHANT
from loadtests.chaos.tables import AN_HOUR_LATER, AT_ANY_TIME, AT_REST

if TYPE_CHECKING:
    from loadtests.network.purchases import Message

_SETTLED = ("delivered", "unconfirmed", "abandoned")
_LINE_SHOWN = 300
_APP = "01"
Span = tuple[str, str]
"""From when to when, as log lines tell the time."""
_AT = re.compile(r'"at": ?"([^"]+)"')
_PLACES = {"at", "pid", "duration_ms"}  # figures of a log line that are nobody's secret
_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Law:
    """One law: in how many cases it was looked at, and what broke it."""

    name: str
    cases: int
    broken: Sequence[str]


def tell(happened: Mapping[str, int], laws: Sequence[Law], rested_s: float | None) -> None:
    """Print what happened, how long the rest took to come, and each law with what broke it."""
    print("\nwhat happened")
    for name, number in happened.items():
        print(f"  {number:6}  {name}")
    if rested_s is not None:
        print(f"  {rested_s:6.1f}  seconds to come to rest")
    print("\nlaws")
    for law in laws:
        print(f"  {law.cases:6}  {'BROKEN' if law.broken else 'holds '}  {law.name}")
        for one in law.broken[:_SHOWN_MAX]:
            print(f"{'':18}{one}")


def promised(faults: Sequence[str], felt: Mapping[str, int]) -> Law:
    """See that every fault of a plan was done and had an effect."""
    broken = [name for name in faults if not felt.get(name)]
    return Law("every fault that was promised was done and felt", len(faults), broken)


@dataclass(frozen=True, slots=True)
class Row:
    """A transaction as the database has it at the end."""

    acs_trans_id: str
    three_ds_server_trans_id: str
    trans_status: str
    outcome: str | None
    attempts: int
    result: str | None
    code_phase: str | None
    code_seq: int
    channel: str = "02"
    tries: int = 0
    """So many answers were compared."""
    has_session: bool = False
    """What a challenge in an app is held with is there."""
    outcome_name: str | None = None


_ROWS = """
    SELECT t.acs_trans_id::text, t.three_ds_server_trans_id, t.trans_status, t.outcome_status,
           t.attempts, r.state, c.phase, coalesce(c.seq, 0), t.device_channel,
           t.interaction_counter, s.acs_trans_id IS NOT NULL, t.outcome_name
    FROM acs.transaction t LEFT JOIN acs.result r USING (acs_trans_id)
    LEFT JOIN acs.sdk_session s USING (acs_trans_id)
    LEFT JOIN otp.code c ON c.challenge_id = t.acs_trans_id
    WHERE t.merchant_name IS DISTINCT FROM $1"""


async def rows(conn: asyncpg.Connection) -> dict[str, Row]:
    """Read every transaction but those of the stream, which are many and of one kind."""
    return {row[0]: Row(*row) for row in await conn.fetch(_ROWS, MERCHANT)}


async def judge(
    conn: asyncpg.Connection,
    ledger: Ledger,
    holders: Sequence[Holder],
    files: Sequence[Path],
    starved: Sequence[Span] = (),
) -> AsyncIterator[Law]:
    """Look at one law after the other; `starved` is when a process had no memory left."""
    found = await rows(conn)
    looks: tuple[Callable[[Ledger, dict[str, Row]], Law], ...] = (
        visits, stored, same_answer, one_result, told_as_decided, delivered_is_true,
        repeats_are_identical, y_was_verified, shown_is_told, value_with_y_only, tries, final_pages,
        promised_to_apps, rendered, worked_once, answered_alike, given_up, taken_by_sdks,
        none_refused,
    )  # fmt: skip
    for look in looks:
        yield look(ledger, found)
    yield await _messages(conn, ledger)
    days = await conn.fetchval("SELECT count(DISTINCT day) FROM enrollment.reservation")
    yield limits(ledger, holders, max(days, 1))
    yield Law("the Directory Server finds every RReq right", _heard(ledger), ledger.faults)
    # In a thread: the wires of the site are served by this loop, and logs may be long.
    yield await asyncio.to_thread(logs, ledger, holders, files)
    yield await asyncio.to_thread(foreseen, files, starved)
    at_rest = {f"at rest not: {name}": query for name, query in (AT_REST | AN_HOUR_LATER).items()}
    for name, query in (AT_ANY_TIME | at_rest).items():
        yield Law(name, len(found), [str(row[0]) for row in await conn.fetch(query)])


def _heard(ledger: Ledger) -> int:
    return sum(map(len, ledger.heard.values()))


def visits(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See that nobody waited for ever for an answer."""
    return Law("every visit of a shop and a cardholder came to its end", ledger.visits, ledger.late)


def stored(ledger: Ledger, found: dict[str, Row]) -> Law:
    """See that nothing that was acknowledged is missing, or is otherwise than it was told."""
    broken = []
    for answers in ledger.answered.values():
        row = found.get(str(answers[0]["acsTransID"]))
        if row is None:
            broken.append(f"{answers[0]['acsTransID']} is not stored")
        elif row.trans_status != answers[0]["transStatus"]:
            broken.append(f"{row.acs_trans_id}: answered {answers[0]['transStatus']}")
    return Law("every ARes that was read is stored as it was", len(ledger.answered), broken)


def same_answer(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See that the same AReq was answered alike, however often it came."""
    several = {key: found for key, found in ledger.answered.items() if len(found) > 1}
    broken = [key for key, found in several.items() if any(one != found[0] for one in found)]
    return Law("an AReq sent again gets the same ARes", len(several), broken)


def one_result(_: Ledger, stored: dict[str, Row]) -> Law:
    """See that nothing that was promised is still owed."""
    due = [row for row in stored.values() if row.trans_status in {"C", "D"}]
    broken = [row.acs_trans_id for row in due if row.outcome is None or row.result not in _SETTLED]
    return Law("every C and D ended, its one result settled", len(due), broken)


def told_as_decided(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """Compare what the network has with what was decided."""
    broken = []
    for acs_trans_id, rreq in ledger.accepted.items():
        row = stored.get(acs_trans_id)
        if row is None or row.outcome != rreq["transStatus"]:
            broken.append(f"{acs_trans_id}: told {rreq['transStatus']}, {row and row.outcome}")
    return Law("the Directory Server was told what was decided", len(ledger.accepted), broken)


def delivered_is_true(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """See that nobody believes a result delivered that never arrived."""
    delivered = [row for row in stored.values() if row.result == "delivered"]
    broken = [row.acs_trans_id for row in delivered if row.acs_trans_id not in ledger.accepted]
    return Law("what counts as delivered, the Directory Server has", len(delivered), broken)


def repeats_are_identical(ledger: Ledger, _: dict[str, Row]) -> Law:
    """Compare the bytes of all RReqs of one challenge."""
    broken = [key for key, bodies in ledger.heard.items() if len(set(bodies)) > 1]
    return Law("every repeat of an RReq is the same bytes", len(ledger.heard), broken)


def y_was_verified(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """See that each Y of a challenge, wherever it was seen, follows a code from the phone."""
    told = {key for key, rreq in ledger.accepted.items() if rreq["transStatus"] == "Y"}
    decided = {key for key, row in stored.items() if row.outcome == "Y"}
    found = told | decided | _shown(ledger)
    broken = [f"{key}: no right code was entered" for key in found - ledger.typed_right]
    return Law("a Y after a C follows a right code, entered once", len(found), broken)


def shown_is_told(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See that no page and no SDK's screen says more than the network knows."""
    told = {key for key, rreq in ledger.accepted.items() if rreq["transStatus"] == "Y"}
    shown = _shown(ledger)
    return Law("a Y on a page or in an app the network has", len(shown), [*(shown - told)])


def _shown(ledger: Ledger) -> set[str]:
    return {
        key for key, seen in ledger.finals.items() if any(one["transStatus"] == "Y" for one in seen)
    }


def value_with_y_only(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See where an authentication value is."""
    messages: list[Message] = [one[0] for one in ledger.answered.values()]
    messages += ledger.accepted.values()
    broken = [
        str(one["acsTransID"])
        for one in messages
        if ("authenticationValue" in one) != (one["transStatus"] == "Y")
    ]
    return Law("an authentication value goes with a Y, and only so", len(messages), broken)


def tries(_: Ledger, stored: dict[str, Row]) -> Law:
    """See that nobody guessed more often than allowed."""
    tried = [row for row in stored.values() if row.attempts]
    broken = [row.acs_trans_id for row in tried if row.attempts > 3]  # noqa: PLR2004 - the law
    return Law("three tries at most", len(tried), broken)


def final_pages(ledger: Ledger, _: dict[str, Row]) -> Law:
    """Compare the last pages that all tabs of a challenge got."""
    broken = [key for key, seen in ledger.finals.items() if any(one != seen[0] for one in seen)]
    return Law("every final page of a challenge says the same", len(ledger.finals), broken)


def promised_to_apps(_: Ledger, stored: dict[str, Row]) -> Law:
    """See that no answer promised a challenge in an app whose session is lost."""
    in_apps = [row for row in stored.values() if (row.trans_status, row.channel) == ("C", _APP)]
    broken = [row.acs_trans_id for row in in_apps if not row.has_session]
    return Law("every C in an app has its session", len(in_apps), broken)


def rendered(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """See that the network is told of every challenge in an app how it was shown."""
    ares_of = ledger.by_acs_id()
    in_apps = [key for key, row in stored.items() if row.channel == _APP and key in ledger.accepted]
    broken = [
        key
        for key in in_apps
        if "acsRenderingType" not in (told := ledger.accepted[key])
        or (key in ares_of and told["acsRenderingType"] != ares_of[key]["acsRenderingType"])
    ]
    return Law("a result of an app tells how it was shown", len(in_apps), broken)


def worked_once(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """Compare what an SDK said with what was done; the same bytes again say nothing new."""
    opened = {key.split()[0] for key in ledger.answers_to} & stored.keys()
    broken = [
        f"{key}: {row.tries} answers compared of {ledger.entries[key]},"
        f" {row.code_seq} codes made, {ledger.resends[key]} asked for once more"
        for key in opened
        if (row := stored[key]).tries > ledger.entries[key]
        or row.code_seq > 1 + ledger.resends[key]
    ]
    return Law("what an SDK sent more than once was done once", len(opened), broken)


def answered_alike(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See that the same CReq never leads to a screen first and to an end then."""
    several = {key: kinds for key, kinds in ledger.answers_to.items() if len(kinds) > 1}
    broken = [f"{key}: {kinds}" for key, kinds in several.items() if len(set(kinds)) > 1]
    return Law("a CReq sent again leads to where it led", len(several), broken)


def given_up(ledger: Ledger, stored: dict[str, Row]) -> Law:
    """See that nothing is paid when the bank has heard that the SDK's time is over."""
    broken = [key for key in ledger.gave_up if key in stored and stored[key].outcome == "Y"]
    return Law("an SDK that gave up pays nothing", len(ledger.gave_up), broken)


def taken_by_sdks(ledger: Ledger, _: dict[str, Row]) -> Law:
    """See that the strictest SDK finds nothing wrong with what it is sent."""
    return Law("an SDK takes every answer", ledger.read_in_apps, ledger.refused_by_sdks)


def none_refused(_: Ledger, stored: dict[str, Row]) -> Law:
    """See that no CReq ended a challenge: no SDK here breaks a rule, whatever comes late."""
    in_apps = [row for row in stored.values() if (row.trans_status, row.channel) == ("C", _APP)]
    broken = [row.acs_trans_id for row in in_apps if row.outcome_name == "creq_refused"]
    return Law("no challenge in an app ends for a CReq", len(in_apps), broken)


async def _messages(conn: asyncpg.Connection, ledger: Ledger) -> Law:
    """One text per message id, one code per number in a challenge; nothing that nobody wrote."""
    sent = {
        str(row[0]): (str(row[1]), int(row[2]))
        for row in await conn.fetch("SELECT sms_id, challenge_id, seq FROM otp.outbox")
    }
    broken: list[str] = []
    codes: dict[tuple[str, int], set[str]] = defaultdict(set)
    for sms_id, copies in ledger.sms.items():
        texts = {str(one["text"]) for one in copies}
        if sms_id not in sent:
            broken.append(f"{sms_id} is not in the outbox")
            continue
        for text in texts:  # a notice has none
            codes[sent[sms_id]] |= set(re.findall(r"(?<!\d)\d{6}(?!\d)", text))
        if len(texts) > 1:
            broken.append(f"{sms_id} came with {len(texts)} texts")
    broken += [f"{key}: several codes" for key, found in codes.items() if len(found) > 1]
    return Law("one code per message, however often it came", len(ledger.sms), broken)


def limits(ledger: Ledger, holders: Sequence[Holder], days: int = 1) -> Law:
    """Sum what the network was told was authenticated, per account; in so many calendar days."""
    by_pan = {holder.pan: holder for holder in holders if holder.has_limits}
    amounts: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for answers in ledger.answered.values():
        ares = answers[0]
        areq = ledger.asked[str(ares["threeDSServerTransID"])]
        rreq = ledger.accepted.get(str(ares["acsTransID"]), {})
        number = str(areq["acctNumber"])
        if number in by_pan and "Y" in (ares["transStatus"], rreq.get("transStatus")):
            amounts[number] += int(str(areq["purchaseAmount"]))
            counts[number] += 1
    broken = [
        f"card *{number[-4:]}: {amounts[number]} in {counts[number]} payments"
        for number in amounts
        if amounts[number] > days * PER_DAY_MINOR or counts[number] > days * COUNT_DAY
    ]
    return Law("authenticated payments pass no limit", len(by_pan), broken)


def logs(ledger: Ledger, holders: Sequence[Holder], files: Sequence[Path]) -> Law:
    """Look for every number of the run in everything that was logged.

    A code that is by chance an acquirer's number, which alarms name, is not looked for.
    """
    secrets = {holder.pan: "a PAN" for holder in holders}
    secrets |= {holder.phone.lstrip("+"): "a phone" for holder in holders}
    secrets |= {holder.phone.removeprefix("+48"): "a phone" for holder in holders}
    codes = {code for several in ledger.codes.values() for code in several}
    codes -= {str(areq.get("acquirerBIN")) for areq in ledger.asked.values()}
    secrets |= dict.fromkeys(codes, "a code")
    found = {number for number in _numbers(files) if number in secrets}
    broken = [f"{secrets[number]} is in a log" for number in sorted(found)]
    return Law("no PAN, phone number or code is in a log", len(secrets), broken)


def foreseen(files: Sequence[Path], starved: Sequence[Span] = ()) -> Law:
    """See that nothing failed in a way for which the service has no word of its own.

    A process without memory fails anywhere; nobody has a word for each of these places.
    """
    broken, cases = [], 0
    for path in files:
        at = ""
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                cases += 1
                found = _AT.search(line)
                at = found[1] if found is not None else at  # what has no time follows what has
                is_starved = any(begin <= at <= end for begin, end in starved)
                if _is_unforeseen(line) and not is_starved:
                    broken.append(line.strip()[:_LINE_SHOWN])
    return Law("no failure that nobody foresaw", cases, broken)


def _is_unforeseen(line: str) -> bool:
    try:
        said = json.loads(line)
    except ValueError:  # not ours, or its writer was killed in the middle of it
        return line.startswith("Traceback")
    return (
        said.get("event") == "request:failed"
        or said.get("alarm") == "event_not_expected"
        or (said.get("event") == "work:failed" and said.get("error") not in {None, "Unavailable"})
    )


def _numbers(files: Sequence[Path]) -> Iterable[str]:
    """Give runs of digits that stand for themselves: no process ids, times or masked numbers."""
    figures = "|".join(sorted(_PLACES))
    harmless = re.compile(rf'"(?:{figures})":\s*(?:"[^"]*"|[0-9.]+)|\[\d+\] |^\S+ \S+ UTC')
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield from re.findall(
                    r"(?<![0-9a-fA-F.-])\d{6,19}(?![0-9a-fA-F*-])", harmless.sub("", line)
                )
