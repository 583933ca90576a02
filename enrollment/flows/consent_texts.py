"""The words that clients agree to: a bank brings its own, and old versions run out.

    [[text]]
    code = "sms_3ds"                    # or "terms"
    version = 2
    language = "pl"                     # a version comes in pl, en, de and uk
    body = "..."
    valid_from = 2027-01-01T00:00:00Z   # shown from then on, in place of the version before
    must_reaccept_by = 2027-03-31       # sms_3ds: consents to earlier versions count until that day

Laws:
- A version never changes: the same file again changes nothing, other words under a known version
  are refused. What was declared is bound to the SHA-256 of the exact bytes that were shown.
- A file with a fault is refused as a whole with a sentence that says where.
- Every text that is added is one event in the audit log, with its SHA-256.
- After its last day a consent counts no more: payments see it at once, and each client is gone
  through once, in bounded steps: suspended with the reason, and one event in the audit log. Who
  agrees to the new version is back at once.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from enrollment.events import EventName
from enrollment.flows import enrolments, entries
from enrollment.model import ConsentCode, calendar_of
from enrollment.store import consents, persons
from enrollment.store.consents import TextVersion
from schemas import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from enrollment.events import Actor
    from enrollment.flows.work import Work
    from schemas.audit import AuditEvent
    from schemas.queries import Connection
    from schemas.vault import KeyRing

Texts: TypeAlias = list[TextVersion]

LANGUAGES: Final = ("pl", "en", "de", "uk")
_MEMBERS: Final = {"code", "version", "language", "body", "valid_from"}
_BODY_MAX: Final = 20_000
_AT_ONCE: Final = 20
"""Each is held until the commit, and whoever is in the portal meanwhile waits for it."""


class BadTexts(ValueError):
    """The texts cannot be used; the message says which and why."""


def read(path: Path) -> Texts:
    """Read a file of texts; raise BadTexts for everything wrong with it."""
    texts = [
        _text(number, row) for number, row in enumerate(entries.read(path, "text", BadTexts), 1)
    ]
    for (code, version), group in groupby(sorted(texts, key=_version_of), key=_version_of):
        _refuse_half(f"{code} version {version}", list(group))
    return texts


async def load(
    conn: Connection, ring: KeyRing, actor: Actor, texts: Sequence[TextVersion], now: datetime
) -> int:
    """Keep what is new, on the caller's open transaction; gives how many texts. Raises BadTexts."""
    await consents.hold_texts(conn)
    known = {_key(one): one for one in await consents.all_texts(conn)}
    newest = {code: max(v for c, v, _ in known if c == code) for code in {c for c, _, _ in known}}
    fresh = [one for one in sorted(texts, key=_version_of) if _is_new(known, one)]
    for text in fresh:
        if text.version <= newest.get(text.code, 0):
            message = f"{_name(text)}: version {newest[text.code]} is there; a new one is above it"
            raise BadTexts(message)
        _refuse_earlier(known.values(), text)
        await consents.add_text(conn, text)
        await audit.append(conn, ring, _loaded(actor, text, now))
        known[_key(text)] = text
    for text in fresh:
        await consents.end_earlier(conn, text)
    return len(fresh)


async def outdate(work: Work, limit: int) -> int:
    """Go through up to ``limit`` clients of a version that ran out, a few at once; gives how many.

    # Race: a client may agree to the new version meanwhile; with the row held it is asked again.
    """
    day, _ = calendar_of(work.now)
    sweep = await consents.next_sweep(work.conn, day)
    if sweep is None:
        return 0
    most = min(limit, _AT_ONCE)
    clients = await consents.next_of_sweep(work.conn, sweep, most)
    for person_id, is_outdated in clients:
        if not is_outdated:
            continue
        await persons.lock(work.conn, person_id)
        if not await consents.still_agrees(work.conn, sweep, person_id):
            continue
        await work.record(
            EventName.CONSENT_OUTDATED, person_id, code=sweep.code, version=sweep.version
        )
        await enrolments.recompute_among(work, person_id)
    is_over = len(clients) < most
    last = clients[-1][0] if clients else None
    await consents.move_sweep(work.conn, sweep, last, work.now if is_over else None)
    return max(len(clients), 1)


