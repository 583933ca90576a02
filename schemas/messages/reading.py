"""Reading messages that come in: from bytes to a Reading, or to the one problem that is told.

Reading judges in a fixed order and stops at the first kind of fault, naming every element that has
it [rules 2.1 to 2.13]: no JSON object 101; messageType missing 201, not ours 101; messageVersion
missing 201, malformed 203, not spoken 102; names twice 204; required elements missing 201;
malformed 203; reserved values 207; critical extensions 202; ISO codes 304; foreign ids 301.

A message without any fault, which is nearly every one, is told from the others by ``schemas.quick``
and never comes to be judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from schemas import quick
from schemas.compiler import Context, Findings, Reading, compiled, hold_rules, read_members
from schemas.extensions import unrecognised_critical
from schemas.json_reader import UNUSABLE, NotAMessage, Opened, read_object
from schemas.messages.areq import AREQ
from schemas.messages.erro import ERRO
from schemas.messages.tables import TABLES
from schemas.presence import Place
from schemas.problems import (
    Fault,
    Problem,
    ProtocolError,
    ids_of_areq,
    naming,
    well_formed_ids,
)
from schemas.values import DeviceChannel, MessageCategory, MessageType
from schemas.versions import HIGHEST, SUPPORTED, SUPPORTED_TEXT, is_well_shaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.field import Table


@dataclass(frozen=True, slots=True)
class Additions:
    """What a Directory Server defines beyond the tables.

    ``extensions`` are recognised extension ids; ``values`` are reserved values by element name,
    dotted, that are legal with this Directory Server, as messageCategory 80.
    """

    extensions: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)


NO_ADDITIONS: Final = Additions()

_TYPES = tuple(MessageType)
_CHANNELS = tuple(DeviceChannel)
_CATEGORIES = tuple(MessageCategory)


class _Place(msgspec.Struct):
    """The elements of an AReq that tell where its rows are."""

    messageVersion: str  # noqa: N815 - as it travels
    deviceChannel: str  # noqa: N815
    messageCategory: str  # noqa: N815


_PLACE = msgspec.json.Decoder(_Place)


def read_areq(raw: bytes, additions: Additions = NO_ADDITIONS) -> Reading:
    """Read an AReq; raise ProtocolError. Its own elements give the context."""
    return _without_fault(raw, additions) or read_areq_by_table(raw, additions)


def read_areq_by_table(raw: bytes, additions: Additions = NO_ADDITIONS) -> Reading:
    """Read an AReq by the table alone, which says what is wrong; the answer is the same."""
    opened = _opened(raw, MessageType.AREQ)
    version = _version_of(opened, MessageType.AREQ, None)
    message = opened.message
    channel = _if_in(_CHANNELS, message.get("deviceChannel"))
    category = _if_in(_CATEGORIES, message.get("messageCategory"))
    values = _read(opened, AREQ, Place(version, channel, category), additions, {})
    context = Context(version, values["deviceChannel"], values["messageCategory"])
    return Reading(values, context)


def read_creq(
    raw: bytes,
    context: Context,
    additions: Additions = NO_ADDITIONS,
    *,
    advisory: bool = False,
) -> Reading:
    """Read the decoded JSON of a CReq of a known transaction; raise ProtocolError.

    The ids are held against those of ``context.earlier`` where it has them (301). With
    ``advisory``, the conformance mode, rules are held too that SDKs in the field break.
    """
    return _read_later(raw, MessageType.CREQ, context, additions, advisory=advisory)


def read_rres(raw: bytes, context: Context, additions: Additions = NO_ADDITIONS) -> Reading:
    """Read the RRes to an RReq of ours; raise ProtocolError, also when it is an Erro.

    The ids are held against those of the RReq in ``context.earlier`` if it is there (301).
    """
    return _read_later(raw, MessageType.RRES, context, additions)


def read_erro(raw: bytes) -> Reading:
    """Read what is usable of an Erro; raise ProtocolError when it is none.

    An Erro is never answered by an Erro, so nothing in it is refused: what is malformed is left
    out, and an unknown version is read as our highest.
    """
    message = _opened(raw, MessageType.ERRO).message
    version = message.get("messageVersion")
    spoken = version if version in SUPPORTED else HIGHEST
    place = Place(spoken, DeviceChannel.APP, MessageCategory.PA)
    values = read_members(compiled(ERRO, place), message, {}, Findings(spoken, len(raw)))
    return Reading(values, Context(spoken, DeviceChannel.APP))


def peek(raw: bytes) -> dict[str, object]:
    """Give the elements of a JSON object without judging them, {} for anything else."""
    try:
        message = read_object(raw).message
    except NotAMessage:
        return {}
    return {name: value for name, value in message.items() if value is not UNUSABLE}


# --- messages without a fault


def _without_fault(raw: bytes, additions: Additions) -> Reading | None:
    version = raw.find(b'"messageVersion"') + 16
    channel = raw.find(b'"deviceChannel"') + 15
    category = raw.find(b'"messageCategory"') + 17
    spelled = (raw[version : version + 9], raw[channel : channel + 6], raw[category : category + 6])
    guess = _SPELLED.get(spelled)
    if guess is not None:
        way, context = _place(*guess)
        reading = _read_quickly(raw, AREQ, way, context, additions)
        # The type of the values has made sure of the version.
        if (
            reading is not None
            and reading.values["deviceChannel"] == context.channel
            and reading.values["messageCategory"] == context.category
        ):
            return reading
    try:
        found = _PLACE.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    place = found.messageVersion, found.deviceChannel, found.messageCategory
    if place == guess or place not in _PLACES:
        return None
    return _read_quickly(raw, AREQ, *_place(*place), additions)


_PLACES: Final = frozenset(product(SUPPORTED, map(str, DeviceChannel), map(str, MessageCategory)))


def _spelled(value: str) -> tuple[bytes, ...]:
    """Spell a value as it stands after its name, and what may follow: all of one length."""
    return tuple(text.encode() for text in (f':"{value}",', f':"{value}"}}', f': "{value}"'))


_SPELLED: Final[Mapping[tuple[bytes, ...], tuple[str, str, str]]] = {
    spelled: place for place in _PLACES for spelled in product(*map(_spelled, place))
}
"""The place by what follows three names where they first stand. It may be the wrong one.

