"""One fault in a valid message gets exactly the answer that the tables predict.

All versions, channels and categories; each element, at any depth, removed, emptied, nulled, of a
wrong type, too short, too long, out of its list, written twice.
"""

from __future__ import annotations

import copy
import json
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from schemas.compiler import Context
from schemas.messages import TABLES, read_areq, read_creq, read_rres
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders
from tests.fuzz.mutations import Place, Wrong, places, wrongs
from tests.fuzz.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXTS = [Context(*place) for place in product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES)]
FIRSTS = [Context(*place, flow="first") for place in product(SUPPORTED, ("01", "02"), ("01",))]
ENVELOPE = {"messageType", "messageVersion"}


def said(kind: str, raw: bytes, context: Context) -> str:
    try:
        match kind:
            case "AReq":
                read_areq(raw)
            case "CReq":
                read_creq(raw, context)
            case _:
                read_rres(raw, context)
    except ProtocolError as error:
        return f"{error.problem.code} {error.problem.detail}"
    return "accepted"


def expected(
    kind: str, message: dict[str, Any], context: Context, wrong: dict[str, Wrong] | None = None
) -> str:
    return Oracle(message, context, wrong or {}).answer(TABLES[kind])


def mutated(
    kind: str, message: dict[str, Any], context: Context
) -> Iterator[tuple[str, str, bytes, str]]:
    """Give name, what was done to it, the bytes, and the answer that is due."""
    for place in list(places(TABLES[kind], context, message)):
        if place.name in ENVELOPE:
            continue
        for wrong in wrongs(place, context, place.holder(message)[place.path[-1]]):  # type: ignore[index]
            changed = copy.deepcopy(message)
            place.holder(changed)[place.row.name] = wrong.value
            due = expected(kind, changed, context, {place.name: wrong})
            yield place.name, repr(wrong.value)[:40], json.dumps(changed).encode(), due
        changed = copy.deepcopy(message)
        del place.holder(changed)[place.row.name]
        yield place.name, "removed", json.dumps(changed).encode(), expected(kind, changed, context)
        yield place.name, "twice", twice(message, place), f"204 {place.name}"


def twice(message: dict[str, Any], place: Place) -> bytes:
    changed = copy.deepcopy(message)
    place.holder(changed)["@"] = place.holder(changed)[place.row.name]
    return json.dumps(changed).replace('"@"', f'"{place.row.name}"').encode()


def differences(kind: str, message: dict[str, Any], context: Context) -> list[tuple[str, ...]]:
    assert said(kind, json.dumps(message).encode(), context) == "accepted"
    found: list[tuple[str, ...]] = []
    count = 0
    for name, change, raw, due in mutated(kind, message, context):
        count += 1
        actual = said(kind, raw, context)
        if actual != due:
            found.append((name, change, actual, due))
    assert count > 40
    return found


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("context", CONTEXTS, ids=lambda one: f"{one.version}-{one.channel}")
def test_one_fault_in_an_areq_is_told_as_predicted(context: Context, full: bool) -> None:
    message = builders.areq(context.version, context.channel, context.category, full=full)

    assert differences("AReq", message, context) == []


@pytest.mark.parametrize("context", FIRSTS, ids=lambda one: f"{one.version}-{one.channel}")
def test_one_fault_in_a_creq_is_told_as_predicted(context: Context) -> None:
    message = builders._built("CReq", context, {}, full=True)

    assert differences("CReq", message, context) == []


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda one: f"{one.version}-{one.channel}")
def test_one_fault_in_an_rres_is_told_as_predicted(context: Context) -> None:
    message = builders._built("RRes", context, {}, full=True)

    assert differences("RRes", message, context) == []


@pytest.mark.parametrize(
    ("name", "value", "due"),
    [
        ("messageType", None, "201 messageType"),
        ("messageType", "", "201 messageType"),
        ("messageType", "Areq", "101 Invalid message type"),
        ("messageType", 7, "101 Invalid message type"),
        ("messageType", ["AReq"], "101 Invalid message type"),
        ("messageType", "PReq", "101 Invalid message for the receiving component"),
        ("messageVersion", None, "201 messageVersion"),
        ("messageVersion", "", "201 messageVersion"),
        ("messageVersion", 2.2, "203 messageVersion"),
        ("messageVersion", "2.2", "203 messageVersion"),
        ("messageVersion", "2.2.0.0.0", "203 messageVersion"),
        ("messageVersion", "2.0.0", "102 2.1.0,2.2.0,2.3.1"),
        ("messageVersion", "2.3.0", "102 2.1.0,2.2.0,2.3.1"),
    ],
)
@pytest.mark.parametrize("context", CONTEXTS[::2], ids=lambda one: f"{one.version}-{one.channel}")
def test_type_and_version_are_judged_before_all_else(
    context: Context, name: str, value: object, due: str
) -> None:
    message = builders.areq(context.version, context.channel, full=True)
    # Whatever else is wrong.
    message |= {name: value, "acctNumber": "", "threeDSRequestorURL": 7}

    assert said("AReq", json.dumps(message).encode(), context) == due
