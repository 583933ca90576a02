"""CReqs that are wrong, forged or late, and everything else that may reach the page's address."""

from __future__ import annotations

import asyncio
import base64
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.story.areqs import browser_areq
from tests.story.buying import EASY, VERSIONS, ask, begin, outcome, right, shown, wrong
from tests.story.pages import packed

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


NOBODY = "00000000-0000-4000-8000-000000000000"


def creq(ares: dict[str, Any], **changes: Any) -> dict[str, Any]:
    message = {
        "messageType": "CReq",
        "messageVersion": ares["messageVersion"],
        "threeDSServerTransID": ares["threeDSServerTransID"],
        "acsTransID": ares["acsTransID"],
        "challengeWindowSize": "01",
        **changes,
    }
    return {name: value for name, value in message.items() if value is not None}


def critical() -> list[dict[str, Any]]:
    return [{"name": "n", "id": "ID7", "criticalityIndicator": True, "data": {"v": "1"}}]


WRONG: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("no window size", {"challengeWindowSize": None}, "201", "challengeWindowSize"),
    ("an empty window size", {"challengeWindowSize": ""}, "201", "challengeWindowSize"),
    ("a window size there is not", {"challengeWindowSize": "06"}, "203", "challengeWindowSize"),
    ("no version", {"messageVersion": None}, "201", "messageVersion"),
    ("a version that is none", {"messageVersion": "2"}, "203", "messageVersion"),
    ("a version nobody speaks", {"messageVersion": "2.9.0"}, "102", "2.1.0,2.2.0,2.3.1"),
    ("no type", {"messageType": None}, "201", "messageType"),
    ("another type", {"messageType": "AReq"}, "101", "*"),
    ("an extension nobody knows", {"messageExtension": critical()}, "202", "ID7"),
    ("a malformed extension", {"messageExtension": []}, "203", "messageExtension"),
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("_name", "changes", "code", "detail"), WRONG, ids=[row[0] for row in WRONG]
)
@pytest.mark.parametrize("opened", [False, True])
async def test_a_creq_that_breaks_the_protocol_ends_the_challenge_and_tells_the_shop(
    world: World,
    _name: str,
    changes: dict[str, Any],
    code: str,
    detail: str,
    version: str,
    opened: bool,
) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder, version=version)
    if opened:
        await world.open(ares)

    page = await world.open(ares, **changes)

    assert page.returns_to.endswith("/notify" if version == "2.3.1" else "/3ds")
    assert page.final_fields is not None
    assert page.final_fields["threeDSSessionData"] == "c2Vzc2lvbg"
    erro = page.cres
    assert erro is not None
    assert (erro["messageType"], erro["errorCode"]) == ("Erro", code)
    assert detail in {"*", erro["errorDetail"]}
    assert erro["messageVersion"] == version
    assert erro["errorMessageType"] == (changes.get("messageType") or "CReq")
    assert erro["acsTransID"] == ares["acsTransID"]
    reason = "07" if version == "2.1.0" else "22"
    cancel = "10" if version == "2.3.1" else "06"
    assert outcome(world, ares) == ("U", reason, cancel, "00")
    told = world.directory.result(ares["acsTransID"])
    assert told.get("challengeErrorReporting") == (erro if version == "2.3.1" else None)
    # The end is the end: the right CReq finds the same page.
    assert (await world.open(ares)).cres == erro


async def test_another_version_that_we_speak_is_not_the_transactions(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder, version="2.2.0")
    page = await world.open(ares, messageVersion="2.1.0")
    assert page.cres is not None
    assert (page.cres["errorCode"], page.cres["errorDetail"]) == ("203", "messageVersion")


