"""Branch and core banking over HTTP: persons, accounts, cards, limits, blocks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from enrollment import flows
from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.api import Api, Reply

PERSON = {"identifier": people.PESELS[1], "phone": people.PHONE, "language": "en"}


async def put_person(api: Api, ref: str = "p1", **changes: Any) -> Reply:
    return await api.call("PUT", f"/v1/persons/{ref}", {**PERSON, **changes})


async def put_account(api: Api, person_id: str, ref: str = "a1", **changes: Any) -> Reply:
    body = {"currency": "PLN", "people": [{"person_id": person_id, "role": "owner"}], **changes}
    return await api.call("PUT", f"/v1/accounts/{ref}", body)


async def put_card(
    api: Api, person_id: str, account_id: str, ref: str = "c1", /, **changes: Any
) -> Reply:
    body = {
        "pan": people.pan(1), "exp": "2912", "product": "classic",
        "person_id": person_id, "account_id": account_id, **changes,
    }  # fmt: skip
    return await api.call("PUT", f"/v1/cards/{ref}", body)


async def make(api: Api) -> tuple[str, str, str]:
    """Make a person, an account and a card; give their ids."""
    person_id = (await put_person(api)).body["person_id"]
    account_id = (await put_account(api, person_id)).body["account_id"]
    card_id = (await put_card(api, person_id, account_id)).body["card_id"]
    return person_id, account_id, card_id


async def test_a_person_is_made_and_then_found(api: Api) -> None:
    made = await put_person(api)
    again = await put_person(api)

    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    assert made.headers["ETag"] == again.headers["ETag"] == '"1"'
    UUID(made.body.pop("person_id"))
    assert made.body == {
        "ref": "p1", "kind": "natural", "status": "known", "language": "en",
        "phone_mask": "+48 *** *** 761", "minor": False, "minor_allowed": False,
    }  # fmt: skip


async def test_what_the_bank_does_not_say_of_a_person_stays(api: Api) -> None:
    """The language is the client's own choice, too: no file without one takes it back."""
    made = await put_person(api, language="uk", kind="corporate_user")
    again = await api.call("PUT", "/v1/persons/p1", {"identifier": people.PESELS[1]})
    new = await api.call("PUT", "/v1/persons/p2", {"identifier": people.PESELS[2]})

    assert again.body == made.body
    assert again.headers["ETag"] == '"1"'
    assert (new.body["language"], new.body["kind"]) == ("pl", "natural")


async def test_an_identifier_belongs_to_one_person(api: Api) -> None:
    await put_person(api)
    other = await put_person(api, "p2")

    assert (other.status, other.code, other.field) == (409, "identifier_taken", "identifier")


async def test_a_nonresident_may_get_a_pesel(api: Api) -> None:
    first = await put_person(api, identifier="AB1234567897")
    second = await put_person(api)

    assert first.body["person_id"] == second.body["person_id"]
    kinds = await api.conn.fetch("SELECT id_kind FROM enrollment.person_identifier ORDER BY 1")
    assert [row["id_kind"] for row in kinds] == ["nonresident", "pesel"]


async def test_a_corrected_pesel_frees_the_old_one(api: Api) -> None:
    await put_person(api)
    await put_person(api, identifier=people.PESELS[0])

    assert (await put_person(api, "p2")).status == 201


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"identifier": "44051401358"}, "identifier_check_digit", "identifier"),
        ({"identifier": "26222900016"}, "identifier_date", "identifier"),
        ({"identifier": "hello"}, "identifier_format", "identifier"),
        ({"phone": "600700761"}, "phone_invalid", "phone"),
        ({"phone": "+48221234567"}, "phone_not_mobile", "phone"),
        ({"phone": "+4915112345678"}, "phone_country_not_allowed", "phone"),
    ],
)
async def test_what_cannot_be_right_of_a_person_is_named(
    api: Api, changes: dict[str, str], code: str, field: str
) -> None:
    refused = await put_person(api, **changes)

    assert (refused.status, refused.code, refused.field) == (422, code, field)


async def test_a_phone_is_shared_by_three_persons_at_most(api: Api) -> None:
    statuses = [
        (await put_person(api, f"p{number}", identifier=pesel)).status
        for number, pesel in enumerate(people.PESELS)
    ]

    assert statuses == [201, 201, 201, 409]


async def test_another_phone_in_an_upsert_takes_the_scope_for_phones(api: Api) -> None:
    await put_person(api)
    body = {**PERSON, "phone": "+48601111222"}
    poor = await api.call("PUT", "/v1/persons/p1", body, claims={"scope": "person:write"})
    rich = await api.call("PUT", "/v1/persons/p1", body)

    assert (poor.status, poor.body["error"]["scope"]) == (403, "phone:write")
    assert rich.body["phone_mask"] == "+48 *** *** 222"


