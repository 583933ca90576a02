"""What a message with one fault must be answered: judged from the tables' rows by other code.

Nothing of the compiler and its loop is used: conditions are evaluated by walking over them, and
whether a value is wrong is known from how it was made (``mutations``).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from schemas import presence
from schemas.field import Field, ObjectOf, ObjectsOf, Table
from schemas.problems import Fault

if TYPE_CHECKING:
    from schemas.compiler import Context
    from tests.fuzz.mutations import Wrong

ORDER = [fault.value for fault in Fault]


@dataclass(frozen=True)
class Oracle:
    """One message in its context, with what is known to be wrong in it, by dotted name."""

    message: dict[str, Any]
    context: Context
    wrong: Mapping[str, Wrong]

    def answer(self, table: Table) -> str:
        """Give "accepted", or the code and the names that the first kind of fault has."""
        found = [*self._faults(table, self.message, "")]
        if not found:
            return "accepted"
        code = min((code for code, _ in found), key=ORDER.index)
        names = [name for each, name in found if each == code]
        return f"{code} {','.join(dict.fromkeys(names))}"

    def _faults(self, table: Table, members: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
        rows = [row for row in table.rows if self._holds(row)]
        known = {row.name for row in rows}
        found: list[tuple[str, str]] = []
        for row in rows:
            name = prefix + row.name
            needed = row.presence.when is not None and self._is(row.presence.when, members, known)
            found += self._judged(row, members, name, needed=needed)
        at_fault = {name for _, name in found}
        for rule in table.rules:
            if self.context.version not in rule.versions or not self._is(rule.when, members, known):
                continue
            if not self._is(rule.then, members, known):
                names = [prefix + name for name in rule.names if prefix + name not in at_fault]
                found += [(rule.fault.value, name) for name in names]
        return found

    def _judged(
        self, row: Field, members: dict[str, Any], name: str, *, needed: bool
    ) -> list[tuple[str, str]]:
        if row.name not in members:
            return [("201", name)] if needed else []
        value, wrong = members[row.name], self.wrong.get(name)
        if wrong is not None and wrong.kind != "hollow":
            return self._told(wrong, name, needed=needed)
        match row.shape:
            case ObjectOf(inner, json_max):
                if not value or (json_max is not None and _length(value) > json_max):
                    return [("201" if needed and not value else "203", name)]
                return self._faults(inner, value, f"{name}.")
            case ObjectsOf(inner, _, _, _):
                hollow = [("203", name) for item in value if not item]
                return hollow + [
                    each for item in value for each in self._faults(inner, item, f"{name}.")
                ]
            case _:
                return []

    def _told(self, wrong: Wrong, name: str, *, needed: bool) -> list[tuple[str, str]]:
        if wrong.kind == "empty":
            return [("201" if needed else "203", name)]
        is_reserved_here = wrong.kind == "207" and self.context.version == "2.3.1"
        return [("207" if is_reserved_here else wrong.kind.replace("207", "203"), name)]

    def _holds(self, row: Field) -> bool:
        # A channel or category that is wrong or missing is none.
        channel = self.message.get("deviceChannel", self.context.channel)
        category = self.message.get("messageCategory", self.context.category)
        return (
            self.context.version in row.versions
            and (len(row.channels) == 3 or channel in list(row.channels))
            and (len(row.categories) == 2 or category in list(row.categories))
        )

    def _is(  # noqa: C901, PLR0911, PLR0912 - one case a condition
        self, condition: presence.Condition, members: Any, known: set[str]
    ) -> bool:
        match condition:
            case presence.Always():
                return True
            case presence.Unknowable():
                return False
            case presence.ChannelIs(channels):
                return self.message.get("deviceChannel", self.context.channel) in channels
            case presence.CategoryIs(categories):
                return self.message.get("messageCategory", self.context.category) in categories
            case presence.FlowIs(flow):
                return self.context.flow == flow
            case presence.Has(path, values):
                found = _at(members, path) if path[0] in known else None
                several = found if isinstance(found, list) else [found]
                return any(type(one) in {str, bool} and one in values for one in several)
            case presence.IsPresent(path):
                return path[0] in known and _at(members, path) not in (None, "")
            case presence.SameAs():
                return True
            case presence.IsPoint(path):
                x, y = _at(members, (*path, "x")), _at(members, (*path, "y"))
                return path[0] not in known or not _are_coordinates(x, y) or _is_on_curve(x, y)
            case presence.Earlier(message, inner):
                earlier = self.context.earlier.get(message)
                return earlier is not None and self._is(inner, earlier, {*earlier})
            case presence.AllOf(conditions):
                return all(self._is(each, members, known) for each in conditions)
            case presence.AnyOf(conditions):
                return any(self._is(each, members, known) for each in conditions)
            case presence.Negation(inner):
                return not self._is(inner, members, known)
            case _:
                raise AssertionError(condition)


def _are_coordinates(*values: object) -> bool:
    letters = {*ascii_letters, *digits, "-", "_"}
    return all(isinstance(one, str) and len(one) == 43 and {*one} <= letters for one in values)


def _is_on_curve(x: str, y: str) -> bool:
    """Ask the library that uses the points."""
    at_x, at_y = (int.from_bytes(urlsafe_b64decode(f"{one}=")) for one in (x, y))
    try:
        ec.EllipticCurvePublicNumbers(at_x, at_y, ec.SECP256R1()).public_key()
    except ValueError:
        return False
    return True


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _at(members: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        members = members.get(name) if isinstance(members, Mapping) else None
    return members
