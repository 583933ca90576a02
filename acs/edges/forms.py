"""Form-encoded bodies as browsers send them, bounded in size and in fields."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from aiohttp import web

FIELDS_MAX = 30
_FORM_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: web.Request) -> dict[str, str]:
    """Read a form-encoded body; anything else has no fields. A repeated field keeps its first."""
    raw = await request.read()
    if request.content_type != _FORM_TYPE:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii", "replace"),
            keep_blank_values=True,
            max_num_fields=FIELDS_MAX,
            errors="replace",
        )
    except ValueError:
        return {}
    fields: dict[str, str] = {}
    for name, text in pairs:
        fields.setdefault(name, text)
    return fields