async def test_a_branch_changes_a_phone(api: Api) -> None:
    person_id = (await put_person(api)).body["person_id"]
    changed = await api.call(
        "PUT", f"/v1/persons/{person_id}/phone", {"phone": "+48601111222", "source": "branch"}
    )
    same = await api.call("PUT", f"/v1/persons/{person_id}/phone", {"phone": "+48601111222"})

    assert (changed.status, changed.body["phone_mask"]) == (200, "+48 *** *** 222")
    assert changed.headers["ETag"] == same.headers["ETag"] == '"2"'


async def test_an_account_is_made_and_brought_up_to_date(api: Api) -> None:
    person_id = (await put_person(api)).body["person_id"]
    made = await put_account(api, person_id)
    again = await put_account(api, person_id)
    closed = await put_account(api, person_id, status="closed")

    assert [made.status, again.status, closed.status] == [201, 200, 200]
    assert made.body["people"] == [{"person_id": person_id, "role": "owner"}]
    assert (made.body["currency"], closed.body["status"]) == ("PLN", "closed")
    assert [one.headers["ETag"] for one in (made, again, closed)] == ['"1"', '"1"', '"2"']


async def test_an_account_of_which_no_status_is_told_stays_closed(api: Api) -> None:
    person_id, account_id, _ = await make(api)
    await put_account(api, person_id, status="closed")
    role = {"person_id": person_id, "role": "co_owner"}
    replies = [await put_account(api, person_id), await put_account(api, person_id, people=[role])]

    assert [one.body["status"] for one in replies] == ["closed", "closed"]
    assert replies[0].body["account_id"] == account_id
    assert (await put_account(api, person_id, status="active")).body["status"] == "active"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"currency": "XAU"}, 422, "currency_unknown"),
        ({"currency": "EUR"}, 409, "currency_fixed"),
        ({"people": [{"person_id": str(uuid4()), "role": "owner"}]}, 422, "person_unknown"),
        ({"people": []}, 400, "bad_length"),
    ],
)
async def test_what_cannot_be_right_of_an_account_is_named(
    api: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    person_id = (await put_person(api)).body["person_id"]
    await put_account(api, person_id)
    refused = await put_account(api, person_id, **changes)

    assert (refused.status, refused.code) == (status, code)


async def test_one_person_has_one_role_at_an_account(api: Api) -> None:
    person_id = (await put_person(api)).body["person_id"]
    twice = [{"person_id": person_id, "role": role} for role in ("owner", "proxy")]

    assert (await put_account(api, person_id, people=twice)).code == "person_twice"


async def test_a_card_is_made_and_shown_without_its_number(api: Api) -> None:
    person_id, account_id, card_id = await make(api)
    shown = await api.call("GET", f"/v1/cards/{card_id}")

    assert shown.status == 200
    assert {name: shown.body[name] for name in ("last4", "exp", "status", "product", "ref")} == {
        "last4": people.pan(1)[-4:], "exp": "2912", "status": "active", "product": "classic",
        "ref": "c1",
    }  # fmt: skip
    assert (shown.body["person_id"], shown.body["account_id"]) == (person_id, account_id)
    assert shown.body["threeds"] == {"state": "none", "reason": None}
    assert people.pan(1) not in str(shown)


async def test_a_renewed_card_keeps_the_earlier_expiry_for_its_month(api: Api) -> None:
    person_id, account_id, card_id = await make(api)
    renewed = await put_card(api, person_id, account_id, exp="3412")

    assert (renewed.status, renewed.body["card_id"], renewed.body["exp"]) == (200, card_id, "3412")
    row = await api.conn.fetchrow("SELECT expiry, previous_expiry FROM enrollment.card")
    assert tuple(row) == ("3412", "2912")


async def test_a_new_expiry_ends_the_status_expired(api: Api) -> None:
    person_id, account_id, card_id = await make(api)
    await api.call("POST", f"/v1/cards/{card_id}/status", {"status": "expired"})
    renewed = await put_card(api, person_id, account_id, exp="3412")

    assert renewed.body["status"] == "active"


@pytest.mark.parametrize(
    ("ref", "changes", "status", "code"),
    [
        ("c2", {"pan": people.pan(2)[:-1] + "0"}, 422, "luhn"),
        ("c2", {"pan": "5555555555554444"}, 422, "unknown_range"),
        ("c2", {}, 409, "other_reference"),
        ("c1", {"pan": people.pan(2)}, 409, "pan_fixed"),
        ("c2", {"account_id": str(uuid4())}, 422, "account_unknown"),
        ("c2", {"person_id": str(uuid4())}, 422, "person_unknown"),
        ("c2", {"exp": "2913"}, 400, "bad_format"),
        ("c2", {"pan": "4000 0010 0000 0018"}, 400, "bad_format"),
    ],
)
async def test_what_cannot_be_right_of_a_card_is_named(
    api: Api, ref: str, changes: dict[str, str], status: int, code: str
) -> None:
    person_id, account_id, _ = await make(api)
    refused = await put_card(api, person_id, account_id, ref, **changes)

    assert (refused.status, refused.code) == (status, code)


@pytest.mark.parametrize("ref", ["c1", "c2"])
async def test_a_card_never_changes_its_holder(api: Api, ref: str) -> None:
    _, account_id, _ = await make(api)
    other = (await put_person(api, "p2", identifier=people.PESELS[0])).body["person_id"]
    refused = await put_card(api, other, account_id, ref)

    assert (refused.status, refused.code) == (409, "other_holder")


async def test_a_file_sent_in_parallel_makes_each_thing_once(api: Api) -> None:
    person_id = (await put_person(api)).body["person_id"]
    account_id = (await put_account(api, person_id)).body["account_id"]
    replies = await asyncio.gather(*(put_card(api, person_id, account_id) for _ in range(8)))

    assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
    assert len({reply.body["card_id"] for reply in replies}) == 1


async def test_one_identifier_in_parallel_makes_one_person(api: Api) -> None:
    replies = await asyncio.gather(*(put_person(api, f"p{number}") for number in range(8)))

    assert sorted(reply.status for reply in replies) == [201] + [409] * 7


async def test_the_host_says_what_becomes_of_a_card(api: Api) -> None:
    _, _, card_id = await make(api)
    path = f"/v1/cards/{card_id}/status"
    blocked = await api.call("POST", path, {"status": "blocked_temp", "reason": "lost?"})
    same = await api.call("POST", path, {"status": "blocked_temp"})
    stolen = await api.call("POST", path, {"status": "blocked_stolen"})
    back = await api.call("POST", path, {"status": "active"})

    assert [one.status for one in (blocked, same, stolen, back)] == [200, 200, 200, 409]
    assert stolen.body["threeds"] == {"state": "removed", "reason": "card_stolen"}
    assert back.code == "illegal_transition"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"status": "replaced", "replaced_by": str(uuid4())}, "replacement_unknown"),
        ({"status": "closed", "replaced_by": str(uuid4())}, "replacement_not_allowed"),
        ({"status": "closed", "effective": "2026-06-17T10:00:06Z"}, "effective_in_future"),
    ],
)
async def test_what_cannot_be_right_of_a_status_is_named(
    api: Api, body: dict[str, str], code: str
) -> None:
    _, _, card_id = await make(api)
    refused = await api.call("POST", f"/v1/cards/{card_id}/status", body)

    assert (refused.status, refused.code) == (422, code)


