"""The browser's edge: whatever is sent, a page in the right language answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request

from acs.edges.browser import _form, refusal_page
from acs.edges.refusals import Refusal
from tests.story.buying import ask, begin, right, shown
from tests.story.conftest import log_lines, world

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]


def test_an_entry_is_cut_before_anybody_looks_at_it() -> None:
    form = _form({"form_token": "t", "otp": "1" * 5_000, "pin": "2" * 5_000}, ("pl",))
    assert (len(form.otp.reveal()), len(form.pin.reveal())) == (64, 64)


@pytest.mark.parametrize(("given", "kept"), [("en", "en"), ("xx", ""), ("", ""), ("EN", "")])
def test_only_a_language_we_have_is_a_choice(given: str, kept: str) -> None:
    assert _form({"form_token": "t", "lang": given}, ("en", "pl")).language == kept


def test_a_form_without_a_button_is_an_answer() -> None:
    assert _form({"form_token": "t"}, ("pl",)).action == "submit"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("pl", "pl"),
        ("de-DE,de", "de"),
        ("fr-FR,fr", "pl"),
        ("", "pl"),
        ("*", "pl"),
        ("en" * 5_00, "pl"),
    ],
)
async def test_a_page_for_nobody_speaks_the_browsers_language(
    world: World, header: str, language: str
) -> None:
    page = await world.post(world.server.challenge_url, {}, **{"Accept-Language": header})
    assert page.language == language


async def test_a_lost_database_is_a_page_and_the_challenge_can_go_on(world: World) -> None:
    doomed = await world.start_server()
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    doomed.ports.pool._pool.terminate()
    for answer in (
        await world.open(ares, server=doomed),
        await world.submit(page, server=doomed, otp=right(world, holder)),
    ):
        (_, fields), *others = answer.forms()
        assert (answer.status, others) == (200, [])
        # What finds the challenge again, and nothing that was typed.
        assert fields.keys() in ({"creq", "threeDSSessionData"}, {"form_token", "action"})
        again = await world.post(world.server.challenge_url, fields)
        assert again.has_code_field
        assert again.notice is None
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_every_file_a_page_names_is_there_and_may_be_kept(world: World) -> None:
    _, page = await begin(world, await world.enrol())
    base = world.server.challenge_url.removesuffix("challenge")
    named = [one.get("src") or one.get("href") for one in page.tree.iter() if one.tag in _LOADS]
    files = [name for name in named if name and name.startswith("static/")]
    assert len(files) >= 3
    for name in files:
        async with world.http.get(base + name) as got:
            assert got.status == 200, name
            assert "immutable" in got.headers["Cache-Control"]
            assert "Set-Cookie" not in got.headers
            etag = got.headers["ETag"]
        async with world.http.get(base + name, headers={"If-None-Match": etag}) as got:
            assert (got.status, await got.read()) == (304, b"")


_LOADS = {"link", "script", "img"}


@pytest.mark.parametrize("query", ["", "?v=0123456789abcdef"])
async def test_a_page_of_another_version_gets_a_file_that_is_not_kept(
    world: World, query: str
) -> None:
    """During an upgrade its page may be of a process that has newer files than this one."""
    base = world.server.challenge_url.removesuffix("challenge")
    async with world.http.get(f"{base}static/pages.css{query}") as got:
        assert (got.status, got.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("name", ["none.css", "..%2fbrowser.py", "%2e%2e/browser.py", ".", "a\x00"])
async def test_no_other_file_is_given(world: World, name: str) -> None:
    base = world.server.challenge_url.removesuffix("challenge")
    async with world.http.get(f"{base}static/{name}") as got:
        assert got.status == 404


async def test_the_form_goes_where_the_page_came_from(world: World) -> None:
    ares = await ask(world, await world.enrol())
    page = await world.open(ares)
    assert {action for action, _ in page.forms()} == {world.server.challenge_url}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "nothing", 404, "nicht direkt öffnen"),
        ("PUT", "challenge", 405, "nicht direkt öffnen"),
    ],
)
async def test_what_no_flow_answers_is_a_page_in_the_browsers_language(
    world: World, method: str, path: str, status: int, words: str
) -> None:
    url = world.server.challenge_url.removesuffix("challenge") + path
    page = await world.fetch(method, url, **{"Accept-Language": "de"})
    assert (page.status, page.language, page.is_neutral) == (status, "de", True)
    assert words in page.text


@pytest.mark.parametrize("reason", ["failed", "unavailable", "too_large", "cut", "encoded"])
async def test_every_refusal_has_its_words_and_its_status(world: World, reason: str) -> None:
    request = make_mocked_request("POST", "/challenge", headers={"Accept-Language": "en"})
    page = refusal_page(world.server.ports, request, Refusal(503, reason))
    assert page.status == 503
    assert isinstance(page.body, bytes)
    ours = reason in {"failed", "unavailable"}
    assert (b"cannot continue right now" in page.body, b"incomplete or wrong" in page.body) == (
        ours,
        not ours,
    )
