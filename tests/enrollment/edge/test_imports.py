"""Bulk imports over HTTP: whole or not at all, within bounds, told by number."""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enrollment.edge import imports
from enrollment.flows import imports as flows
from enrollment.store import imports as store
from tests.enrollment import importing, people
from tests.enrollment.importing import bank, card

if TYPE_CHECKING:
    import pytest

    from tests.enrollment.api import Api, Reply

NDJSON = {"Content-Type": "application/x-ndjson"}


async def send(api: Api, content: bytes, **more: Any) -> Reply:
    headers = {**NDJSON, **more.pop("headers", {})}
    return await api.call("POST", "/v1/imports", raw=content, headers=headers, **more)


async def ended(api: Api, import_id: str, **more: Any) -> dict[str, Any]:
    """Ask until it is done, as a caller does."""
    async with asyncio.timeout(100):
        while True:
            shown = await api.call("GET", f"/v1/imports/{import_id}", **more)
            assert shown.status == 200, shown
            if shown.body["state"] == "done":
                return shown.body
            await asyncio.sleep(0.01)


async def cards_of(api: Api) -> int:
    return int(await api.conn.fetchval("SELECT count(*) FROM enrollment.card"))


async def test_a_file_is_taken_and_carried_out(api: Api) -> None:
    begun = await send(api, importing.file_of([*bank(1, 2), card(9)]))
    shown = await ended(api, begun.body["import_id"])

    assert begun.status == 202
    assert begun.headers["Location"] == f"/v1/imports/{begun.body['import_id']}"
    told = {name: shown[name] for name in ("lines", "created", "refused", "percent")}
    assert told == {"lines": 7, "created": 6, "refused": 1, "percent": 100}


async def test_refused_lines_are_listed_page_by_page(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ERRORS_PAGE", 2)
    begun = await send(api, importing.file_of([card(number) for number in (1, 2, 3)]))
    path = f"/v1/imports/{begun.body['import_id']}/errors"
    await ended(api, begun.body["import_id"])
    first = await api.call("GET", path)
    second = await api.call("GET", f"{path}?after={first.body['next_after']}")

    error = {"code": "account_unknown", "field": "body.account_ref"}
    assert first.body == {"errors": [{"line": 1, **error}, {"line": 2, **error}], "next_after": 2}
    assert second.body == {"errors": [{"line": 3, **error}], "next_after": None}
    assert (await api.call("GET", f"{path}?after=x")).code == "bad_query"


async def test_a_file_much_larger_than_a_body_is_taken(api: Api) -> None:
    content = importing.file_of(bank(1)) + b"x" * 1_000_000

    begun = await send(api, content)
    shown = await ended(api, begun.body["import_id"])

    assert (shown["created"], shown["refused"]) == (3, 1)


async def test_a_file_over_the_limit_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "IMPORT_MAX", 1000)
    content = importing.file_of(bank(1, 2, 3, 4))

    assert (await send(api, content)).status == 413
    assert await cards_of(api) == 0


async def test_other_routes_keep_their_limit(api: Api) -> None:
    refused = await api.call("PUT", "/v1/persons/p1", raw=b" " * 40_000)

    assert refused.status == 413


async def test_a_body_that_comes_too_slowly_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "DEADLINE_S", 0.0)

    assert (await send(api, importing.file_of(bank(1)))).code == "too_slow"
    assert await cards_of(api) == 0


async def test_a_full_disk_begins_nothing_and_asks_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    with monkeypatch.context() as disk:
        disk.setattr(tempfile, "TemporaryFile", lambda buffering=-1: full.open("r+b", buffering))
        refused = await send(api, importing.file_of(bank(1)), headers={"Idempotency-Key": "k1"})
        begun = await api.conn.fetchval("SELECT count(*) FROM enrollment.import_run")
    again = await send(api, importing.file_of(bank(1)), headers={"Idempotency-Key": "k1"})

    assert (refused.status, refused.code, begun) == (503, "unavailable", 0)
    assert refused.headers["Retry-After"] == "60"
    assert (await ended(api, again.body["import_id"]))["created"] == 3


async def test_a_token_for_another_body_brings_nothing(api: Api) -> None:
    content = importing.file_of(bank(1))
    refused = await send(api, content, claims={"bh": sha256(b"other").hexdigest()})

    assert refused.status == 401
    assert await api.conn.fetchval("SELECT count(*) FROM enrollment.import_run") == 0
    assert await people.events(api.conn) == ["api.denied"]


async def test_a_token_without_a_scope_for_it_is_refused_before_the_body(api: Api) -> None:
    refused = await send(
        api, importing.file_of(bank(1)), by="portal", claims={"scope": "pin:write"}
    )

    assert (refused.status, refused.code) == (403, "scope_missing")


async def test_another_type_of_body_is_refused(api: Api) -> None:
    plain = await api.call("POST", "/v1/imports", raw=b"{}")
    packed = await send(api, b"{}", headers={"Content-Encoding": "none"})

    assert (plain.status, plain.code) == (415, "not_ndjson")
    assert (packed.status, packed.code) == (415, "encoded")


