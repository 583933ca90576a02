"""Lines of an import file to records: checked, hashed and sealed, before anything is looked up.

Laws: the bodies are read by the tables of the single calls, numbers by the same rules; a line that
cannot be right is an error with its number, a code and a member's name, never with its content. A
line is read up to its bound and no further, so the size of a file never matters.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from enrollment import identifiers, pan, phones
from enrollment.flows import cards, persons
from enrollment.flows.persons import Numbers, PersonData
from enrollment.model import EffectiveLimits
from enrollment.refusals import Refusal, RefusalCode
from enrollment.store.imports import LineError
from schemas.api import Fault
from schemas.import_api import BODIES, LINE_MAX, RECORD, SCOPE_OF
from schemas.json_reader import NotAMessage, read_object
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from enrollment.policy import EnrollmentPolicy
    from schemas.vault import Keys

BATCH_LINES: Final = 1200
"""Lines carried out together: enough to make the round trips cheap, few enough to hold."""


class Source(Protocol):
    """Where lines come from."""

    def readline(self, limit: int, /) -> bytes:
        """Read up to the end of the line, or up to that many bytes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """By what lines are read: keys, settings, card ranges, what the caller may bring, the time."""

    keys: Keys
    policy: EnrollmentPolicy
    card_range_known: Callable[[str], bool]
    scopes: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One line that can be carried out; what it holds of numbers is not shown."""

    line: int
    kind: str
    ref: str
    body: dict[str, Any] = field(repr=False)
    numbers: Numbers | None = field(default=None, repr=False)
    hashes: tuple[list[bytes], ...] = field(default=(), repr=False)
    """Of the identifier and the phone, or of the PAN: under the active key, then earlier ones."""

    @property
    def limits(self) -> EffectiveLimits:
        """Give the limits that a record of limits sets."""
        return EffectiveLimits(**{name: self.body[name] for name in EffectiveLimits().as_dict()})


@dataclass(slots=True)
class Batch:
    """Some lines of a file: where they end, what can be carried out, what is refused already."""

    lines: int = 0
    size: int = 0
    records: list[Record] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)


def read_batch(source: Source, reading: Reading, first_line: int, most: int = BATCH_LINES) -> Batch:
    """Read up to ``most`` lines; a batch of no lines is the end of the file."""
    batch = Batch()
    while batch.lines < most:
        raw = source.readline(LINE_MAX + 1)
        if not raw:
            break
        number = first_line + batch.lines
        batch.lines += 1
        batch.size += len(raw)
        if len(raw) > LINE_MAX:
            batch.size += _skip_line(source, raw)
            batch.errors.append(LineError(number, "too_large", None))
            continue
        found = _read(raw.removeprefix(BOM_UTF8) if number == 1 else raw, reading, number)
        if isinstance(found, Record):
            batch.records.append(found)
        else:
            batch.errors.append(found)
    return batch


def _skip_line(source: Source, raw: bytes) -> int:
    skipped = 0
    while raw and not raw.endswith(b"\n"):
        raw = source.readline(LINE_MAX)
        skipped += len(raw)
    return skipped


def _read(raw: bytes, reading: Reading, number: int) -> Record | LineError:
    found = _parse(raw, reading, number)
    if isinstance(found, Fault):
        return LineError(number, found.code, found.field)
    record = _with_numbers(found, reading)
    if isinstance(record, Refusal):
        return error_of(number, record)
    return record


def _parse(raw: bytes, reading: Reading, number: int) -> Record | Fault:
    """Read a line by its tables, and see whether this caller may bring it."""
    try:
        opened = read_object(raw)
    except NotAMessage:
        return Fault("bad_json")
    outer = Fault("repeated_field") if opened.repeated else RECORD.read(opened.message)
    if isinstance(outer, Fault):
        return outer
    assert isinstance(outer, dict)  # noqa: S101 - what a Body reads
    kind, ref = outer["kind"], outer["ref"]
    if SCOPE_OF[kind] not in reading.scopes:
        return Fault("scope_missing", "kind")
    if identifiers.looks_personal(ref):
        return Fault("personal_data", "ref")
    body = BODIES[kind].read(outer["body"], "body")
    if isinstance(body, Fault):
        return body
    assert isinstance(body, dict)  # noqa: S101 - what a Body reads
    return Record(number, kind, ref, body)


def error_of(number: int, refusal: Refusal) -> LineError:
    """Make the error of a line that a use case said no to; members are named as in the file."""
    if refusal.code is RefusalCode.SCOPE_MISSING:
        return LineError(number, refusal.code.value, "body.phone")
    name = refusal.field
    if name not in {None, "ref"}:
        name = f"body.{name.removesuffix('_id')}_ref" if name.endswith("_id") else f"body.{name}"
    return LineError(number, refusal.code.value, name)


def person_data(body: dict[str, Any], scopes: frozenset[str]) -> PersonData:
    """Give what a record of a person says, as the single call takes it."""
    return PersonData(
        identifier=body["identifier"],
        kind=body["kind"],
        language=body["language"],
        phone=body["phone"],
        may_change_phone="phone:write" in scopes,
        birth_date=body["birth_date"],
        minor_allowed=body["minor_allowed"],
    )


def _with_numbers(record: Record, reading: Reading) -> Record | Refusal:
    """Check the numbers of a record and make their keyed hashes."""
    match record.kind:
        case "person":
            return _person(record, reading)
        case "phone":
            number = persons.read_phone(reading.policy, record.body["phone"])
            if isinstance(number, Refusal):
                return number
            return _hashed(record, phones.index(reading.keys, number))
        case "card":
            number = Secret(record.body["pan"])
            fault = cards.pan_fault(
                number, is_in_range=reading.card_range_known(record.body["pan"])
            )
            return fault or _hashed(record, pan.index(reading.keys, number))
        case _:
            return record


def _person(record: Record, reading: Reading) -> Record | Refusal:
    data = person_data(record.body, reading.scopes)
    numbers = persons.read_numbers(reading.keys, reading.policy, data, reading.now)
    if isinstance(numbers, Refusal):
        return numbers
    hashes = [identifiers.index(reading.keys, numbers.identifier)]
    if numbers.phone is not None:
        hashes.append(phones.index(reading.keys, numbers.phone))
    return _hashed(record, *hashes, numbers=numbers)


def _hashed(record: Record, *hashes: list[bytes], numbers: Numbers | None = None) -> Record:
    return Record(record.line, record.kind, record.ref, record.body, numbers, hashes)
