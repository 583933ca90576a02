"""How a text travels over the air: its alphabet, its size, its parts, its octets.

Laws: GSM 03.38 (3GPP TS 23.038, 6.2.1) counts in septets, 160 in one part, 153 in each of several;
UCS-2 in 16-bit units, 70 and 67 (3GPP TS 23.040, 9.2.3.24.1). A sign is never cut in two: neither
an escape with its sign of the extension table nor the two halves above U+FFFF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, assert_never

Alphabet = Literal["gsm7", "ucs2"]

_ESCAPE: Final = 0x1B
# In the order of the table; the escape stands at its place and is no sign of its own.
_BASIC_TABLE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_BASIC: Final = {sign: octet for octet, sign in enumerate(_BASIC_TABLE) if octet != _ESCAPE}
_EXTENDED: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_PART: Final = {"gsm7": (160, 153), "ucs2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a text in septets or 16-bit units, and in how many parts it is carried."""

    alphabet: Alphabet
    units: int
    parts: int


def size_of(text: str) -> Size:
    """Measure a text as a network does; characters above U+FFFF take two units in UCS-2."""
    alphabet = alphabet_of(text)
    return Size(alphabet, units(text, alphabet), len(parts(text, alphabet)))


def alphabet_of(text: str) -> Alphabet:
    """Give the smaller alphabet that has every sign of the text."""
    return "gsm7" if is_gsm7(text) else "ucs2"


def is_gsm7(text: str) -> bool:
    """Tell whether GSM 03.38 has every sign of the text."""
    return all(sign in _BASIC or sign in _EXTENDED for sign in text)


def units(text: str, alphabet: Alphabet) -> int:
    """Count the septets or 16-bit units of a text."""
    match alphabet:
        case "gsm7":
            return len(text) + sum(sign in _EXTENDED for sign in text)
        case "ucs2":
            return len(ucs2(text)) // 2
        case _:
            assert_never(alphabet)


def parts(text: str, alphabet: Alphabet) -> list[str]:
    """Cut a text into what each part carries; one part when it fits, the empty text included."""
    single, each = _PART[alphabet]
    if units(text, alphabet) <= single:
        return [text]
    made = [""]
    room = each
    for sign in text:
        width = units(sign, alphabet)
        if width > room:
            made.append("")
            room = each
        made[-1] += sign
        room -= width
    return made


def gsm7(text: str) -> bytes:
    """Write a text in GSM 03.38, one octet per septet. Raises KeyError for a sign it lacks."""
    octets = bytearray()
    for sign in text:
        if sign in _EXTENDED:
            octets += bytes((_ESCAPE, _EXTENDED[sign]))
        else:
            octets.append(_BASIC[sign])
    return bytes(octets)


def ucs2(text: str) -> bytes:
    """Write a text in 16-bit units, the high octet first."""
    return text.encode("utf-16-be", "surrogatepass")
