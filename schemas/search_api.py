"""The counter's look-up as a table: one person by the bank's reference, with accounts and cards."""

from __future__ import annotations

from typing import Final

from schemas.api import Body, Id, ListOf, Member, Moment, Nullable, OneOf, Route, Text
from schemas.enrollment_api import CARD, PERSON

_BLOCK: Final = Body(
    "Block",
    (
        Member("kind", OneOf(("sca_temp", "sca_perm", "manual")), "Why payments are blocked"),
        Member("until", Nullable(Moment()), "Until when; null = until somebody ends it"),
    ),
)
_ACCOUNT: Final = Body(
    "AccountOfPerson",
    (
        Member("account_id", Id(), "Our id"),
        Member("ref", Text(64), "The bank's reference"),
        Member("currency", Text(3, 3), "ISO 4217 letters"),
        Member("status", OneOf(("active", "closed")), "Where the account stands"),
        Member("role", OneOf(("owner", "co_owner", "proxy")), "What the person is to it"),
    ),
)
PERSON_FOUND: Final = Body(
    "PersonFound",
    (
        *PERSON.members,
        Member("block", Nullable(_BLOCK), "The block of internet payments in force"),
        Member("accounts", ListOf(_ACCOUNT, 1000), "Accounts and the person's role"),
        Member("cards", ListOf(CARD, 1000), "Own cards, newest first, those in use"),
    ),
)
SEARCH_ROUTES: Final = (
    Route(
        "find_person", "GET", "/v1/persons/{ref}",
        "Find a person by the bank's reference; each search is audited",
        ("person:read",), PERSON_FOUND, None, (200,), (404, 422),
    ),
)  # fmt: skip
