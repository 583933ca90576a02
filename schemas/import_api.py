"""The bulk import as tables: one record a line, and the routes that take and report an import.

A record is ``{"kind", "ref", "body"}``. Its body is that of the single call of the same kind, with
one difference: where a call names a thing by our id, a file names it by the bank's reference, for
whoever writes the file does not know our ids.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schemas.api import (
    Body,
    Id,
    Kind,
    ListOf,
    Member,
    Moment,
    Nullable,
    OneOf,
    Route,
    Text,
    Whole,
    optional,
)
from schemas.enrollment_api import (
    ACCOUNT_IN,
    CARD_IN,
    LIMIT_MEMBERS,
    PERSON_IN,
    PHONE_IN,
    REF_PATTERN,
)

IMPORT_MAX: Final = 64 * 1024 * 1024
"""Most bytes of one import over HTTP; a larger file is sent in parts or given to the command."""

LINE_MAX: Final = 32 * 1024
"""Most bytes of one line, as of the body of a single call."""

ERRORS_PAGE: Final = 500
"""Refused lines in one answer."""

IMPORT_TYPE: Final = "application/x-ndjson"

_REF: Final = Text(64, pattern=REF_PATTERN)
_COUNT: Final = Whole(0, 10**15)


def _by_reference(kind: Kind) -> Kind:
    """Give the same table with references in the place of ids."""
    match kind:
        case Body():
            members = tuple(_referring(member) for member in kind.members)
            return Body(f"Import{kind.name}", members)
        case ListOf():
            return replace(kind, kind=_by_reference(kind.kind))
        case _:
            return kind


def _referring(member: Member) -> Member:
    if isinstance(member.kind, Id):
        name = f"{member.name.removesuffix('_id')}_ref"
        return replace(member, name=name, kind=_REF, about=f"{member.about}: the bank's reference")
    return replace(member, kind=_by_reference(member.kind))


def _body(body: Body) -> Body:
    made = _by_reference(body)
    assert isinstance(made, Body)  # noqa: S101 - a Body gives a Body
    return made


_ROLE: Final = OneOf(("owner", "co_owner", "proxy"))
LINK_IN: Final = Body(
    "ImportLinkIn",
    (
        Member("person_ref", _REF, "A person: the bank's reference"),
        Member("role", _ROLE, "What the person is to the account"),
    ),
)
LIMITS_IN: Final = Body(
    "ImportLimitsIn",
    (
        Member("of", OneOf(("account", "card")), "Whose limits: what ``ref`` names"),
        *LIMIT_MEMBERS,
    ),
)
BODIES: Final = {
    "person": _body(PERSON_IN),
    "phone": _body(PHONE_IN),
    "account": _body(ACCOUNT_IN),
    "link": LINK_IN,
    "card": _body(CARD_IN),
    "limits": LIMITS_IN,
}
"""The body of each kind of record, in the order in which a batch is carried out."""

SCOPE_OF: Final = {
    "person": "person:write",
    "phone": "phone:write",
    "account": "card:enrol",
    "link": "card:enrol",
    "card": "card:enrol",
    "limits": "limit:raise",
}
"""What a caller has to be allowed to bring in records of each kind."""


class AnyBody:
    """Stands for the body of a record, which is read by the table of the record's kind."""

    def read(self, value: object, path: str) -> object:
        """Give the value as it is; the table of the kind reads it afterwards."""
        assert path  # noqa: S101 - it is a member
        return value

    def schema(self) -> dict[str, object]:
        """Describe it as one of the bodies."""
        return {"anyOf": [body.schema() for body in BODIES.values()]}


RECORD: Final = Body(
    "ImportRecord",
    (
        Member("kind", OneOf(tuple(BODIES)), "What the line is about"),
        Member("ref", _REF, "The bank's reference of the person, account or card"),
        Member("body", AnyBody(), "As of the single call, with references for ids"),
    ),
)
IMPORT: Final = Body(
    "Import",
    (
        Member("import_id", Id(), "Our id of this import"),
        Member(
            "state",
            OneOf(("running", "done", "interrupted")),
            "done: every line was carried out; interrupted: the file has to be sent again",
        ),
        Member("percent", Nullable(Whole(0, 100)), "How far, by bytes"),
        Member("lines", _COUNT, "Lines carried out"),
        Member("created", _COUNT, "Of these: new"),
        Member("changed", _COUNT, "Brought up to date"),
        Member("unchanged", _COUNT, "Known already and left as they are"),
        Member("refused", _COUNT, "Refused, see the errors"),
        Member("started_at", Moment(), "Since when"),
        Member("updated_at", Moment(), "When it last got on, or said that it is at work"),
    ),
)
IMPORT_ERROR: Final = Body(
    "ImportError",
    (
        Member("line", Whole(1, 10**15), "The line's number, from 1"),
        Member("code", Text(60), "Why it was refused, as of the single call"),
        Member("field", Nullable(Text(100)), "Which member it is about"),
    ),
)
IMPORT_ERRORS: Final = Body(
    "ImportErrors",
    (
        Member("errors", ListOf(IMPORT_ERROR, ERRORS_PAGE), "In the order of lines"),
        Member("next_after", Nullable(Whole(1, 10**15)), "For the next page; null = no more"),
    ),
)
_SCOPES: Final = tuple(dict.fromkeys(SCOPE_OF.values()))
IMPORT_ROUTES: Final = (
    Route(
        "post_import", "POST", "/v1/imports",
        "Bring in many records, one a line; a line that is refused stops none of the others",
        _SCOPES, IMPORT, RECORD, (202,), (409,), body_type=IMPORT_TYPE,
        of_bank=True,
    ),
    Route(
        "get_import", "GET", "/v1/imports/{id}", "Tell how far an import is",
        _SCOPES, IMPORT, None, (200,), (404,),
    ),
    Route(
        "get_import_errors", "GET", "/v1/imports/{id}/errors", "List refused lines, page by page",
        _SCOPES, IMPORT_ERRORS, None, (200,), (404, 422),
        query=(optional("after", _COUNT, "Only lines after that one"),),
    ),
)  # fmt: skip