async def test_a_repeated_name_in_the_creq_is_told(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    text = json.dumps(creq(ares))[:-1] + ',"challengeWindowSize":"02"}'
    coded = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    page = await world.post(ares["acsURL"], {"creq": coded})
    assert page.cres is not None
    assert (page.cres["errorCode"], page.cres["errorDetail"]) == ("204", "challengeWindowSize")
    assert page.final_fields is not None
    assert "threeDSSessionData" not in page.final_fields


async def test_an_erro_in_place_of_the_creq_is_not_answered_by_one(world: World) -> None:
    """No browser brings one, and the challenge goes on [rule 13.10]."""
    ares = await ask(world, await world.enrol())

    page = await world.open(ares, messageType="Erro", errorCode="203", errorComponent="C")

    assert page.cres is None
    assert (await world.open(ares)).has_code_field


async def test_what_an_app_would_send_is_ignored(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    page = await world.open(
        ares, sdkTransID="?", sdkCounterStoA="abc", challengeCancel="01", challengeDataEntry="1"
    )
    assert page.has_code_field


def bad_bodies(ares: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Give forms from which no transaction can be told."""
    text = json.dumps(creq(ares)).encode()
    return {
        "nothing": {},
        "empty": {"creq": ""},
        "blank": {"creq": "   "},
        "not base64": {"creq": "{}{}{}"},
        "cut": {"creq": packed(creq(ares))[:-7]},
        "plain JSON": {"creq": text.decode()},
        "not JSON": {"creq": base64.urlsafe_b64encode(b"hello").decode()},
        "an array": {"creq": base64.urlsafe_b64encode(b"[" + text + b"]").decode()},
        "not UTF-8": {"creq": base64.urlsafe_b64encode(text + b"\xff").decode()},
        "no acsTransID": {"creq": packed(creq(ares, acsTransID=None))},
        "acsTransID is none": {"creq": packed(creq(ares, acsTransID="x"))},
        "acsTransID is a number": {"creq": packed(creq(ares, acsTransID=7))},
        "acsTransID in braces": {
            "creq": packed(creq(ares, acsTransID="{" + ares["acsTransID"][:-2] + "}"))
        },
        "wrong case of the field": {"CReq": packed(creq(ares))},
        "an answer without a token": {"otp": "123456", "action": "submit"},
        "deep": {"creq": base64.urlsafe_b64encode(b"[" * 9_000).decode()},
    }  # fmt: skip


async def test_from_what_cannot_be_read_nothing_follows(world: World) -> None:
    """A neutral page, nothing posted to anybody, and the challenge can still be held."""
    holder = await world.enrol()
    ares = await ask(world, holder)
    row = await world.challenge_row(ares)
    for name, fields in bad_bodies(ares).items():
        page = await world.post(ares["acsURL"], fields)
        assert (page.status, page.is_neutral) == (200, True), name
    assert await world.challenge_row(ares) == row
    assert world.directory.results(ares["acsTransID"]) == []
    page = await world.open(ares)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_base64_with_padding_or_in_the_other_alphabet_is_read(world: World) -> None:
    holder = await world.enrol()
    for encode, pad in (
        (base64.urlsafe_b64encode, True),
        (base64.b64encode, True),
        (base64.b64encode, False),
    ):
        ares = await ask(world, holder)
        coded = encode(json.dumps(creq(ares, note="?>~ÿ¿")).encode()).decode()
        fields = {"creq": coded if pad else coded.rstrip("=")}
        assert (await world.post(ares["acsURL"], fields)).has_code_field


@pytest.mark.parametrize("theirs", [NOBODY, None, "", 7, "x"])
@pytest.mark.parametrize("opened", [False, True])
async def test_who_knows_only_the_acstransid_gets_a_neutral_page_and_does_no_harm(
    world: World, theirs: Any, opened: bool
) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    if opened:
        await world.open(ares)
    row = await world.challenge_row(ares)
    page = await world.open(ares, threeDSServerTransID=theirs, challengeWindowSize=None)
    unknown = await world.open(ares, acsTransID=NOBODY)
    assert page.is_neutral
    assert page.html == unknown.html
    assert await world.challenge_row(ares) == row
    page = await world.open(ares)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_who_knows_only_the_acstransid_leaves_nothing_however_often(world: World) -> None:
    """The audit log is kept for years, and nobody may take anything out of it."""
    holder = await world.enrol()
    ares = await ask(world, holder)

    async def leave_nothing() -> None:
        before = await world.db.fetchval("SELECT count(*) FROM audit.event")
        for _ in range(3):
            assert (await world.open(ares, threeDSServerTransID=NOBODY)).is_neutral
        assert await world.db.fetchval("SELECT count(*) FROM audit.event") == before

    await leave_nothing()
    page = await world.open(ares)
    await leave_nothing()
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    await leave_nothing()


async def test_identifiers_in_another_case_are_the_same_identifiers(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    page = await world.open(
        ares,
        acsTransID=ares["acsTransID"].upper(),
        threeDSServerTransID=ares["threeDSServerTransID"].upper(),
    )
    assert page.has_code_field


async def test_unknown_finished_and_foreign_look_the_same(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    paid = await world.enrol(prefix=EASY)
    without = await world.areq(browser_areq(paid.pan, ds_url=world.directory.url))
    world.clock.advance(minutes=11)
    pages = [
        await world.open(ares, acsTransID=NOBODY),
        await world.open(ares),
        await world.open(ares, threeDSServerTransID=NOBODY),
        await world.open({**without, "acsURL": ares["acsURL"]}, threeDSServerTransID=NOBODY),
        await world.submit(page, otp="123456"),
        await world.post(ares["acsURL"], {"form_token": "A" * 70, "action": "submit"}),
    ]
    assert len({one.html for one in pages}) == 1
    assert {one.status for one in pages} == {200}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_payment_without_challenge_has_none_to_open(world: World, version: str) -> None:
    holder = await world.enrol(prefix=EASY)
    message = browser_areq(holder.pan, version=version, ds_url=world.directory.url)
    ares = await world.areq(message)
    page = await world.open({**ares, "acsURL": world.server.challenge_url})
    assert page.cres is not None
    assert (page.cres["messageType"], page.cres["errorCode"]) == ("Erro", "305")
    assert page.final_fields is not None
    assert page.final_fields["threeDSSessionData"] == "c2Vzc2lvbg"
    assert world.directory.results(ares["acsTransID"]) == []


async def test_a_forged_token_opens_nothing(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    row = await world.challenge_row(ares)
    url, fields = page.forms()[0]
    token = fields["form_token"]
    forged = [
        "",
        "x",
        token[:-1],
        token + "A",
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        ("A" if token[0] != "A" else "B") + token[1:],
        token[::-1],
        token.swapcase(),
        "ż" * 70,
        "A" * 5_000,
    ]
    for one in forged:
        answer = await world.post(url, {**fields, "form_token": one, "otp": right(world, holder)})
        assert answer.is_neutral, one
    assert await world.challenge_row(ares) == row


async def test_the_token_tells_nothing_and_serves_one_challenge_only(world: World) -> None:
    holder = await world.enrol()
    _, first = await begin(world, holder)
    other_ares, other = await begin(world, holder)
    mixed = first.forms()[0][1]["form_token"]
    url, fields = other.forms()[0]
    page = await world.post(url, {**fields, "form_token": mixed, "otp": right(world, holder)})
    assert page.has_code_field  # a wrong code of the first challenge, nothing for the second
    assert (await world.challenge_row(other_ares))["attempts"] == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_gets_a_page(world: World, method: str) -> None:
    page = await world.fetch(method, world.server.challenge_url)
    assert page.status == 405
    assert page.is_neutral


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/jose"],
)
async def test_another_kind_of_body_has_no_fields(world: World, kind: str) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    body = f"creq={packed(creq(ares))}"
    page = await world.fetch("POST", ares["acsURL"], body, **{"Content-Type": kind})
    assert (page.status, page.is_neutral) == (200, True)


async def test_a_charset_in_the_content_type_is_no_matter(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
    body = f"creq={packed(creq(ares))}"
    assert (
        await world.fetch("POST", ares["acsURL"], body, **{"Content-Type": kind})
    ).has_code_field


async def test_too_large_and_unknown_addresses_get_pages_too(world: World) -> None:
    url = world.server.challenge_url
    large = await world.fetch("POST", url, BytesIO(b"creq=" + b"A" * 200_000))  # type: ignore[arg-type]
    assert large.status == 413
    for path in ("/", "/challenge/", "/admin", "/static/none.css", "/3ds/areq"):
        page = await world.fetch("GET", url.replace("/challenge", path))
        assert page.status == 404, path
    many = "&".join(f"f{n}=1" for n in range(500))
    assert (await world.fetch("POST", url, many)).is_neutral


async def test_a_repeated_field_counts_once(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    url, fields = page.forms()[0]
    body = f"form_token={fields['form_token']}&action=submit&otp={right(world, holder)}&otp=1"
    assert shown(await world.fetch("POST", url, body)) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_a_cookie_of_the_browser_changes_nothing(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    url, fields = page.forms()[0]
    sent = {**fields, "otp": wrong(world, holder), "action": "submit"}
    answer = await world.post(url, sent, Cookie="__Host-acs=1; session=x")
    assert answer.has_code_field
    assert (await world.challenge_row(ares))["attempts"] == 1


SESSION_DATA = (
    "c2Vzc2lvbg", "c2Vzc2lvbg==", "{}", "{{7*7}}", "{% raw %}", "<script>alert(1)</script>",
    '"\'`><!--', "&amp;&lt;&#39;", "a+b/c=", "%7B%7D", "+", " leading and trailing ", "żółć€𝕊",
    "\u202e", "null", "0", "x" * 1024, "\t", "</form><form action='https://evil.example'>",
)  # fmt: skip


@pytest.mark.parametrize("data", SESSION_DATA, ids=lambda data: data[:20])
async def test_session_data_comes_back_byte_for_byte(world: World, data: str) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    page = await world.open(ares, session_data=data)
    final = await world.submit(page, "cancel")
    assert final.final_fields is not None
    assert final.final_fields["threeDSSessionData"] == data
    assert set(final.final_fields) == {"cres", "threeDSSessionData"}
    assert len(final.forms()) == 1


@pytest.mark.parametrize("data", [None, "", "x" * 1025])
async def test_no_session_data_or_too_much_of_it_is_none(world: World, data: str | None) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    page = await world.open(ares, session_data=data)
    final = await world.submit(page, "cancel")
    assert final.final_fields is not None
    assert set(final.final_fields) == {"cres"}


async def test_the_first_session_data_stays(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    await world.open(ares, session_data="first")
    page = await world.open(ares, session_data="second")
    final = await world.submit(page, "cancel")
    assert final.final_fields is not None
    assert final.final_fields["threeDSSessionData"] == "first"


# What HTML keeps as it is: no NUL, no line breaks (a browser changes those in every form).
OPAQUE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"),
    min_size=1,
    max_size=200,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=OPAQUE)
async def test_any_session_data_is_opaque(world: World, data: str) -> None:
    known = [one for one in world.holders if one.pan.startswith(EASY)]
    holder = known[0] if known else await world.enrol(prefix=EASY)
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    ares = {**await world.areq(message), "acsURL": world.server.challenge_url}
    page = await world.open(ares, session_data=data)
    assert page.final_fields is not None
    assert page.final_fields["threeDSSessionData"] == data


async def raw_answer(url: str, body: str, header: bytes) -> bytes:
    """Post a form with a header line that an HTTP client would refuse to write."""
    there = urlsplit(url)
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    writer.write(
        f"POST {there.path} HTTP/1.1\r\nHost: {there.netloc}\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n".encode()
        + header
        + b"\r\n\r\n"
        + body.encode()
    )
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("name", [b"User-Agent", b"Accept-Language", b"Referer", b"X-Request-ID"])
async def test_a_header_that_is_no_utf_8_stops_no_payment(world: World, name: bytes) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    body = urlencode({"creq": packed(creq(ares))})
    answer = await raw_answer(ares["acsURL"], body, name + b": Pr\xe9sto/9 \xff")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'name="otp"' in answer
