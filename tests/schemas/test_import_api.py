"""The records of an import: the bodies of the single calls, with references in place of ids."""

from __future__ import annotations

import json

import pytest

from schemas.api import Body, Fault
from schemas.enrollment_api import ACCOUNT_IN, CARD_IN, PERSON_IN, PHONE_IN, SCOPES
from schemas.import_api import BODIES, RECORD, SCOPE_OF


def names(body: Body) -> list[str]:
    return [member.name for member in body.members]


@pytest.mark.parametrize(
    ("kind", "single"),
    [("person", PERSON_IN), ("phone", PHONE_IN), ("account", ACCOUNT_IN), ("card", CARD_IN)],
)
def test_a_body_has_the_members_of_the_single_call(kind: str, single: Body) -> None:
    wanted = [name.replace("_id", "_ref") for name in names(single)]

    assert names(BODIES[kind]) == wanted


def test_what_is_secret_stays_secret() -> None:
    secret = {member.name for body in BODIES.values() for member in body.members if member.secret}

    assert secret == {"identifier", "phone", "pan", "birth_date"}


def test_every_kind_takes_a_scope_of_the_api() -> None:
    assert SCOPE_OF.keys() == BODIES.keys()
    assert set(SCOPE_OF.values()) <= set(SCOPES)


def test_a_record_is_described_whole() -> None:
    text = json.dumps(RECORD.schema())

    assert all(f'"{member}"' in text for member in ("identifier", "pan", "person_ref", "per_tx"))


@pytest.mark.parametrize(
    ("record", "code", "field"),
    [
        ({"kind": "card", "ref": "c1"}, "required", "body"),
        ({"kind": "bank", "ref": "c1", "body": {}}, "not_in_list", "kind"),
        ({"kind": "card", "ref": "c 1", "body": {}}, "bad_format", "ref"),
        ({"kind": "card", "ref": "c1", "body": {}, "pan": "4"}, "unknown_field", "pan"),
    ],
)
def test_a_record_that_is_none_is_named(record: object, code: str, field: str) -> None:
    assert RECORD.read(record) == Fault(code, field)
