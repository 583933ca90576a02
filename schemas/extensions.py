"""messageExtension: its limits, and which extensions this ACS recognises.

An extension marked critical whose id is not recognised for the message and version stops the
message; one that is not critical is passed over [rule 10.6]. We never send one marked critical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.encoded import is_json_within
from schemas.formats import Format, Versioned
from schemas.versions import UNTIL_220, V210, V220, V231

_ENTRY_TEXT_MAX = 64
_ENTRY_DATA_MAX = 8059
_ALL_MAX = 81920
_ENTRY_MEMBERS = 4
_ENTRY_FRAME = 64  # names, quotes, colons, commas and braces of an entry
_ESCAPED_MAX = 6  # characters that one may need in JSON
_ENTRIES_UNTIL_220 = 10
_ENTRIES_FROM_231 = 15


@dataclass(frozen=True, slots=True)
class Extension:
    """A published extension: its id and name, and where it may occur."""

    id: str
    name: str
    versions: frozenset[str]
    messages: frozenset[str]


DEVICE_ACKNOWLEDGEMENT: Final = Extension(
    "A000000802-001",
    "Device Acknowledgement Message Extension",
    UNTIL_220,
    frozenset({"AReq", "ARes"}),
)
BRIDGING: Final = Extension(
    "A000000802-004",
    "Bridging",
    UNTIL_220,
    frozenset({"AReq", "ARes", "CReq", "CRes", "RReq"}),
)
RECOGNISED: Final = (DEVICE_ACKNOWLEDGEMENT, BRIDGING)


def extensions() -> Versioned:
    """The whole messageExtension element; any fault in it is one fault of it [rule 10.5]."""
    return Versioned(
        {
            V210: _array_of(_ENTRIES_UNTIL_220),
            V220: _array_of(_ENTRIES_UNTIL_220),
            V231: _array_of(_ENTRIES_FROM_231),
        }
    )


def unrecognised_critical(
    value: object, *, message_type: str, version: str, also: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """List the ids of critical extensions that are not recognised here; ``also`` adds ids."""
    if not isinstance(value, list):
        return ()
    critical = [entry["id"] for entry in value if entry["criticalityIndicator"] is True]
    if not critical:
        return ()
    known = also.union(
        extension.id
        for extension in RECOGNISED
        if version in extension.versions and message_type in extension.messages
    )
    return tuple(dict.fromkeys(id_ for id_ in critical if id_ not in known))


def _array_of(most: int) -> Format:
    def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
        return (
            type(value) is list
            and 1 <= len(value) <= most
            and all(map(_is_entry, value))
            and (_is_surely_short(value) or is_json_within(value, _ALL_MAX))
        )

    example = {"name": "Example", "id": "EX-1", "criticalityIndicator": False, "data": {"k": "v"}}
    return Format(f"1-{most} message extensions", [example], accepts, empty=[])


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    data = entry.get("data")
    return (
        _is_label(entry.get("name"))
        and _is_label(entry.get("id"))
        and isinstance(entry.get("criticalityIndicator"), bool)
        and isinstance(data, dict)
        and bool(data)
        and is_json_within(data, _ENTRY_DATA_MAX)
    )


def _is_surely_short(entries: list[dict[str, Any]]) -> bool:
    """Tell whether the entries cannot reach the limit of the whole, each being in its own."""
    longest = _ENTRY_DATA_MAX + 2 * _ENTRY_TEXT_MAX * _ESCAPED_MAX + _ENTRY_FRAME
    return len(entries) * longest <= _ALL_MAX and all(
        len(entry) == _ENTRY_MEMBERS for entry in entries
    )


def _is_label(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _ENTRY_TEXT_MAX
