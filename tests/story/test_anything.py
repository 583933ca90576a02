"""Whatever is sent to either edge, a proper answer comes and nothing breaks inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.story import judge
from tests.story.areqs import browser_areq
from tests.story.buying import PIN, begin
from tests.story.pages import packed

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
OFTEN = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SELDOM = settings(OFTEN, max_examples=40)  # where each example is a whole challenge
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=50)
    | st.sampled_from(["", "01", "Y", "985", "2.2.0", "9" * 48, "https://x.example/", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = sorted(
    {
        *browser_areq("4000001000000018", version="2.3.1", ds_url="https://ds.example/r"),
        *("acctInfo", "messageExtension", "threeDSRequestorChallengeInd", "email", "deviceInfo"),
    }
)


@OFTEN
@given(data=st.data(), version=st.sampled_from(["2.1.0", "2.2.0", "2.3.1"]))
async def test_an_areq_with_anything_in_its_elements(
    shared: World, data: st.DataObject, version: str
) -> None:
    holder = shared.holders[0] if shared.holders else await shared.enrol()
    message = browser_areq(holder.pan, version=version, ds_url=shared.directory.url)
    more = st.sampled_from(
        ["acctInfo", "messageExtension", "threeDSRequestorChallengeInd", "email"]
    )
    for name in data.draw(st.lists(st.sampled_from(NAMES) | more, min_size=1, max_size=3)):
        message[name] = data.draw(JSON)
    body = json.dumps(message).encode()
    given_back = await shared.raw_areq(body)
    if given_back["messageType"] == "Erro":
        judge.erro(given_back)
    else:
        judge.ares(message, given_back)
    assert given_back.get("errorCode") not in {"402", "403", "404", "405"}, given_back
    assert not _broken(shared)


@OFTEN
@given(body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_any_bytes_at_the_directory_servers_edge(shared: World, body: bytes) -> None:
    if body.lstrip().startswith(b'{"messageType": "Erro"'):
        return
    judge.erro(await shared.raw_areq(body))
    assert not _broken(shared)


@OFTEN
@given(body=st.binary(max_size=300))
async def test_any_bytes_at_the_browsers_edge(shared: World, body: bytes) -> None:
    page = await shared.fetch("POST", shared.server.challenge_url, body)
    assert (page.status, page.is_neutral) == (200, True)
    assert not _broken(shared)


CREQ_NAMES = ("messageType", "messageVersion", "challengeWindowSize", "messageExtension", "x")
FIELDS = ("creq", "threeDSSessionData", "form_token", "otp", "pin", "action", "lang", "x")


@OFTEN
@given(fields=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=80), max_size=5))
async def test_any_form_at_the_browsers_edge(shared: World, fields: dict[str, str]) -> None:
    body = "&".join(
        f"{name}={quote_plus(text.encode('utf-8', 'replace'))}" for name, text in fields.items()
    )
    page = await shared.fetch("POST", shared.server.challenge_url, body)
    assert (page.status, page.is_neutral) == (200, True)
    assert not _broken(shared)


@SELDOM
@given(
    changes=st.dictionaries(
        st.sampled_from(
            ["messageType", "messageVersion", "challengeWindowSize", "messageExtension", "x"]
        ),
        JSON,
        max_size=3,
    )
)
async def test_a_creq_with_anything_in_its_elements(shared: World, changes: dict[str, Any]) -> None:
    known = [one for one in shared.holders if one.pan.startswith("52000010")]
    holder = known[0] if known else await shared.enrol(prefix="52000010")
    ares = await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url))
    message = {
        "messageType": "CReq",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": ares["threeDSServerTransID"],
        "acsTransID": ares["acsTransID"],
        "challengeWindowSize": "01",
        **changes,
    }
    page = await shared.post(ares["acsURL"], {"creq": packed(message)})
    assert page.status == 200
    if page.is_neutral:  # it could not be read, so nothing followed
        assert (await shared.challenge_row(ares))["state"] == "wait_creq"
    else:
        assert page.has_code_field or page.cres is not None
    assert not _broken(shared)
    shared.clock.advance(hours=1)  # so that no limit of messages is met


@SELDOM
@given(
    otp=st.text(max_size=20) | st.from_regex(r"[0-9]{5,7}", fullmatch=True),
    pin=st.text(max_size=20) | st.from_regex(r"[0-9]{3,9}", fullmatch=True),
    action=st.sampled_from(["submit", "resend", "cancel", "", "continue", "\x00"])
    | st.text(max_size=9),
)
async def test_any_entry_in_an_open_challenge(
    shared: World, otp: str, pin: str, action: str
) -> None:
    holder = await shared.enrol(prefix=PIN)
    ares, page = await begin(shared, holder)
    url, fields = page.forms()[0]
    entries = {**fields, "otp": otp, "pin": pin, "action": action}
    answer = await shared.fetch("POST", url, form(entries))
    assert answer.status == 200
    assert answer.has_code_field or answer.cres is not None
    row = await shared.challenge_row(ares)
    assert row["attempts"] <= 1
    assert not _broken(shared)


def form(fields: dict[str, str]) -> str:
    """Encode a form whose texts may be no Unicode."""
    pairs = [(name, quote_plus(text.encode("utf-8", "replace"))) for name, text in fields.items()]
    return "&".join(f"{name}={text}" for name, text in pairs)


def _broken(world: World) -> bool:
    return any("request:failed" in line or "event_not" in line for line in world.log_lines)
