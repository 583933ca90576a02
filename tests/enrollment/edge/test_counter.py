"""The counter's routes over HTTP: signatures, and members of staff whom the token names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.api import Api, Reply

ACT = {"reason": "id shown", "staff_id": "a.lis"}


async def make(api: Api, *, blocked: bool = False) -> str:
    made = await api.call(
        "PUT", "/v1/persons/p1", {"identifier": people.PESELS[1], "phone": people.PHONE}
    )
    person_id: str = made.body["person_id"]
    if blocked:
        await api.conn.execute(
            "INSERT INTO enrollment.sca_state (person_id, failures, block_kind, updated_at)"
            " VALUES ($1, 5, 'sca_perm', $2)",
            person_id,
            api.clock.now,
        )
    return person_id


async def unblock(api: Api, person_id: str, staff: str, **more: Any) -> Reply:
    body = {"kind": "sca_perm", "reason": "id shown", "staff_id": staff}
    return await api.call("POST", f"/v1/persons/{person_id}/unblock", body, **more)


async def test_a_permanent_block_takes_a_call_of_each_of_two(api: Api) -> None:
    person_id = await make(api, blocked=True)
    alone = await unblock(api, person_id, "a.lis")
    same = await unblock(api, person_id, "a.lis")
    other = await unblock(api, person_id, "k.nowak")

    assert [(one.status, one.code) for one in (alone, same)] == [(403, "dual_control_needed")] * 2
    assert (other.status, other.body["person_id"]) == (200, person_id)


async def test_no_number_that_a_reason_names_is_kept(api: Api) -> None:
    person_id = await make(api, blocked=True)
    named = {"reason": f"rang from {people.PHONE}, lost {people.pan(1)}", "staff_id": "a.lis"}
    await api.call("POST", f"/v1/persons/{person_id}/unblock", {"kind": "sca_perm", **named})
    await api.call("POST", f"/v1/persons/{person_id}/close", named)
    kept = await api.conn.fetch(
        "SELECT details->>'reason' FROM audit.event WHERE details ? 'reason'"
        " UNION ALL SELECT reason FROM enrollment.unblock_request"
    )

    lost = f"{'*' * 13}{people.pan(1)[-3:]}"
    assert [row[0] for row in kept] == [f"rang from +********761, lost {lost}"] * 3


async def test_a_key_that_was_refused_for_want_of_a_second_may_be_used_again(api: Api) -> None:
    person_id = await make(api, blocked=True)
    key = {"Idempotency-Key": "counter-1"}
    await unblock(api, person_id, "a.lis", headers=key)

    assert (await unblock(api, person_id, "k.nowak", headers=key)).status == 200


async def test_one_body_cannot_name_two_members_of_staff(api: Api) -> None:
    person_id = await make(api, blocked=True)
    body = {"kind": "sca_perm", **ACT, "second_staff_id": "k.nowak"}
    refused = await api.call("POST", f"/v1/persons/{person_id}/unblock", body)

    assert (refused.status, refused.code) == (400, "unknown_field")


async def test_a_token_that_names_staff_signs_for_nobody_else(api: Api) -> None:
    person_id = await make(api, blocked=True)
    claims = {"act": {"staff_id": "a.lis", "channel": "branch"}}
    own = await unblock(api, person_id, "a.lis", claims=claims)
    foreign = await unblock(api, person_id, "k.nowak", claims=claims)

    assert (own.status, own.code) == (403, "dual_control_needed")
    assert (foreign.status, foreign.code) == (403, "other_staff")


@pytest.mark.parametrize(
    "act",
    [
        {}, {"staff_id": 7}, {"staff_id": ""}, {"staff_id": "a b"}, {"staff_id": "a" * 65},
        {"staff_id": "a", "channel": 1}, {"staff_id": "a", "person_id": "x"},
    ],
)  # fmt: skip
async def test_a_token_that_names_staff_badly_is_denied(api: Api, act: dict[str, object]) -> None:
    refused = await api.call("POST", f"/v1/persons/{uuid4()}/reset", ACT, claims={"act": act})

    assert (refused.status, refused.code) == (401, "unauthorized")


@pytest.mark.parametrize("what", ["reset", "close"])
async def test_an_access_is_taken_by_the_bank_only(api: Api, what: str) -> None:
    person_id = await make(api)
    path = f"/v1/persons/{person_id}/{what}"
    by_portal = await api.call("POST", path, ACT, by="portal")
    by_bank = await api.call("POST", path, ACT)
    unnamed = await api.call("POST", path, {"reason": "r"})
    nobody = await api.call("POST", f"/v1/persons/{uuid4()}/{what}", ACT)

    assert (by_portal.status, by_portal.code) == (403, "scope_missing")
    assert (by_bank.status, by_bank.body["status"]) == (
        200, "known" if what == "reset" else "closed",
    )  # fmt: skip
    assert (unnamed.status, unnamed.field) == (400, "staff_id")
    assert nobody.status == 404


async def test_a_closed_client_is_refused_a_reset(api: Api) -> None:
    person_id = await make(api)
    await api.call("POST", f"/v1/persons/{person_id}/close", ACT)
    refused = await api.call("POST", f"/v1/persons/{person_id}/reset", ACT)

    assert (refused.status, refused.code) == (409, "person_closed")


async def test_the_member_of_staff_in_a_token_is_in_the_audit_log(api: Api) -> None:
    person_id = await make(api)
    claims = {"act": {"staff_id": "z.wilk", "channel": "branch"}}
    await api.call("POST", f"/v1/persons/{person_id}/activation-codes", claims=claims)

    row = await api.conn.fetchrow(
        "SELECT details->>'staff' AS staff FROM audit.event WHERE name = 'activation.issued'"
    )
    assert row["staff"] == "z.wilk"