async def test_a_portal_changes_no_phone_as_a_branch_does(api: Api) -> None:
    """Secret: its key would change anybody's phone at once, without a code on the old one."""
    person_id, _, _ = await make(api)
    path, body = f"/v1/persons/{person_id}/phone", {"phone": "+48601700762"}
    refused = [
        await api.call("PUT", path, body, by="portal", claims={"scope": scope})
        for scope in ("phone:write", "phone:write portal")
    ]
    person = await api.call("GET", "/v1/persons/p1")

    assert [(one.status, one.code) for one in refused] == [(403, "not_for_portal")] * 2
    assert person.body["phone_mask"] == "+48 *** *** 761"
    assert (await api.call("PUT", path, body)).status == 200
    denied = await api.conn.fetchval("SELECT outcome FROM audit.event WHERE name = 'api.denied'")
    assert denied == "not_for_portal"


async def test_limits_of_an_account_are_set_and_shown(api: Api) -> None:
    _, account_id, _ = await make(api)
    path = f"/v1/accounts/{account_id}/limits"
    unset = await api.call("GET", path)
    put = await api.call("PUT", path, {"per_tx": 10_000, "count_day": 0})
    shown = await api.call("GET", path)

    assert set(unset.body["limits"].values()) == {None}
    assert put.body == shown.body
    assert shown.body["limits"] == {
        "per_tx": 10_000, "per_day": None, "per_month": None, "count_day": 0, "count_month": None,
    }  # fmt: skip
    assert (unset.headers["ETag"], shown.headers["ETag"]) == ('"0"', '"1"')


