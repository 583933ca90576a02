"""The kind of tables in which a JSON API is declared: members, bodies, routes.

One declaration, three uses: a body that comes in is read by it, the OpenAPI document is made from
it, tests make their cases from it. Standard library only; nothing here knows HTTP or a database.

Laws of reading: an unknown member is refused, so that a slip of the pen never does half of what
was meant; a member that may not be used is refused by name and by what is wrong with it; text has
no control characters and no half of a surrogate pair, so it can be stored and shown as it is.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

JsonSchema = dict[str, object]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a body: a stable code and the path of the member."""

    code: str
    field: str | None = None


class Kind(Protocol):
    """What a member may hold."""

    def read(self, value: object, path: str) -> object:
        """Give the value as the code uses it, or a Fault."""

    def schema(self) -> JsonSchema:
        """Describe it in JSON Schema 2020-12."""


_NOT_TEXT: Final = frozenset({"Cc", "Cs", "Cn", "Co"})
_DATE = (
    r"(?<!\d)(?:(?:19|20)\d\d-(?:0\d|1[0-2])-[0-3]\d|[0-3]?\d[./-](?:0?\d|1[0-2])[./-](?:19|20)\d\d)"
    r"(?!\d)"
)
# What people and programs put between groups of digits: blanks of every width, dashes, dots,
# strokes, brackets, and the invisible signs that come along with a copied number.
_APART = r"[\s./()\-\xad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\ufeff]{0,3}"
_LONG_NUMBER = re.compile(rf"{_DATE}|(\d(?:{_APART}(?!{_DATE})\d)*)")
_LONG_NUMBER_DIGITS = 9  # a national phone number; PESEL and card number have more
_KEPT_DIGITS = 3
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
"""RFC 3339, once it is in capitals; .NET writes seven digits of a second, Java up to nine."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of bounded length; ``pattern`` must match all of it."""

    longest: int
    shortest: int = 1
    pattern: str | None = None

    def read(self, value: object, path: str) -> object:
        """Give the text."""
        if not isinstance(value, str):
            return Fault("wrong_type", path)
        is_plain = value.isascii() and value.isprintable()  # most values, and told at once
        if not is_plain and any(unicodedata.category(sign) in _NOT_TEXT for sign in value):
            return Fault("bad_characters", path)
        if not self.shortest <= len(value) <= self.longest:
            return Fault("bad_length", path)
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return Fault("bad_format", path)
        return value

    def schema(self) -> JsonSchema:
        """Describe it."""
        described: JsonSchema = {
            "type": "string",
            "minLength": self.shortest,
            "maxLength": self.longest,
        }
        if self.pattern is not None:
            described["pattern"] = f"^{self.pattern}$"
        return described


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody types for the audit log. Secret: of a long number three digits are kept.

    It may be a phone, a card number or a PESEL, which the log would hold for years.
    """

    longest: int

    def read(self, value: object, path: str) -> object:
        """Give the text without its long numbers."""
        read = Text(self.longest).read(value, path)
        return _LONG_NUMBER.sub(_starred, read) if isinstance(read, str) else read

    def schema(self) -> JsonSchema:
        """Describe it."""
        return Text(self.longest).schema()


def _starred(found: re.Match[str]) -> str:
    text, number = found.group(0, 1)
    count = len(re.findall(r"\d", text))
    if number is None or count < _LONG_NUMBER_DIGITS:  # a date is kept
        return text
    return re.sub(r"\d", "*", text, count=count - _KEPT_DIGITS)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    def read(self, value: object, path: str) -> object:
        """Give the number."""
        if not isinstance(value, int) or isinstance(value, bool):
            return Fault("wrong_type", path)
        return value if self.least <= value <= self.most else Fault("out_of_range", path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object, path: str) -> object:
        """Give the flag."""
        return value if isinstance(value, bool) else Fault("wrong_type", path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One word of a closed list."""

    words: tuple[str, ...]

    def read(self, value: object, path: str) -> object:
        """Give the word."""
        if not isinstance(value, str):
            return Fault("wrong_type", path)
        return value if value in self.words else Fault("not_in_list", path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Id:
    """An id of this service: a UUID in its usual form."""

    def read(self, value: object, path: str) -> object:
        """Give the UUID."""
        if not isinstance(value, str):
            return Fault("wrong_type", path)
        return uuid_of(value) or Fault("bad_format", path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time with its offset (RFC 3339)."""

    def read(self, value: object, path: str) -> object:
        """Give the aware time in UTC."""
        if not isinstance(value, str):
            return Fault("wrong_type", path)
        if not _DATE_TIME.fullmatch(written := value.upper()):
            return Fault("bad_format", path)
        try:
            return datetime.fromisoformat(written).astimezone(UTC)
        except (ValueError, OverflowError):
            return Fault("bad_format", path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Nullable:
    """Another kind, or null."""

    kind: Kind

    def read(self, value: object, path: str) -> object:
        """Give the value, or None."""
        return None if value is None else self.kind.read(value, path)

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of bounded length."""

    kind: Kind
    longest: int
    shortest: int = 0

    def read(self, value: object, path: str) -> object:
        """Give the list of read values."""
        if not isinstance(value, list):
            return Fault("wrong_type", path)
        if not self.shortest <= len(value) <= self.longest:
            return Fault("bad_length", path)
        found: list[object] = []
        for number, item in enumerate(value):
            read = self.kind.read(item, f"{path}[{number}]")
            if isinstance(read, Fault):
                return read
            found.append(read)
        return found

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {
            "type": "array",
            "items": self.kind.schema(),
            "minItems": self.shortest,
            "maxItems": self.longest,
        }


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its name, what it may hold, and one sentence about it."""

    name: str
    kind: Kind
    about: str
    required: bool = True
    secret: bool = False


def optional(name: str, kind: Kind, about: str, *, secret: bool = False) -> Member:
    """Make a member that may be left out."""
    return Member(name, kind, about, required=False, secret=secret)


@dataclass(frozen=True, slots=True)
class Body:
    """An object with these members and no others; members left out are None."""

    name: str
    members: tuple[Member, ...]
    names: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Gather the names, for reading goes by them."""
        object.__setattr__(self, "names", tuple(member.name for member in self.members))

    def read(self, value: object, path: str = "") -> object:
        """Give a dict with every member of the table, or the first Fault in the table's order."""
        if not isinstance(value, dict):
            return Fault("wrong_type", path or None)
        prefix = f"{path}." if path else ""
        found: dict[str, object] = dict.fromkeys(self.names)
        if not found.keys() >= value.keys():
            unknown = next(name for name in value if name not in found)
            return Fault("unknown_field", f"{prefix}{_shown(unknown)}")
        for member in self.members:
            name = member.name
            if name in value:
                read = member.kind.read(value[name], prefix + name)
                if isinstance(read, Fault):
                    return read
                found[name] = read
            elif member.required:
                return Fault("required", prefix + name)
        return found

    def schema(self) -> JsonSchema:
        """Describe it."""
        return {
            "type": "object",
            "properties": {
                member.name: {**member.kind.schema(), "description": member.about}
                | ({"writeOnly": True} if member.secret else {})
                for member in self.members
            },
            "required": [member.name for member in self.members if member.required],
            "additionalProperties": False,
        }


def _shown(name: str) -> str:
    """Give an unknown name back only as far as it can be shown; it may be anything."""
    plain = re.sub(r"[^A-Za-z_.-]", "?", name)
    return plain[:40]


def uuid_of(text: str) -> UUID | None:
    """Read a UUID in its 36-character form; None for anything else."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        return None
    return UUID(text)


@dataclass(frozen=True, slots=True)
class Route:
    """One route: where, what for, who may, what comes in and what goes out.

    ``scopes``: any one of them opens the route; empty = the handler decides. ``of_person`` = the
    token has to name the person on whose behalf the call is made. ``errors`` are the statuses
    beyond those of every route. ``is_paced``: the answer takes the same time for everybody.
    ``of_session``: the header Portal-Session has to be there. ``of_bank``: no portal may call.
    """

    name: str
    method: str
    path: str
    about: str
    scopes: tuple[str, ...]
    answer: Body
    body: Body | None = None
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    of_person: bool = False
    body_type: str = "application/json"
    query: tuple[Member, ...] = ()
    is_paced: bool = False
    of_session: bool = False
    of_bank: bool = False
