"""A counter's look-up over HTTP: masked, audited, with what is needed to go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.api import Api


async def test_a_person_is_found_with_accounts_and_cards(api: Api) -> None:
    client = await people.make_client(people.hands(api.conn, api.keys, api.clock.now))
    found = await api.call("GET", "/v1/persons/p1")

    assert found.status == 200
    assert found.body["person_id"] == str(client.person_id)
    assert found.body["phone_mask"] == "+48 *** *** 761"
    assert found.body["block"] is None
    assert [(one["ref"], one["role"]) for one in found.body["accounts"]] == [("a1", "owner")]
    assert [(one["ref"], one["last4"]) for one in found.body["cards"]] == [
        ("c1", people.pan(1)[-4:])
    ]


async def test_nothing_is_shown_in_clear(api: Api) -> None:
    await people.make_client(people.hands(api.conn, api.keys, api.clock.now))
    text = json.dumps((await api.call("GET", "/v1/persons/p1")).body)

    for number in (people.pan(1), people.PESELS[1], people.PHONE):
        assert number not in text


async def test_a_block_in_force_is_shown(api: Api) -> None:
    client = await people.make_client(people.hands(api.conn, api.keys, api.clock.now))
    await api.conn.execute(
        "INSERT INTO enrollment.sca_state (person_id, failures, block_kind, updated_at)"
        " VALUES ($1, 5, 'sca_perm', $2)", client.person_id, api.clock.now,
    )  # fmt: skip
    found = await api.call("GET", "/v1/persons/p1")

    assert found.body["block"] == {"kind": "sca_perm", "until": None}


async def test_every_search_is_audited_also_one_that_finds_nobody(api: Api) -> None:
    await people.make_client(people.hands(api.conn, api.keys, api.clock.now))
    await api.call("GET", "/v1/persons/p1")
    missing = await api.call("GET", "/v1/persons/p9")
    rows = await api.conn.fetch("SELECT outcome FROM audit.event WHERE name = 'staff.search'")

    assert missing.status == 404
    assert [row["outcome"] for row in rows] == ["ok", "not_found"]


async def test_a_search_by_a_number_is_refused(api: Api) -> None:
    refused = await api.call("GET", f"/v1/persons/{people.pan(1)}")

    assert (refused.status, refused.code) == (422, "personal_data")
