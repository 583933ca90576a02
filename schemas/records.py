"""Frozen records for the way every AReq goes: made in a fraction of a frozen dataclass's time.

A wide frozen dataclass sets each field through ``object.__setattr__``; a ``msgspec.Struct`` does it
in C. Records here are never decoded from a message, so their annotations are never evaluated.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

__all__ = ["Record", "replace"]


class Record(msgspec.Struct, frozen=True):
    """A value with named fields that never change; ``replace`` gives another one."""
