"""Values to JSON, refusals to problem+json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from enrollment.edge import answers
from enrollment.edge.answers import Answer
from enrollment.refusals import Refusal, RefusalCode
from schemas.api import Fault

if TYPE_CHECKING:
    from aiohttp import web


def body_of(response: web.Response) -> dict[str, object]:
    assert isinstance(response.body, bytes)
    found: dict[str, object] = json.loads(response.body)
    return found


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_has_a_status_and_a_text_id(code: RefusalCode) -> None:
    response = answers.refused(Refusal(code, "member"))

    assert response.status in {401, 403, 404, 409, 410, 412, 422, 423, 429, 502, 504}
    shown = body_of(response)
    assert shown["status"] == response.status
    assert shown["error"]["code"] == code.value  # type: ignore[index]
    assert shown["error"]["message_key"] == f"enrollment.{code.value}"  # type: ignore[index]


def test_a_wait_is_told_in_body_and_header() -> None:
    response = answers.refused(Refusal(RefusalCode.LOCKED, retry_after_s=60))

    assert response.headers["Retry-After"] == "60"
    assert body_of(response)["error"]["retry_after"] == 60  # type: ignore[index]


def test_a_fault_of_the_body_is_a_bad_request() -> None:
    response = answers.faulty(Fault("required", "pin"))

    assert response.status == 400
    assert body_of(response)["error"]["field"] == "pin"  # type: ignore[index]


def test_a_version_becomes_an_entity_tag() -> None:
    assert Answer({}, version=3).etag == '"3"'
    assert Answer({}).etag is None
    assert answers.good("{}", 200, '"3"').headers["ETag"] == '"3"'


def test_roles_are_shown_in_a_fixed_order() -> None:
    first, second = UUID(int=1), UUID(int=2)

    shown = answers.roles({second: "proxy", first: "owner"})

    assert [role["role"] for role in shown] == ["owner", "proxy"]
