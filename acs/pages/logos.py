"""Whether a picture may be shown as a bank's logo: a drawing that does nothing and loads nothing.

A logo comes from a file of the operator and is served from our own origin, inside a shop's frame
and beside the field of the code. So it is judged by what it may hold, not by what it must not:
an SVG is made of shapes, gradients and text, a PNG of its own bytes. Nothing is repaired; a
picture with a fault is refused with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final
from xml.parsers import expat

BYTES_MAX: Final = 48 * 1024
RATIO_MIN, RATIO_MAX = 0.5, 6.0
"""Width by height: a logo stands in a line 28 px high, beside the scheme's mark."""

_ELEMENTS: Final = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "symbol", "use", "text", "tspan"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern"),
    }
)
_NAMESPACES: Final = {
    "xmlns": "http://www.w3.org/2000/svg",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}
_PREFIXED: Final = frozenset({"xlink:href", "xml:space"})
_URL: Final = re.compile(r"url\(", re.IGNORECASE)
_OWN_URL: Final = re.compile(r"url\(\s*['\"]?#[\w.-]+['\"]?\s*\)\Z")
_NUMBER: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)(?:px)?\s*")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD: Final = 24
_PNG_SIDE_MAX: Final = 1024


class BadLogo(ValueError):
    """The picture cannot be shown; the message says why."""


def check(name: str, body: bytes) -> None:
    """Judge a picture by the end of its name and its bytes; raise BadLogo."""
    if len(body) > BYTES_MAX:
        message = f"{len(body)} bytes, {BYTES_MAX} are the most"
        raise BadLogo(message)
    match PurePath(name).suffix:
        case ".svg":
            width, height = _svg_size(body)
        case ".png":
            width, height = _png_size(body)
        case _:
            message = "neither .svg nor .png"
            raise BadLogo(message)
    if not (width > 0 and height > 0 and RATIO_MIN <= width / height <= RATIO_MAX):
        message = (
            f"{width:g} by {height:g}: its width is {RATIO_MIN} to {RATIO_MAX} times its height"
        )
        raise BadLogo(message)


def _png_size(body: bytes) -> tuple[float, float]:
    if not body.startswith(_PNG) or len(body) < _PNG_HEAD or body[12:16] != b"IHDR":
        message = "not a PNG"
        raise BadLogo(message)
    width, height = int.from_bytes(body[16:20]), int.from_bytes(body[20:24])
    if max(width, height) > _PNG_SIDE_MAX:
        message = f"{width} by {height} pixels, {_PNG_SIDE_MAX} are the most"
        raise BadLogo(message)
    return width, height


def _svg_size(body: bytes) -> tuple[float, float]:
    drawing = _Drawing()
    # No entity can be declared, since a DTD is refused where it begins; and expat itself loads
    # nothing from outside.
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = drawing.doctype
    parser.ProcessingInstructionHandler = drawing.instruction
    parser.StartElementHandler = drawing.element
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat takes it by place
    except expat.ExpatError as error:
        message = f"not XML: {error}"
        raise BadLogo(message) from error
    return _size(drawing.root)


@dataclass(slots=True)
class _Drawing:
    root: dict[str, str] = field(default_factory=dict)
    is_open: bool = False

    def doctype(self, *_declared: object) -> None:
        message = "it has a DOCTYPE, which may load or repeat things"
        raise BadLogo(message)

    def instruction(self, target: str, _data: str) -> None:
        message = f"it has an instruction <?{target}?>"
        raise BadLogo(message)

    def element(self, name: str, attributes: dict[str, str]) -> None:
        if not self.is_open:
            if name != "svg" or attributes.get("xmlns") != _NAMESPACES["xmlns"]:
                message = "it does not begin with <svg> of the SVG namespace"
                raise BadLogo(message)
            self.root, self.is_open = attributes, True
        if name not in _ELEMENTS:
            message = f"<{name}> is not drawn here: shapes, gradients and text only"
            raise BadLogo(message)
        for attribute, value in attributes.items():
            fault = _fault_of(attribute, value)
            if fault is not None:
                message = f"<{name} {attribute}>: {fault}"
                raise BadLogo(message)


def _fault_of(name: str, value: str) -> str | None:
    if name in _NAMESPACES:
        return None if value == _NAMESPACES[name] else "another namespace"
    if name.lower().startswith("on"):
        return "it would run a script"
    if name in {"style", "class"}:
        return 'write colours as attributes, such as fill="#0b4f96"'
    if ":" in name and name not in _PREFIXED:
        return "only an editor reads that: save it as plain SVG"
    is_link = name in {"href", "xlink:href"} and not value.startswith("#")
    if is_link or (_URL.search(value) and not _OWN_URL.match(value)):
        return "it points outside the file"
    return None


def _size(root: dict[str, str]) -> tuple[float, float]:
    box = root.get("viewBox", "").replace(",", " ").split()
    sides = box[2:4] if len(box) == 4 else (root.get("width", ""), root.get("height", ""))  # noqa: PLR2004
    read = [_NUMBER.fullmatch(side) for side in sides]
    if read[0] is None or read[1] is None:
        message = "neither viewBox nor width and height say how large it is"
        raise BadLogo(message)
    return float(read[0][1]), float(read[1][1])