async def test_the_same_key_begins_one_import(api: Api) -> None:
    content = importing.file_of(bank(1))
    key = {"Idempotency-Key": "k1"}
    first = await send(api, content, headers=key)
    again = await send(api, content, headers=key)
    other = await send(api, importing.file_of(bank(2)), headers=key)
    await ended(api, first.body["import_id"])

    assert again.body == first.body
    assert again.headers["Location"] == first.headers["Location"]
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert await api.conn.fetchval("SELECT count(*) FROM enrollment.import_run") == 1


async def test_a_portal_imports_nothing(api: Api) -> None:
    content = importing.file_of(bank(1))
    refused = await send(api, content, by="portal", claims={"scope": "phone:write"})

    assert (refused.status, refused.code) == (403, "not_for_portal")
    assert await api.conn.fetchval("SELECT count(*) FROM enrollment.import_run") == 0


async def test_an_import_is_told_to_its_caller_only(api: Api) -> None:
    begun = await send(api, importing.file_of(bank(1)))
    path = f"/v1/imports/{begun.body['import_id']}"
    scope = {"scope": "phone:write"}
    shown = await api.call("GET", path, by="portal", claims=scope)
    listed = await api.call("GET", f"{path}/errors", by="portal", claims=scope)
    await ended(api, begun.body["import_id"])

    assert (shown.status, listed.status) == (404, 404)


async def test_answers_hold_no_number(api: Api) -> None:
    begun = await send(api, importing.file_of([card(1), {**card(2), "ref": people.pan(2)}]))
    await ended(api, begun.body["import_id"])
    errors = await api.call("GET", f"/v1/imports/{begun.body['import_id']}/errors")
    text = json.dumps([begun.body, errors.body])

    assert len(errors.body["errors"]) == 2
    assert people.pan(1) not in text
    assert people.pan(2) not in text


async def test_an_import_that_lost_its_process_is_told_as_interrupted(api: Api) -> None:
    begun = await api.conn.fetchval(
        "INSERT INTO enrollment.import_run (run_id, caller, state, started_at, updated_at)"
        " VALUES (gen_random_uuid(), 'svc-bank', 'running', $1, $1) RETURNING run_id",
        api.clock.now,
    )

    async def state_after(seconds: int) -> str:
        api.clock.now += timedelta(seconds=seconds)
        return str((await api.call("GET", f"/v1/imports/{begun}")).body["state"])

    assert [await state_after(60), await state_after(1)] == ["running", "interrupted"]


_WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_of_many_imports_sent_at_once_none_holds_a_connection_while_it_waits_for_others(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would soon have all that there are, and none may wait under a lock for very long."""
    monkeypatch.setattr(flows, "_BEAT_S", 0.001)
    async with api.conn.transaction():
        await store.begin(api.conn, "people")  # as an import of another process
        begun = [await send(api, importing.file_of(bank(number))) for number in range(1, 4)]
        api.clock.now += timedelta(seconds=61)
        for one in begun:  # each says that it is at work
            await _is_told(api, one.body["import_id"])
        assert await api.conn.fetchval(_WAITS) == 0

    done = [await ended(api, one.body["import_id"]) for one in begun]
    assert [one["created"] for one in done] == [3, 3, 3]


async def _is_told(api: Api, import_id: str) -> None:
    """Ask until a beat of the import came at the time that it is now."""
    async with asyncio.timeout(100):
        while True:
            shown = await api.call("GET", f"/v1/imports/{import_id}")
            if shown.body["updated_at"] == api.clock.now.isoformat():
                assert shown.body["state"] == "running"
                return
            await asyncio.sleep(0.01)


async def test_an_interrupted_import_is_sent_again_under_its_key(api: Api) -> None:
    """Who sends a file again keeps its key, as with any call whose end is not known."""
    content, key = importing.file_of(bank(1)), {"Idempotency-Key": "k1"}
    lost = await send(api, content, headers=key)
    await ended(api, lost.body["import_id"])
    await api.conn.execute("UPDATE enrollment.import_run SET state = 'running'")
    soon = await send(api, content, headers=key)
    api.clock.now += timedelta(seconds=61)
    again = await send(api, content, headers=key)
    done = await ended(api, again.body["import_id"])
    after = await send(api, content, headers=key)
    other = await send(api, importing.file_of(bank(2)), headers=key)

    assert soon.body == lost.body
    assert again.body["import_id"] != lost.body["import_id"]
    assert (done["unchanged"], done["refused"]) == (3, 0)
    assert after.body == again.body
    assert (other.status, other.code) == (409, "idempotency_key_reused")


async def test_an_import_that_is_done_is_not_interrupted_however_old(api: Api) -> None:
    begun = await send(api, importing.file_of(bank(1)))
    await ended(api, begun.body["import_id"])
    api.clock.now += timedelta(days=1)

    shown = await api.call("GET", f"/v1/imports/{begun.body['import_id']}")
    assert shown.body["state"] == "done"
