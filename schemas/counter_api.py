"""What a counter does to a client's access, as tables: ends a block, takes it away, ends it."""

from __future__ import annotations

from typing import Final

from schemas.api import Body, Member, OneOf, Remark, Route, Text
from schemas.enrollment_api import PERSON

STAFF_PATTERN: Final = r"[A-Za-z0-9._:@-]{1,64}"

_STAFF: Final = Member("staff_id", Text(64, pattern=STAFF_PATTERN), "Who checked the person")
_REASON: Final = Member(
    "reason", Remark(200), "Why, for the audit log; long numbers in it are starred"
)
UNBLOCK_IN: Final = Body(
    "UnblockIn",
    (
        Member("kind", OneOf(("sca_temp", "sca_perm", "manual", "portal")), "Which block ends"),
        _REASON,
        _STAFF,
    ),
)
STAFF_ACT_IN: Final = Body("StaffActIn", (_REASON, _STAFF))

COUNTER_ROUTES: Final = (
    Route(
        "unblock", "POST", "/v1/persons/{id}/unblock",
        "End a block of internet payments; a permanent one ends when a second member of staff asks "
        "the same within 15 minutes, the first is answered 403 dual_control_needed",
        ("block:clear",), PERSON, UNBLOCK_IN, (200,), (404, 409),
    ),
    Route(
        "reset_person", "POST", "/v1/persons/{id}/reset",
        "Take password, PIN and sessions of a person away; the person registers anew",
        ("person:write",), PERSON, STAFF_ACT_IN, (200,), (404, 409),
    ),
    Route(
        "close_person", "POST", "/v1/persons/{id}/close",
        "End a person for good: died, or the contract ended",
        ("person:write",), PERSON, STAFF_ACT_IN, (200,), (404,),
    ),
)  # fmt: skip