They may stand in a text or in an object inside: what was read tells whether that was so. Another
spelling is told by decoding. Secret: nothing of a message is kept here.
"""


@cache
def _place(version: str, channel: str, category: str) -> tuple[quick.Quick, Context]:
    """Give the quick way and the context of an AReq at one of the places."""
    return quick.quick(AREQ, version, channel, category), Context(version, channel, category)


def _quick(raw: bytes, table: Table, context: Context, additions: Additions) -> Reading | None:
    way = quick.quick(table, context.version, context.channel, context.category, context.flow)
    return _read_quickly(raw, table, way, context, additions)


def _read_quickly(
    raw: bytes, table: Table, way: quick.Quick, context: Context, additions: Additions
) -> Reading | None:
    values = quick.values_of(way, raw, context.earlier)
    if values is None:
        return None
    if "messageExtension" in values and _critical(values, table, context.version, additions):
        return None
    return Reading(values, context)


def _critical(
    values: dict[str, Any], table: Table, version: str, additions: Additions
) -> tuple[str, ...]:
    return unrecognised_critical(
        values.get("messageExtension"),
        message_type=table.name,
        version=version,
        also=additions.extensions,
    )


# --- the order of judgement


def _read_later(
    raw: bytes,
    kind: MessageType,
    context: Context,
    additions: Additions,
    *,
    advisory: bool = False,
) -> Reading:
    reading = None if advisory else _quick(raw, TABLES[kind], context, additions)
    if reading is not None:
        return reading
    opened = _opened(raw, kind, context.version)
    version = _version_of(opened, kind, context.version)
    place = Place(version, context.channel, context.category, context.flow)
    values = _read(opened, TABLES[kind], place, additions, context.earlier, advisory=advisory)
    return Reading(values, context)


def _opened(raw: bytes, kind: MessageType, version: str | None = None) -> Opened:
    """Open a message and make sure that it is of the type that belongs here."""
    try:
        opened = read_object(raw)
    except NotAMessage as error:
        problem = Problem("101", error.reason)
        raise ProtocolError(problem, message_type=kind, version=version) from None
    found = opened.message.get("messageType")
    if found in (None, ""):
        _refuse(naming("201", ("messageType",)), opened, kind, version)
    if found not in _TYPES:
        _refuse(Problem("101", "Invalid message type"), opened, None, version)
    if found != kind:
        misdirected = Problem("101", "Invalid message for the receiving component")
        _refuse(misdirected, opened, found, version)
    return opened


def _version_of(opened: Opened, kind: MessageType, pinned: str | None) -> str:
    """Give the version of a message: one that we speak, and the transaction's own if it has one."""
    found = opened.message.get("messageVersion")
    if found in (None, ""):
        _refuse(naming("201", ("messageVersion",)), opened, kind, pinned)
    if not is_well_shaped(found):
        _refuse(naming("203", ("messageVersion",)), opened, kind, pinned)
    if found not in SUPPORTED:
        _refuse(Problem("102", SUPPORTED_TEXT), opened, kind, pinned)
    if pinned is not None and found != pinned:
        _refuse(naming("203", ("messageVersion",)), opened, kind, pinned)
    return str(found)


def _read(
    opened: Opened,
    table: Table,
    place: Place,
    additions: Additions,
    earlier: Mapping[str, Mapping[str, object]],
    *,
    advisory: bool = False,
) -> dict[str, Any]:
    if opened.repeated:
        names = tuple(dict.fromkeys(map(_printable, opened.repeated)))
        _refuse(naming("204", names), opened, table.name, place.version)
    findings = Findings(place.version, opened.size, additions.values)
    rows = compiled(table, place)
    values = read_members(rows, opened.message, earlier, findings)
    if advisory:
        hold_rules(rows.advisory, opened.message, earlier, findings)
    critical = _critical(values, table, place.version, additions)
    if critical:
        findings.by_kind[Fault.CRITICAL] = list(critical)
    first = findings.first()
    if first is not None:
        fault, names = first
        _refuse(naming(fault.value, names), opened, table.name, place.version)
    return values


def _refuse(problem: Problem, opened: Opened, kind: str | None, version: str | None) -> NoReturn:
    """Raise the error with what an Erro may repeat of the message [rules 2.39 and 2.40]."""
    message = opened.message
    own = message.get("messageVersion")
    if version is None and own in SUPPORTED:
        version = own
    # An id that is there twice is none: nobody knows which one is meant.
    twice = frozenset(opened.repeated)
    once = {name: message[name] for name in message if name not in twice}
    ids = ids_of_areq(once) if kind == MessageType.AREQ else well_formed_ids(once)
    raise ProtocolError(problem, message_type=kind, version=version, ids=ids)


def _printable(name: str) -> str:
    """Give a name of the peer's as it may stand in an errorDetail, so not a text of any kind."""
    is_plain = all(part.isidentifier() and part.isascii() for part in name.split("."))
    return name if is_plain and len(name) <= _NAME_MAX else "?"


_NAME_MAX = 128


def _if_in(codes: tuple[str, ...], value: object) -> str | None:
    """Give a value that decides which rows hold; another one decides none."""
    return value if isinstance(value, str) and value in codes else None
