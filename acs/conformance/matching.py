"""What a case expects of a message: a partial pattern, and the faults found against it.

Members that the pattern does not name are free. A string that begins with @ is a matcher:
``@uuid``, ``@absent``, ``@present``, ``@text``, ``@echo areq.x``, ``@oneof a|b``, ``@len 28``,
``@max 128``, ``@digits 2``, ``@base64 20`` (decoded bytes), ``@starts x``, ``@has x``,
``@lacks x``, ``@names a,b`` (the same names in any order), ``@status 200|204``, ``@array``,
``@object``, ``@base64url``, ``@other ares.x`` (not what was said), ``@oneof_or_absent a|b``. In an
object ``@only`` lists all names there may be and ``@none`` names that must not be there.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from acs.conformance.writing import BadCase, Said, chosen, found

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT = object()
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN_MAX = 160


def faults(expected: Any, given: Any, said: Said, place: str = "") -> list[str]:  # noqa: ANN401
    """Give one sentence for each way in which the given value does not fit; none when it does."""
    expected = chosen(expected, said)
    if isinstance(expected, dict):
        return _of_object(expected, given, said, place)
    if isinstance(expected, list):
        return _of_list(expected, given, said, place)
    if isinstance(expected, str) and expected.startswith("@"):
        return _of_matcher(expected, given, said, place)
    return [] if _is_same(expected, given) else [_unlike(place, expected, given)]


def shown(value: object) -> str:
    """Give a value as a sentence may hold it."""
    text = "nothing" if value is ABSENT else repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def _of_object(expected: dict[str, Any], given: Any, said: Said, place: str) -> list[str]:  # noqa: ANN401
    if not isinstance(given, dict):
        return [f"{place or 'the answer'} is {shown(given)}, not an object"]
    result: list[str] = []
    for name, wanted in expected.items():
        match name:
            case "@only":
                extra = {one for one in given if not one.startswith("@")} - {*wanted}
                result += [f"{place}{one} is too much" for one in sorted(extra)]
            case "@none":
                result += [f"{place}{one} is there" for one in wanted if one in given]
            case _:
                value = given.get(name, ABSENT)
                result += faults(wanted, value, said, f"{place}{name}.")
    return result


def _of_list(expected: list[Any], given: Any, said: Said, place: str) -> list[str]:  # noqa: ANN401
    if not isinstance(given, list) or len(given) != len(expected):
        return [_unlike(place, expected, given)]
    return [
        fault
        for number, (wanted, value) in enumerate(zip(expected, given, strict=True))
        for fault in faults(wanted, value, said, f"{place}{number}.")
    ]


def _of_matcher(expected: str, given: object, said: Said, place: str) -> list[str]:
    name, _, argument = expected.partition(" ")
    if name == "@absent":
        return [] if given is ABSENT else [_unlike(place, "nothing", given)]
    if name in {"@echo", "@other"}:
        told = found(said, argument)
        wish = told if name == "@echo" else f"another than {told}"
        return [] if (given == told) is (name == "@echo") else [_unlike(place, wish, given)]
    if name == "@oneof_or_absent":
        fits = given is ABSENT or given in argument.split("|")
        return [] if fits else [_unlike(place, expected, given)]
    matcher = _MATCHERS.get(name)
    if matcher is None:
        message = f"{name} is no matcher"
        raise BadCase(message)
    return [] if given is not ABSENT and matcher(given, argument) else [
        _unlike(place, expected, given)
    ]  # fmt: skip


def _unlike(place: str, expected: object, given: object) -> str:
    return f"{place.rstrip('.') or 'the answer'} is {shown(given)}, expected {shown(expected)}"


def _is_same(expected: object, given: object) -> bool:
    # In Python True equals 1; in a message it does not.
    return type(expected) is type(given) and expected == given


def _is_text(given: Any, _argument: str) -> bool:  # noqa: ANN401
    return isinstance(given, str) and given.strip() != ""


def _has_bytes(given: Any, argument: str) -> bool:  # noqa: ANN401
    try:
        decoded = base64.b64decode(given, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return not argument or len(decoded) == int(argument)


def _has_names(given: Any, argument: str) -> bool:  # noqa: ANN401
    return isinstance(given, str) and sorted(given.split(",")) == sorted(argument.split(","))


def _are_digits(given: Any, argument: str) -> bool:  # noqa: ANN401
    return isinstance(given, str) and re.fullmatch(rf"[0-9]{{{argument}}}", given) is not None


_MATCHERS: dict[str, Callable[[Any, str], bool]] = {
    "@status": lambda given, argument: str(given) in argument.split("|"),
    "@base64url": lambda given, _: isinstance(given, str) and bool(_BASE64URL.fullmatch(given)),
    "@uuid": lambda given, _: isinstance(given, str) and _UUID.fullmatch(given) is not None,
    "@present": lambda _given, _: True,
    "@text": _is_text,
    "@oneof": lambda given, argument: given in argument.split("|"),
    "@len": lambda given, argument: isinstance(given, str) and len(given) == int(argument),
    "@max": lambda given, argument: isinstance(given, str) and 1 <= len(given) <= int(argument),
    "@digits": _are_digits,
    "@base64": _has_bytes,
    "@starts": lambda given, argument: isinstance(given, str) and given.startswith(argument),
    "@has": lambda given, argument: isinstance(given, str) and argument in given,
    "@lacks": lambda given, argument: isinstance(given, str) and argument not in given,
    "@names": _has_names,
    "@array": lambda given, _: isinstance(given, list) and given != [],
    "@object": lambda given, _: isinstance(given, dict) and given != {},
}
