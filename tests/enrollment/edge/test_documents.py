"""The published description: made from the tables, whole, and without a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from enrollment.edge import documents
from schemas.enrollment_api import ROUTES
from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.api import Api


async def test_the_document_is_public(api: Api) -> None:
    async with api.session.get(f"{api.url}/v1/openapi.json") as response:
        shown = await response.json()

    assert response.status == 200
    assert shown == documents.openapi()
    assert shown["openapi"] == "3.1.0"


async def test_the_page_is_public_and_has_no_script(api: Api) -> None:
    async with api.session.get(f"{api.url}/docs") as response:
        page = await response.text()

    assert response.status == 200
    assert "<script" not in page
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert all(f"{route.method} {route.path}" in page for route in ROUTES)


def test_every_reference_leads_somewhere() -> None:
    shown = documents.openapi()
    text = json.dumps(shown)
    schemas = shown["components"]["schemas"]  # type: ignore[index]

    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(schemas)


async def test_an_answer_has_the_members_its_schema_names(api: Api) -> None:
    client = await people.make_client(people.hands(api.conn, api.keys, api.clock.now))
    shown = documents.openapi()["components"]["schemas"]  # type: ignore[index]
    person = await api.call(
        "PUT", "/v1/persons/p1", {"identifier": people.PESELS[1], "phone": people.PHONE}
    )
    card = await api.call("GET", f"/v1/cards/{client.card_id}")
    limits = await api.call("GET", f"/v1/accounts/{client.account_id}/limits")
    own = await api.call("GET", "/v1/me/cards", by="portal", person=client.person_id)
    refused = await api.call("PUT", "/v1/persons/p1", {})

    for name, body in (
        ("Person", person.body),
        ("CardWithLimits", card.body),
        ("AccountLimits", limits.body),
        ("OwnCards", own.body),
        ("Problem", refused.body),
    ):
        assert set(body) == set(shown[name]["properties"]), name
