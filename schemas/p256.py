"""The curve P-256 (FIPS 186-4, D.1.2.3), as far as a public key can be judged without using it."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Final, TypeGuard

_PRIME: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_COORDINATE: Final = re.compile("[A-Za-z0-9_-]{43}")


def is_coordinate(value: object) -> TypeGuard[str]:
    """Tell whether a value is 32 bytes in base64url without padding."""
    return isinstance(value, str) and _COORDINATE.fullmatch(value) is not None


def is_point(x: str, y: str) -> bool:
    """Tell whether two coordinates are a point of the curve; that at infinity has none.

    Points are public, so no time has to be hidden. The curve has cofactor 1: what is on it is in
    the group, and nothing more is to be asked.
    """
    at_x, at_y = _number(x), _number(y)
    if at_x >= _PRIME or at_y >= _PRIME:
        return False
    return (at_y * at_y - at_x * at_x * at_x + 3 * at_x - _B) % _PRIME == 0


def _number(coordinate: str) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{coordinate}="))