def _loaded(actor: Actor, text: TextVersion, now: datetime) -> AuditEvent:
    by = text.must_reaccept_by
    details = {
        "language": text.language,
        "sha256": hashlib.sha256(text.body.encode()).hexdigest(),
        "valid_from": text.valid_from.isoformat(),
        "must_reaccept_by": None if by is None else by.isoformat(),
    }
    about = f"{text.code} version {text.version}"
    return actor.event(EventName.CONSENT_TEXT_LOADED, about, now, details=details)


def _text(number: int, row: Any) -> TextVersion:  # noqa: ANN401 - what a file holds
    fault = _fault(row)
    if fault is not None:
        message = f"text number {number}: {fault}"
        raise BadTexts(message)
    members = {"must_reaccept_by": None, **row}
    return TextVersion(**members)


def _fault(row: Any) -> str | None:  # noqa: ANN401, C901, PLR0911 - one line a rule
    if not isinstance(row, dict) or set(row) - {"must_reaccept_by"} != _MEMBERS:
        return f"it has {', '.join(sorted(_MEMBERS))} and, if need be, must_reaccept_by"
    if row["code"] not in list(ConsentCode):
        return f"code is one of {', '.join(ConsentCode)}"
    if type(row["version"]) is not int or row["version"] < 1:
        return "version is a whole number from 1"
    if row["language"] not in LANGUAGES:
        return f"language is one of {', '.join(LANGUAGES)}"
    body, valid_from, by = row["body"], row["valid_from"], row.get("must_reaccept_by")
    if not isinstance(body, str) or not body.strip() or len(body) > _BODY_MAX:
        return f"body is a text of 1 to {_BODY_MAX} characters"
    if not isinstance(valid_from, datetime) or valid_from.tzinfo is None:
        return "valid_from is a date and time with its zone"
    if by is None:
        return None
    if row["code"] != ConsentCode.SMS_3DS:
        return "must_reaccept_by goes with sms_3ds: no payment waits for another consent"
    if not isinstance(by, date) or isinstance(by, datetime):
        return "must_reaccept_by is a date"
    if by < calendar_of(valid_from)[0]:
        return "must_reaccept_by is not before valid_from"
    return None


def _refuse_half(name: str, texts: list[TextVersion]) -> None:
    if sorted(one.language for one in texts) != sorted(LANGUAGES):
        message = f"{name}: it comes once in each of {', '.join(LANGUAGES)}"
        raise BadTexts(message)
    if len({(one.valid_from, one.must_reaccept_by) for one in texts}) > 1:
        message = f"{name}: valid_from and must_reaccept_by are the same in every language"
        raise BadTexts(message)


def _refuse_earlier(known: Any, text: TextVersion) -> None:  # noqa: ANN401 - values of a dict
    before = [
        one.valid_from for one in known if one.code == text.code and one.version < text.version
    ]
    if before and text.valid_from <= max(before):
        message = f"{_name(text)}: valid_from is after that of the version before"
        raise BadTexts(message)


def _is_new(known: dict[tuple[str, int, str], TextVersion], text: TextVersion) -> bool:
    there = known.get(_key(text))
    if there is None:
        return True
    if there != text:
        message = f"{_name(text)}: it is there with other content; give it a new version"
        raise BadTexts(message)
    return False


def _key(text: TextVersion) -> tuple[str, int, str]:
    return text.code, text.version, text.language


def _version_of(text: TextVersion) -> tuple[str, int]:
    return text.code, text.version


def _name(text: TextVersion) -> str:
    return f"{text.code} version {text.version} in {text.language}"
