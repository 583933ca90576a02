"""The formats of data elements: one small value for each shape the message tables know.

A format's ``accepts`` is asked with whatever JSON gave. It answers truthy for a good value; a falsy
answer and the exceptions of ``REFUSALS`` mean no. So the fast ones are bare methods of the standard
library. Only after a no does ``fault`` say which kind of no. Where a type can say exactly the same
as ``accepts``, the format has it, for the typed decoder of ``quick``; where a type and a regular
expression together say enough for a yes, it has these.

Laws: digits are ASCII digits in strings, never JSON numbers [rule 2.18]; lengths count characters
[rule 2.22]; dates exist [rule 2.23]. Addresses stand in ``addresses``, ISO codes in
``iso``, base64 and free JSON in ``encoded``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol

from msgspec import Meta

from schemas.problems import Fault
from schemas.versions import SUPPORTED, V220, V231, is_since

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.values import Code

Accepts = Callable[[Any], object]
_CODE_OF_A_NETWORK: Final = "99"
_LISTED_MAX: Final = 1000  # numbers up to here are told by a list of their spellings
REFUSALS: Final = (TypeError, ValueError, AttributeError)
"""What a method of a string or a set raises for a value that is none."""


def malformed(_value: object) -> Fault:
    """Call any refused value malformed; what most formats do."""
    return Fault.MALFORMED


@dataclass(frozen=True, slots=True)
class Format:
    """One shape: words for the documentation, a value that has it, and how to recognise it.

    ``empty`` is what counts as an empty value of the shape besides "" and null [rule 2.20].
    ``exact`` is a type whose values are those that ``accepts`` accepts; None if no type says it.
    ``parts`` are a type of text that is not empty and an expression for the whole of it: what is
    of both is accepted. The expression matches no U+0000; rare values that it misses cost time.
    ``is_printable`` says that the expression asks for printable ASCII and nothing else.
    """

    shape: str
    example: object
    accepts: Accepts
    fault: Callable[[object], Fault] = malformed
    empty: object = ""
    exact: Any = None
    parts: tuple[Any, str] | None = None
    is_printable: bool = False

    def at(self, version: str) -> Format:
        """Give the format in a version: the same in all."""
        del version
        return self

    @property
    def is_open(self) -> bool:
        """Tell whether a Directory Server may define more codes of it."""
        code = [_CODE_OF_A_NETWORK] if isinstance(self.example, list) else _CODE_OF_A_NETWORK
        return self.fault(code) is Fault.RESERVED


class Shaped(Protocol):
    """Anything that is a format in each version."""

    def at(self, version: str) -> Format:
        """Give the format in a version."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """A format that is not the same in all versions."""

    by_version: Mapping[str, Format]

    def at(self, version: str) -> Format:
        """Give the format in a version."""
        return self.by_version[version]


# --- text and digits


def text(longest: int, shortest: int = 1) -> Format:
    """Any Unicode text of so many characters."""

    def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
        return isinstance(value, str) and shortest <= len(value) <= longest

    return Format(
        f"text, {span(shortest, longest)}",
        "Text".ljust(shortest, "."),
        accepts,
        exact=text_type(shortest, longest),
    )


def text_type(shortest: int, longest: int) -> Any:  # noqa: ANN401 - a type made at run time
    """Give the type of texts of so many characters."""
    return Annotated[str, Meta(min_length=shortest, max_length=longest)]


def pattern(
    shape: str,
    example: str,
    expression: str,
    lengths: tuple[int, int] | None = None,
    head: str = "",
) -> Format:
    """Text that a regular expression matches as a whole.

    ``lengths``: no text of another length matches; ``head`` says so where ``expression`` does not.
    """
    parts = None if lengths is None else (text_type(*lengths), expression)
    return Format(shape, example, re.compile(head + expression).fullmatch, parts=parts)


def ascii_text(longest: int, shortest: int = 1) -> Format:
    """Printable ASCII text."""
    lengths, shape = (shortest, longest), f"printable ASCII, {span(shortest, longest)}"
    format_ = pattern(shape, "Jan Nowak", rf"[\x20-\x7e]{{{shortest},{longest}}}", lengths)
    return replace(format_, is_printable=True)


def digits(shortest: int, longest: int | None = None) -> Format:
    """ASCII digits: exactly so many, or from so many to so many."""
    most = shortest if longest is None else longest
    shape = f"digits, {span(shortest, most)}"
    return pattern(shape, "1" * shortest, rf"[0-9]{{{shortest},{most}}}", (shortest, most))


def number(shortest: int, longest: int, *, low: int, high: int) -> Format:
    """Digits whose value lies between two bounds."""
    shape = digits(shortest, longest)

    def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
        return bool(shape.accepts(value)) and low <= int(value) <= high

    spelled = (
        f"{value:0{length}}"
        for length in range(shortest, longest + 1)
        for value in range(low, min(high + 1, 10**length))
    )
    return Format(
        f"{shape.shape}, value {low}-{high}",
        str(low).zfill(shortest),
        accepts,
        exact=exactly(spelled) if high <= _LISTED_MAX else None,
    )


def exponent() -> Format:
    """How many digits of an amount stand after its point; no currency has more than four."""
    return _list_of_codes(("2", "0", "1", "3", "4"), "digit, 0-4")


def signed_minutes() -> Format:
    """An offset from UTC in minutes."""
    return pattern("digits with optional sign, 1-5 characters", "-60", r"[+-]?[0-9]{1,4}", (1, 5))


def true_or_false() -> Format:
    """A JSON boolean; the text "true" is none."""
    return Format(
        "true or false",
        True,  # noqa: FBT003 - a JSON value
        lambda value: value is True or value is False,
        exact=bool,
    )


def true_only() -> Format:
    """The JSON value true; leaving the element out says no."""
    return Format("true", True, lambda value: value is True)  # noqa: FBT003


# --- closed lists


def one_of(values: type[Code] | Iterable[str], only: str = "") -> Shaped:
    """A closed list; ``only`` picks one-letter members of an enumeration."""
    if isinstance(values, type):
        members = [member for member in values if not only or member in only]
        return in_each_version(lambda version: _list_of_codes(_known(members, version)))
    return _list_of_codes(tuple(values))


def numbered(codes: str, since_220: str = "", since_231: str = "") -> Shaped:
    """A closed list of two-digit codes, written as ``01-05 08``."""
    return in_each_version(
        lambda version: _list_of_codes(_grown(codes, since_220, since_231, version))
    )


def codes(source: type[Code] | str, since_220: str = "", since_231: str = "") -> Shaped:
    """Two-digit codes of which all others, 01-99, are reserved.

    A Directory Server may have defined some of 80-99 [rule 2.13].
    """

    def at(version: str) -> Format:
        if isinstance(source, str):
            known = _grown(source, since_220, since_231, version)
        else:
            known = _known(source, version)
        return _list_of_codes(known, reserved=True)

    return in_each_version(at)


def _list_of_codes(known: tuple[str, ...], shape: str = "", *, reserved: bool = False) -> Format:
    def fault(value: object) -> Fault:
        return Fault.RESERVED if reserved and is_reserved(value) else Fault.MALFORMED

    return Format(
        shape or "one of " + ", ".join(known),
        known[0],
        frozenset(known).__contains__,
        fault,
        exact=exactly(known),
    )


def exactly(texts: Iterable[str]) -> Any:  # noqa: ANN401 - a type made at run time has no type
    """Give the type whose values are these texts."""
    return Literal[tuple(texts)]


def protocol_version() -> Versioned:
    """The version of the context itself."""
    return in_each_version(lambda version: _list_of_codes((version,)))


_TWO_DIGITS = re.compile("(?!00)[0-9]{2}")
_DS_DIGITS = re.compile("[89][0-9]")


def is_reserved(value: object) -> bool:
    """Tell whether a value lies in the ranges kept by EMVCo or the Directory Servers."""
    return isinstance(value, str) and _TWO_DIGITS.fullmatch(value) is not None


def is_reserved_for_ds(value: object) -> bool:
    """Tell whether a value lies in 80-99, which each Directory Server may define for itself."""
    return isinstance(value, str) and _DS_DIGITS.fullmatch(value) is not None


def _known(members: Iterable[Code], version: str) -> tuple[str, ...]:
    return tuple(str(member) for member in members if member.exists_in(version))


def _grown(first: str, since_220: str, since_231: str, version: str) -> tuple[str, ...]:
    later = [(since_220, V220), (since_231, V231)]
    texts = [first, *(text for text, since in later if is_since(version, since))]
    return tuple(code for text in texts for code in _expanded(text))


def _expanded(text: str) -> list[str]:
    """Write out ``01-03 79`` as 01, 02, 03, 79."""
    spans = (part.partition("-") for part in text.split())
    return [f"{n:02}" for low, _, high in spans for n in range(int(low), int(high or low) + 1)]


def in_each_version(at: Callable[[str], Format]) -> Versioned:
    """Make a format that is asked for anew in each version."""
    return Versioned({version: at(version) for version in SUPPORTED})


# --- dates and times, UTC


def _is_date(value: str) -> bool:
    # fromisoformat takes week dates as well, and they have a letter.
    return value.isascii() and value.isdecimal() and bool(date.fromisoformat(value))


_HH_MM: Final = "(?:[01][0-9]|2[0-3])[0-5][0-9]"
# Without 29 February and years far away, which are left to the calendar.
_DATE: Final = (
    "[1-8][0-9][0-9][0-9](?:0[1-9]|1[0-2])"
    "(?:[01][1-9]|[12]0|2[1-8]|29(?<!0229)|30(?<!0230)|31(?<=(?:0[13578]|1[02])31))"
)


def year_month() -> Format:
    """YYMM, as an expiry date stands on a card."""
    return pattern("date YYMM", "3012", "[0-9]{2}(?:0[1-9]|1[0-2])", (4, 4))


def day() -> Format:
    """YYYYMMDD."""
    return Format("date YYYYMMDD", "20260131", _is_date, parts=(text_type(8, 8), _DATE))


def _time(shape: str, example: str, clock: str) -> Format:
    is_clock = re.compile(clock).fullmatch
    return Format(
        shape,
        example,
        lambda value: bool(is_clock(value[8:])) and _is_date(value[:8]),
        parts=(text_type(len(example), len(example)), _DATE + clock),
    )


def minute() -> Format:
    """YYYYMMDDHHMM."""
    return _time("time YYYYMMDDHHMM", "202601311259", _HH_MM)


def second() -> Format:
    """YYYYMMDDHHMMSS."""
    return _time("time YYYYMMDDHHMMSS", "20260131125959", f"{_HH_MM}[0-5][0-9]")


# --- identifiers


def uuid() -> Format:
    """A UUID in canonical form, any version, any case of the hex digits [rule 2.24]."""
    part = "[0-9A-Fa-f]{4}"
    return pattern(
        "UUID",
        "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
        f"[0-9A-Fa-f]{{8}}-{part}-{part}-{part}-[0-9A-Fa-f]{{12}}",
        (36, 36),
    )


# --- lists


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON array whose elements all have one format."""

    item: Shaped
    fewest: int
    most: int

    def at(self, version: str) -> Format:
        """Give the format of the array in a version."""
        item, fewest, most = self.item.at(version), self.fewest, self.most

        def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
            if type(value) is not list or not fewest <= len(value) <= most:
                return False
            return all(map(item.accepts, value))

        def fault(value: object) -> Fault:
            if not isinstance(value, list) or not fewest <= len(value) <= most:
                return Fault.MALFORMED
            faults = [item.fault(each) for each in value if not _is_good(item, each)]
            return min(faults, key=list(Fault).index, default=Fault.MALFORMED)

        return Format(
            f"{span(fewest, most, 'x')} {item.shape}",
            [item.example],
            accepts,
            fault,
            empty=[],
            exact=None if item.exact is None else list_type(item.exact, fewest, most),
        )


def list_type(item: Any, fewest: int, most: int) -> Any:  # noqa: ANN401 - as above
    """Give the type of an array of so many values of a type."""
    return Annotated[list[item], Meta(min_length=fewest, max_length=most)]


def list_of(item: Shaped, fewest: int, most: int) -> ListOf:
    """A JSON array of so many elements of one format."""
    return ListOf(item, fewest, most)


def _is_good(item: Format, value: object) -> bool:
    try:
        return bool(item.accepts(value))
    except REFUSALS:
        return False


def span(low: int, high: int, unit: str = " characters") -> str:
    """Say how many there may be."""
    return f"{low}{unit}" if low == high else f"{low}-{high}{unit}"