async def test_a_branch_takes_away_what_the_client_lowered(api: Api) -> None:
    person_id, _, card_id = await make(api)
    await api.call("PUT", f"/v1/cards/{card_id}/limits", {"per_tx": 700})
    step_up = await api.step_up(UUID(person_id), "limits.lower", card_id=card_id, per_tx=0)
    await api.call(
        "PUT", f"/v1/me/cards/{card_id}/limits", {"per_tx": 0, "step_up": step_up},
        by="portal", person=UUID(person_id),
    )  # fmt: skip
    raised = await api.call("PUT", f"/v1/cards/{card_id}/limits", {"per_tx": 900})
    lifted = await api.call("DELETE", f"/v1/cards/{card_id}/limits/client")
    again = await api.call("DELETE", f"/v1/cards/{card_id}/limits/client")

    assert raised.body["effective"]["per_tx"] == 0
    assert (lifted.status, lifted.body["effective"]["per_tx"]) == (200, 900)
    assert set(lifted.body["client"].values()) == {None}
    assert (again.body, again.headers["ETag"]) == (lifted.body, lifted.headers["ETag"])
    told = [name for name in await people.events(api.conn) if name.startswith("limit.")]
    assert told == ["limit.set", "limit.set", "limit.raised", "limit.raised"]


async def test_what_no_client_lowered_is_not_taken_away(api: Api) -> None:
    _, _, card_id = await make(api)
    lifted = await api.call("DELETE", f"/v1/cards/{card_id}/limits/client")

    assert (lifted.status, lifted.headers["ETag"]) == (200, '"0"')
    assert not [name for name in await people.events(api.conn) if name.startswith("limit.")]


async def test_limits_of_a_card_are_changed_by_the_tag_they_are_read_with(api: Api) -> None:
    _, _, card_id = await make(api)
    path = f"/v1/cards/{card_id}/limits"
    read = await api.call("GET", path)
    tag = {"If-Match": read.headers["ETag"]}
    first = await api.call("PUT", path, {"per_tx": 700}, headers=tag)
    late = await api.call("PUT", path, {"per_tx": 900}, headers=tag)
    shown = await api.call("GET", path)

    assert (read.status, first.status, late.status) == (200, 200, 412)
    assert (shown.body, shown.headers["ETag"]) == (first.body, first.headers["ETag"])


async def test_limits_of_a_card_are_the_least_of_all_levels(api: Api) -> None:
    _, account_id, card_id = await make(api)
    await api.call("PUT", f"/v1/accounts/{account_id}/limits", {"per_tx": 500, "per_day": 900})
    put = await api.call("PUT", f"/v1/cards/{card_id}/limits", {"per_tx": 700, "per_day": 800})

    assert put.body["branch"]["per_tx"] == 700
    assert (put.body["effective"]["per_tx"], put.body["effective"]["per_day"]) == (500, 800)


async def test_a_block_is_lifted_by_the_branch(api: Api) -> None:
    person_id, _, _ = await make(api)
    for _ in range(5):
        await flows.begin_attempt(people.hands(api.conn, api.keys, api.clock.now), UUID(person_id))
    await flows.attempt_failed(people.hands(api.conn, api.keys, api.clock.now), UUID(person_id))
    path = f"/v1/persons/{person_id}/unblock"
    body = {"kind": "sca_temp", "reason": "called", "staff_id": "s1"}

    lifted = await api.call("POST", path, body)
    again = await api.call("POST", path, body)

    assert lifted.status == 200
    assert (again.status, again.code) == (409, "no_such_block")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/cards/{}", None),
        ("POST", "/v1/cards/{}/status", {"status": "closed"}),
        ("PUT", "/v1/cards/{}/limits", {}),
        ("GET", "/v1/cards/{}/limits", None),
        ("DELETE", "/v1/cards/{}/limits/client", None),
        ("GET", "/v1/accounts/{}/limits", None),
        ("PUT", "/v1/accounts/{}/limits", {}),
        ("PUT", "/v1/persons/{}/phone", {"phone": people.PHONE}),
        ("POST", "/v1/persons/{}/unblock", {"kind": "manual", "reason": "r", "staff_id": "s"}),
    ],
)
async def test_what_is_not_there_is_not_found(
    api: Api, method: str, path: str, body: dict[str, str] | None
) -> None:
    statuses = {
        (await api.call(method, path.format(key), body)).status for key in (uuid4(), "x", "%00")
    }

    assert statuses == {404}
