"""The published description is held against the running service, by a reader that is not ours."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import jwt
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from enrollment.edge import documents

if TYPE_CHECKING:
    from tests.demo.running import Demo

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FOUND = list(schemathesis.openapi.from_dict(documents.openapi()).get_all_operations())
OPERATIONS = [found.ok() for found in FOUND if isinstance(found, Ok)]
NOBODY = UUID("9f0c2a54-4b1e-4a39-8d0a-3c2a1d5b7e60")

pytestmark = pytest.mark.xdist_group("demo")


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: object) -> bytes:
    """One line, whatever it is."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def bearer(demo: Demo, operation: Any) -> str:
    """A token for one call, with the scopes that the description asks for."""
    asked = {scope for one in operation.definition.raw["security"] for scope in one["token"]}
    is_own = operation.path.startswith("/v1/me")
    callers = json.loads((Path(demo.folder) / "var/demo/callers.json").read_text())
    caller = callers["portal" if is_own or "portal" in asked else "branch"]
    now = int(time.time())
    claims = {
        "iss": caller["iss"],
        "sub": caller["sub"],
        "aud": caller["aud"],
        "iat": now,
        "nbf": now,
        "exp": now + 120,
        "jti": str(uuid4()),
        "scope": " ".join(asked & set(caller["scopes"])),
    }
    if is_own:
        claims["act"] = {"person_id": str(NOBODY)}
    key = Path(caller["key_file"]).read_text()
    return jwt.encode(claims, key, "ES256", headers={"kid": caller["kid"], "typ": "at+jwt"})


def test_the_reader_understands_every_operation() -> None:
    paths: Any = documents.openapi()["paths"]

    assert len(OPERATIONS) == len(FOUND) == sum(len(methods) for methods in paths.values())


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.label for each in OPERATIONS])
def test_every_answer_is_one_that_the_description_names(demo: Demo, operation: Any) -> None:
    """Well-formed calls and calls gone wrong: each answer's status, type and body are described."""

    @given(case=operation.as_strategy())
    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
    def answers(case: Any) -> None:
        headers = {"Authorization": f"Bearer {bearer(demo, operation)}"}
        case.call_and_validate(base_url=demo.url("enrollment", ""), headers=headers, checks=CHECKS)

    answers()
