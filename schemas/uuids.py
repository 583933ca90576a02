"""UUIDs that are written many times: the text is made once."""

from __future__ import annotations

from typing import Any
from uuid import UUID, SafeUUID


class SpelledUuid(UUID):
    """A UUID that keeps its text; it equals any other UUID of the same number."""

    __slots__ = ("_text",)
    _text: str

    def __init__(self, number: int) -> None:
        """Make it of its 128 bits."""
        digits = f"{number:032x}"
        if len(digits) != _DIGITS or number < 0:
            message = "a UUID has 128 bits"
            raise ValueError(message)
        put = object.__setattr__
        put(self, "int", number)
        put(self, "is_safe", SafeUUID.unknown)
        text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        put(self, "_text", text)

    def __str__(self) -> str:
        """Give the canonical form, lower case with hyphens."""
        return self._text

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy by number."""
        return SpelledUuid, (self.int,)


_DIGITS = 32
