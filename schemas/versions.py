"""The protocol versions this ACS speaks, and sets of them for the rows of the message tables.

Specification 2.3.1.1 travels as "2.3.1" [rule 0.2]. The version of the AReq is the version of its
whole transaction [rule 2.5].
"""

from __future__ import annotations

import re
from typing import Final

V210: Final = "2.1.0"
V220: Final = "2.2.0"
V231: Final = "2.3.1"

SUPPORTED: Final = (V210, V220, V231)
HIGHEST: Final = SUPPORTED[-1]
SUPPORTED_TEXT: Final = ",".join(SUPPORTED)
"""The errorDetail of code 102 [rule 2.4]."""

EVERY: Final = frozenset(SUPPORTED)
ONLY_210: Final = frozenset({V210})
ONLY_220: Final = frozenset({V220})
UNTIL_220: Final = frozenset({V210, V220})
FROM_220: Final = frozenset({V220, V231})
FROM_231: Final = frozenset({V231})

_WELL_SHAPED = re.compile(r"(?=.{5,8}\Z)[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")


def is_well_shaped(value: object) -> bool:
    """Tell whether a value looks like a version at all: d.d.d in 5 to 8 characters [rule 2.4]."""
    return isinstance(value, str) and _WELL_SHAPED.fullmatch(value) is not None


def is_since(version: str, first: str) -> bool:
    """Tell whether a supported version is the given one or a later one."""
    return SUPPORTED.index(version) >= SUPPORTED.index(first)
