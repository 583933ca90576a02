"""3DS Method data: what a hidden frame is opened with, what its script says, what it answers.

Everything here comes from a browser and anybody may have made it. Laws: whatever arrives, a reader
gives a value or None and never raises. An address that is not fit to be a form's action makes the
whole request unusable [rule 4.8]; unknown members are ignored [rule 4.2]. What a script says of a
device is taken as it is defined here or not at all, so nothing longer or deeper is ever kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from schemas.addresses import language_tag
from schemas.base64url import NotBase64Url, decode, encode
from schemas.compiler import Context
from schemas.json_reader import NotAMessage, is_text_usable, read_object
from schemas.messages import check_outgoing
from schemas.messages.beside import THREE_DS_METHOD_DATA, THREE_DS_METHOD_NOTICE, read_usable
from schemas.versions import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REQUEST_MAX: Final = 4096
"""Characters of threeDSMethodData: an identifier and an address of 256 fit many times."""
DEVICE_MAX: Final = 2048
"""Bytes a script may say of its device; what is asked for takes some hundred."""
HEADER_MAX: Final = 512
LANGUAGES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class MethodRequest:
    """Why a frame was opened: the 3DS Server's transaction, and where its end is told, if at all.

    The identifier is kept as it was spelled, because it is echoed.
    """

    three_ds_server_trans_id: str
    notification_url: str | None

    @property
    def notification(self) -> str:
        """Give the threeDSMethodData that tells the end: the identifier and nothing else."""
        members = {"threeDSServerTransID": self.three_ds_server_trans_id}
        check_outgoing(THREE_DS_METHOD_NOTICE.name, members, Context(HIGHEST))
        return encode(json.dumps(members, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class DeviceData:
    """What a browser says of itself: a claim, not a fact. None where nothing was said.

    Lengths in CSS pixels; ``time_zone_offset`` in minutes, UTC minus local time, as scripts count
    it; ``elapsed_ms`` is the time from opening the frame to this.
    """

    screen_width: int | None = None
    screen_height: int | None = None
    color_depth: int | None = None
    time_zone_offset: int | None = None
    time_zone: str | None = None
    languages: tuple[str, ...] = ()
    platform: str | None = None
    touch_points: int | None = None
    elapsed_ms: int | None = None
    user_agent: str | None = None
    accept_language: str | None = None

    def to_bytes(self) -> bytes:
        """Write what was said, for the store."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        known = {name: value for name, value in said.items() if value not in {None, ()}}
        return json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> DeviceData:
        """Read back what ``to_bytes`` wrote, also a newer one's: what is unknown is left out."""
        said: dict[str, Any] = json.loads(stored)
        known = {one.name: said[one.name] for one in fields(cls) if one.name in said}
        return cls(**{**known, "languages": tuple(known.get("languages", ()))})


def read_request(text: str) -> MethodRequest | None:
    """Read the form field threeDSMethodData; None when nothing can be done with it."""
    if len(text) > REQUEST_MAX:
        return None
    try:
        raw = decode(text)
        opened = read_object(raw)
    except (NotBase64Url, NotAMessage):
        return None
    said = {name for name, value in opened.message.items() if value is not None}
    usable = read_usable(THREE_DS_METHOD_DATA, raw)
    if opened.repeated or "threeDSServerTransID" not in usable or said & _NAMES - usable.keys():
        return None
    address = usable.get("threeDSMethodNotificationURL")
    return MethodRequest(
        str(usable["threeDSServerTransID"]), None if address is None else str(address)
    )


def read_device(text: str, headers: Mapping[str, str]) -> DeviceData | None:
    """Read what the frame's script posts, with two headers of that post; None when it is not that.

    A member of another type or out of bounds is as bad as no JSON: our own script sends neither.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) > DEVICE_MAX:
        return None
    try:
        opened = read_object(raw)
    except NotAMessage:
        return None
    said = {name: value for name, value in opened.message.items() if value is not None}
    if opened.repeated or not all(
        _MEMBERS[name].accepts(value) for name, value in said.items() if name in _MEMBERS
    ):
        return None
    known = {_MEMBERS[name].field: value for name, value in said.items() if name in _MEMBERS}
    return DeviceData(
        **{**known, "languages": tuple(known.get("languages", ()))},
        user_agent=_header(headers, "User-Agent"),
        accept_language=_header(headers, "Accept-Language"),
    )


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "")[:HEADER_MAX]
    return value if value and is_text_usable(value) and value.isprintable() else None


@dataclass(frozen=True, slots=True)
class _Member:
    field: str
    accepts: Callable[[Any], bool]


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _text(longest: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
    )


def _languages(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
    return (
        isinstance(value, list)
        and len(value) <= LANGUAGES_MAX
        and all(isinstance(tag, str) and _LANGUAGE.accepts(tag) for tag in value)
    )


_NAMES: Final = frozenset({"threeDSServerTransID", "threeDSMethodNotificationURL"})
_LANGUAGE: Final = language_tag(35)
_MEMBERS: Final = {
    "screenWidth": _Member("screen_width", _whole(0, 100_000)),
    "screenHeight": _Member("screen_height", _whole(0, 100_000)),
    "colorDepth": _Member("color_depth", _whole(0, 128)),
    "timeZoneOffset": _Member("time_zone_offset", _whole(-1440, 1440)),
    "timeZone": _Member("time_zone", _text(64)),
    "languages": _Member("languages", _languages),
    "platform": _Member("platform", _text(64)),
    "touchPoints": _Member("touch_points", _whole(0, 256)),
    "elapsedMs": _Member("elapsed_ms", _whole(0, 600_000)),
}
