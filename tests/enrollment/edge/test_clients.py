"""The card portal over HTTP: from consent to an active card, and nobody else's card."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from enrollment import flows
from tests.enrollment import people
from tests.otp.fakes import sms_text

if TYPE_CHECKING:
    from tests.enrollment.api import Api, Reply
    from tests.enrollment.people import Client

SAID = {"code": "sms_3ds", "version": 1, "language": "pl", "accepted": True}


@pytest.fixture
async def client(api: Api) -> Client:
    """A client with a card, before the first visit to the portal."""
    return await people.make_client(people.hands(api.conn, api.keys, api.clock.now))


async def me(
    api: Api, client: Client, method: str, path: str, body: object = None, **more: Any
) -> Reply:
    """Call as the portal on behalf of the client."""
    return await api.call(
        method, f"/v1/me{path}", body, by="portal", person=client.person_id, **more
    )


async def consent(api: Api, client: Client, **changes: Any) -> Reply:
    return await me(api, client, "POST", "/consents", {"consents": [{**SAID, **changes}]})


async def set_pin(api: Api, client: Client, pin: str = people.PIN) -> Reply:
    step_up = await api.step_up(client.person_id, "pin.set")
    body = {"pin": pin, "repeat": pin, "step_up": step_up}
    return await me(api, client, "PUT", "/pin", body)


async def switch(api: Api, client: Client, wish: str = "activate") -> Reply:
    step_up = await api.step_up(client.person_id, f"threeds.{wish}", card_id=str(client.card_id))
    body = {"wish": wish, "step_up": step_up}
    return await me(api, client, "POST", f"/cards/{client.card_id}/threeds", body)


async def activate(api: Api, client: Client) -> Reply:
    await consent(api, client)
    await set_pin(api, client)
    return await switch(api, client)


async def test_from_consent_to_an_active_card(api: Api, client: Client) -> None:
    said = await consent(api, client)
    pin = await set_pin(api, client)
    on = await switch(api, client)
    listed = await me(api, client, "GET", "/cards")

    assert [said.status, pin.status, on.status, listed.status] == [201, 200, 200, 200]
    assert on.body["threeds"] == {"state": "active", "reason": None}
    (card,) = listed.body["cards"]
    assert card["threeds"] == {"state": "active", "reason": None}
    assert card["mask"] == f"**** **** **** {people.pan(1)[-4:]}"
    assert await people.events(api.conn) == [
        "person.created", "phone.changed", "account.upserted", "card.upserted",
        "consent.given", "step_up.sent", "pin.set", "registration.completed",
        "step_up.sent", "threeds.activated",
    ]  # fmt: skip


async def test_what_is_missing_is_listed(api: Api, client: Client) -> None:
    path = f"/cards/{client.card_id}/threeds"
    bare = await me(api, client, "POST", path, {"wish": "activate"})
    await consent(api, client)
    half = await me(api, client, "POST", path, {"wish": "activate"})

    assert (bare.status, bare.code) == (409, "missing")
    assert bare.body["error"]["missing"] == ["consent", "pin"]
    assert half.body["error"]["missing"] == ["pin"]


async def test_consents_show_the_words_that_are_asked_now(api: Api, client: Client) -> None:
    shown = await me(api, client, "GET", "/consents")

    assert shown.body["consents"] == []
    keys = {(text["code"], text["language"]) for text in shown.body["texts"]}
    languages = ("pl", "en", "de", "uk")
    assert keys == {(code, lang) for code in ("sms_3ds", "terms") for lang in languages}


async def test_a_consent_to_the_very_bytes_is_kept(api: Api, client: Client) -> None:
    shown = await me(api, client, "GET", "/consents")
    text = next(one for one in shown.body["texts"] if one["code"] == "sms_3ds")
    kept = await consent(api, client, language=text["language"], text_sha256=text["text_sha256"])
    again = await consent(api, client, language=text["language"], text_sha256=text["text_sha256"])

    assert kept.status == again.status == 201
    assert [one["act"] for one in kept.body["consents"]] == ["given"]
    stored = await api.conn.fetch("SELECT text_sha256 FROM enrollment.consent")
    assert [row["text_sha256"].hex() for row in stored] == [text["text_sha256"]]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"version": 2}, 409, "text_changed"),
        ({"text_sha256": "0" * 64}, 409, "text_changed"),
        ({"code": "tracking"}, 400, "not_in_list"),
        ({"accepted": "yes"}, 400, "wrong_type"),
    ],
)
async def test_another_text_than_the_current_one_is_refused(
    api: Api, client: Client, changes: dict[str, Any], status: int, code: str
) -> None:
    refused = await consent(api, client, **changes)

    assert (refused.status, refused.code) == (status, code)


async def test_a_consent_is_kept_with_where_it_was_given_and_who_took_it(
    api: Api, client: Client
) -> None:
    act = {"person_id": str(client.person_id), "staff_id": "k.nowak", "channel": "branch"}
    given = await api.call("POST", "/v1/me/consents", {"consents": [SAID]}, claims={"act": act})
    await me(api, client, "DELETE", "/consents/sms_3ds")

    assert given.status == 201
    rows = await api.conn.fetch(
        "SELECT act, channel, staff FROM enrollment.consent ORDER BY consent_id"
    )
    assert [tuple(row) for row in rows] == [
        ("given", "branch", "k.nowak"), ("withdrawn", "portal", None),
    ]  # fmt: skip


async def test_a_refused_consent_is_kept_as_such(api: Api, client: Client) -> None:
    refused = await consent(api, client, accepted=False)

    assert [one["act"] for one in refused.body["consents"]] == ["refused"]
    assert (await people.events(api.conn))[-1] == "consent.refused"


async def test_withdrawing_the_consent_suspends_at_once_until_the_client_acts(
    api: Api, client: Client
) -> None:
    await activate(api, client)
    gone = await me(api, client, "DELETE", "/consents/sms_3ds")
    suspended = await people.enrolment(api.conn, client.card_id)
    await consent(api, client)
    still = await people.enrolment(api.conn, client.card_id)
    back = await switch(api, client)

    assert (gone.status, gone.body["consents"][0]["act"]) == (200, "withdrawn")
    assert suspended == still == ("suspended", "consent_withdrawn")
    assert back.body["threeds"]["state"] == "active"


async def test_a_consent_that_was_not_given_cannot_be_withdrawn(api: Api, client: Client) -> None:
    refused = await me(api, client, "DELETE", "/consents/sms_3ds")
    unknown = await me(api, client, "DELETE", "/consents/tracking")

    assert (refused.status, refused.code) == (409, "consent_not_given")
    assert unknown.status == 404


@pytest.mark.parametrize(
    ("pin", "repeat", "code", "field"),
    [
        ("123", "123", "pin_length", "pin"),
        ("12a4", "12a4", "pin_length", "pin"),
        ("2846", "2847", "pin_mismatch", "repeat"),
        ("1111", "1111", "weak_pin", "pin"),
        ("0903", "0903", "weak_pin", "pin"),
        (people.pan(1)[-4:], people.pan(1)[-4:], "weak_pin", "pin"),
    ],
)
async def test_a_weak_pin_is_refused_before_a_code_is_spent(
    api: Api, client: Client, pin: str, repeat: str, code: str, field: str
) -> None:
    refused = await me(api, client, "PUT", "/pin", {"pin": pin, "repeat": repeat})

    assert (refused.status, refused.code, refused.field) == (422, code, field)


async def test_a_pin_is_changed_five_times_a_day(api: Api, client: Client) -> None:
    pins = ("2846", "7391", "8052", "6174", "9513", "3862")
    replies = []
    for pin in pins:
        replies.append(await set_pin(api, client, pin))
        api.clock.now += timedelta(minutes=1)
    api.clock.now += timedelta(days=1)
    next_day = await set_pin(api, client, "3862")

    assert [reply.status for reply in replies] == [200] * 5 + [429]
    assert int(replies[-1].headers["Retry-After"]) > 0
    assert next_day.status == 200
    names = [name for name in await people.events(api.conn) if name.startswith("pin.")]
    assert names == ["pin.set"] + ["pin.changed"] * 5


async def test_an_action_without_its_code_is_refused(api: Api, client: Client) -> None:
    refused = await me(api, client, "PUT", "/pin", {"pin": people.PIN, "repeat": people.PIN})

    assert (refused.status, refused.code) == (403, "step_up_required")


async def test_a_code_is_good_once_and_for_its_action_only(api: Api, client: Client) -> None:
    body: dict[str, Any] = {"pin": people.PIN, "repeat": people.PIN}
    off = await api.step_up(client.person_id, "threeds.deactivate", card_id=str(client.card_id))
    foreign = await me(api, client, "PUT", "/pin", {**body, "step_up": off})
    own = await api.step_up(client.person_id, "pin.set")
    first = await me(api, client, "PUT", "/pin", {**body, "step_up": own})
    second = await me(api, client, "PUT", "/pin", {**body, "step_up": own})

    assert [one.status for one in (foreign, first, second)] == [403, 200, 403]
    assert foreign.body == second.body


async def test_a_code_is_bound_to_the_parameters(api: Api, client: Client) -> None:
    step_up = await api.step_up(
        client.person_id, "limits.lower", card_id=str(client.card_id), per_tx=100
    )
    path = f"/cards/{client.card_id}/limits"
    other = await me(api, client, "PUT", path, {"per_tx": 101, "step_up": step_up})
    same = await me(api, client, "PUT", path, {"per_tx": 100, "step_up": step_up})

    assert (other.status, other.code) == (403, "step_up_invalid")
    assert (same.status, same.body["client"]["per_tx"]) == (200, 100)


async def test_wrong_codes_run_out(api: Api, client: Client) -> None:
    step_up = await api.step_up(client.person_id, "pin.set")
    right = step_up["code"]
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    body: dict[str, Any] = {"pin": people.PIN, "repeat": people.PIN}
    for _ in range(3):
        await me(api, client, "PUT", "/pin", {**body, "step_up": {**step_up, "code": wrong}})
    late = await me(api, client, "PUT", "/pin", {**body, "step_up": step_up})

    assert (late.status, late.code) == (403, "step_up_invalid")


async def test_fifty_parallel_posts_of_the_right_code_act_once(api: Api, client: Client) -> None:
    step_up = await api.step_up(client.person_id, "pin.set")
    body = {"pin": people.PIN, "repeat": people.PIN, "step_up": step_up}
    replies = await asyncio.gather(*(me(api, client, "PUT", "/pin", body) for _ in range(50)))

    assert sorted(reply.status for reply in replies) == [200] + [403] * 49
    assert (await people.events(api.conn)).count("pin.set") == 1


async def test_a_code_is_void_when_the_phone_changed(api: Api, client: Client) -> None:
    step_up = await api.step_up(client.person_id, "pin.set")
    await api.call("PUT", f"/v1/persons/{client.person_id}/phone", {"phone": "+48601111222"})
    body = {"pin": people.PIN, "repeat": people.PIN, "step_up": step_up}

    assert (await me(api, client, "PUT", "/pin", body)).code == "step_up_invalid"


async def test_codes_are_sent_ten_times_a_day(api: Api, client: Client) -> None:
    body = {"action": "pin.set"}
    statuses = []
    for _ in range(11):
        statuses.append((await me(api, client, "POST", "/step-ups", body)).status)
        api.clock.now += timedelta(minutes=1)

    assert statuses == [202] * 10 + [429]


async def test_the_message_says_what_is_changed_in_the_clients_language(
    api: Api, client: Client
) -> None:
    card_id = str(client.card_id)
    asked = await me(
        api, client, "POST", "/step-ups",
        {"action": "threeds.activate", "parameters": {"card_id": card_id}},
    )  # fmt: skip
    text = await sms_text(api.conn, api.keys, api.sent[-1])

    assert asked.body["phone_mask"] == "+48 *** *** 761"
    assert f"3-D Secure dla karty *{people.pan(1)[-4:]}" in text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "threeds.activate"}, 422, "step_up_parameters"),
        ({"action": "pin.set", "parameters": {"card_id": str(uuid4())}}, 422, "step_up_parameters"),
        ({"action": "limits.lower", "parameters": {"per_tx": 1}}, 422, "step_up_parameters"),
        ({"action": "threeds.activate", "parameters": {"card_id": str(uuid4())}}, 404, "not_found"),
        (
            {"action": "threeds.activate", "parameters": {"card_id": str(uuid4()), "per_tx": 1}},
            422,
            "step_up_parameters",
        ),
        ({"action": "transfer"}, 400, "not_in_list"),
    ],
)
async def test_a_code_is_sent_for_a_whole_action_only(
    api: Api, client: Client, body: dict[str, Any], status: int, code: str
) -> None:
    refused = await me(api, client, "POST", "/step-ups", body)

    assert (refused.status, refused.code) == (status, code)
    assert api.sent == []


async def test_a_code_takes_the_scope_of_its_action(api: Api, client: Client) -> None:
    refused = await api.call(
        "POST", "/v1/me/step-ups", {"action": "pin.set"}, by="portal",
        person=client.person_id, claims={"scope": "threeds:write"},
    )  # fmt: skip

    assert (refused.status, refused.body["error"]["scope"]) == (403, "pin:write")


async def test_a_blocked_person_gets_no_code(api: Api, client: Client) -> None:
    for _ in range(5):
        await flows.begin_attempt(people.hands(api.conn, api.keys, api.clock.now), client.person_id)
    await flows.attempt_failed(people.hands(api.conn, api.keys, api.clock.now), client.person_id)
    refused = await me(api, client, "POST", "/step-ups", {"action": "pin.set"})

    assert (refused.status, refused.code) == (423, "locked")
    assert api.sent == []


async def test_a_client_lowers_limits_and_raises_nothing(api: Api, client: Client) -> None:
    await api.call(
        "PUT", f"/v1/accounts/{client.account_id}/limits", {"per_tx": 1000, "per_day": 0}
    )
    path = f"/cards/{client.card_id}/limits"
    above = await me(api, client, "PUT", path, {"per_tx": 1001})
    step_up = await api.step_up(
        client.person_id, "limits.lower", card_id=str(client.card_id), per_tx=400
    )
    lowered = await me(api, client, "PUT", path, {"per_tx": 400, "step_up": step_up})
    raised = await me(api, client, "PUT", path, {"per_tx": 401})
    cleared = await me(api, client, "PUT", path, {})

    assert [one.status for one in (above, lowered, raised, cleared)] == [403, 200, 403, 403]
    assert {one.code for one in (above, raised, cleared)} == {"raise_in_branch"}
    assert raised.field == "per_tx"
    assert (await people.events(api.conn))[-1] == "limit.refused"


async def test_a_client_reads_the_tag_of_own_limits_and_of_no_others(
    api: Api, client: Client
) -> None:
    path = f"/cards/{client.card_id}/limits"
    branch = await api.call("PUT", f"/v1{path}", {"per_tx": 900})
    read = await me(api, client, "GET", path)
    bank = people.hands(api.conn, api.keys, api.clock.now)
    other = await people.make_client(bank, number=2, pesel=people.PESELS[2])
    refused = await me(api, other, "GET", path)
    unknown = await me(api, client, "GET", f"/cards/{uuid4()}/limits")

    assert (read.status, read.body, read.headers["ETag"]) == (200, branch.body, '"1"')
    assert (refused.status, refused.body) == (unknown.status, unknown.body)
    assert refused.status == 404


async def test_limits_that_changed_since_they_were_read_are_not_lowered(
    api: Api, client: Client
) -> None:
    path, wanted = f"/cards/{client.card_id}/limits", {"per_tx": 400}
    step_up = await api.step_up(
        client.person_id, "limits.lower", card_id=str(client.card_id), **wanted
    )
    branch = await api.call("PUT", f"/v1/cards/{client.card_id}/limits", {"per_tx": 900})
    body: dict[str, Any] = {**wanted, "step_up": step_up}
    late = await me(api, client, "PUT", path, body, headers={"If-Match": '"0"'})
    done = await me(api, client, "PUT", path, body, headers={"If-Match": branch.headers["ETag"]})

    assert (late.status, late.code, done.status) == (412, "version_changed", 200)


async def test_what_the_client_switched_off_no_file_switches_on(api: Api, client: Client) -> None:
    await activate(api, client)
    off = await switch(api, client, "deactivate")
    body = {
        "pan": people.pan(1), "exp": "3412", "product": "gold",
        "person_id": str(client.person_id), "account_id": str(client.account_id),
    }  # fmt: skip
    await api.call("PUT", "/v1/cards/c1", body)
    await api.call("POST", f"/v1/cards/{client.card_id}/status", {"status": "blocked_temp"})
    await api.call("POST", f"/v1/cards/{client.card_id}/status", {"status": "active"})

    assert off.body["threeds"] == {"state": "suspended", "reason": "client_off"}
    assert await people.enrolment(api.conn, client.card_id) == ("suspended", "client_off")


async def test_a_replacing_card_takes_over_threeds_and_limits(api: Api, client: Client) -> None:
    await activate(api, client)
    await api.call("PUT", f"/v1/cards/{client.card_id}/limits", {"per_tx": 777})
    work = people.hands(api.conn, api.keys, api.clock.now)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    body = {"status": "replaced", "replaced_by": str(new)}
    await api.call("POST", f"/v1/cards/{client.card_id}/status", body)
    shown = await api.call("GET", f"/v1/cards/{new}")

    assert await people.enrolment(api.conn, client.card_id) == ("removed", "card_replaced")
    assert shown.body["threeds"]["state"] == "active"
    assert shown.body["limits"]["branch"]["per_tx"] == 777


async def test_two_clients_see_nothing_of_each_other(api: Api, client: Client) -> None:
    work = people.hands(api.conn, api.keys, api.clock.now)
    other = await people.make_client(work, number=2, pesel=people.PESELS[0])
    card = client.card_id
    limits = {"card_id": str(card), "per_tx": 1}
    proof = {"id": str(uuid4()), "code": "123456"}
    replies = [
        await me(api, other, "POST", f"/cards/{card}/threeds", {"wish": "activate"}),
        await me(api, other, "POST", f"/cards/{card}/threeds",
                 {"wish": "deactivate", "step_up": proof}),
        await me(api, other, "PUT", f"/cards/{card}/limits", {"per_tx": 1, "step_up": proof}),
        await me(api, other, "POST", "/step-ups",
                 {"action": "threeds.activate", "parameters": {"card_id": str(card)}}),
        await me(api, other, "POST", "/step-ups",
                 {"action": "limits.lower", "parameters": limits}),
    ]  # fmt: skip
    listed = await me(api, other, "GET", "/cards")

    assert [reply.status for reply in replies] == [404] * 5
    assert [card["card_id"] for card in listed.body["cards"]] == [str(other.card_id)]


async def test_a_step_up_of_another_person_is_no_step_up(api: Api, client: Client) -> None:
    work = people.hands(api.conn, api.keys, api.clock.now)
    other = await people.make_client(work, number=2, pesel=people.PESELS[0])
    stolen = await api.step_up(client.person_id, "pin.set")
    body = {"pin": people.PIN, "repeat": people.PIN, "step_up": stolen}

    assert (await me(api, other, "PUT", "/pin", body)).code == "step_up_invalid"
    assert (await me(api, client, "PUT", "/pin", body)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/cards", None),
        ("GET", "/consents", None),
        ("POST", "/consents", {"consents": [SAID]}),
        ("DELETE", "/consents/terms", None),
        ("PUT", "/pin", {"pin": people.PIN, "repeat": people.PIN}),
        ("POST", "/step-ups", {"action": "pin.set"}),
    ],
)
async def test_a_person_who_is_not_there_is_not_found(
    api: Api, method: str, path: str, body: object
) -> None:
    nobody = UUID(int=7)

    reply = await api.call(method, f"/v1/me{path}", body, by="portal", person=nobody)

    assert reply.status == 404
