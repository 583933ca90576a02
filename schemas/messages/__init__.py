"""The front door to the messages: read what comes in, check what goes out, mask what is kept.

A message is a table (``areq``, ``ares``, ...), one row per data element and version. Its tables
read it, check it, mask it, document it and build it in tests; there is no other description of it.
"""

from __future__ import annotations

from schemas.compiler import Context, Reading
from schemas.messages.masking import masked, masked_text
from schemas.messages.outgoing import OutgoingInvalid, check_outgoing
from schemas.messages.reading import (
    NO_ADDITIONS,
    Additions,
    peek,
    read_areq,
    read_creq,
    read_erro,
    read_rres,
)
from schemas.messages.tables import EVERY_TABLE, TABLES
from schemas.messages.templates import Template, Written, template, written

__all__ = [
    "EVERY_TABLE",
    "NO_ADDITIONS",
    "TABLES",
    "Additions",
    "Context",
    "OutgoingInvalid",
    "Reading",
    "Template",
    "Written",
    "check_outgoing",
    "masked",
    "masked_text",
    "peek",
    "read_areq",
    "read_creq",
    "read_erro",
    "read_rres",
    "template",
    "written",
]
