"""What every request passes: own forms only, one's own session only, one's own things only."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from yarl import URL

from enrollment import identifiers
from enrollment.flows import belongings
from enrollment.flows.belongings import Preferences
from enrollment.policy import NonresidentNumbers, PortalPolicy
from enrollment.portal import headers, state
from enrollment.portal.gate import cookie_name
from enrollment.portal.routes import PAGES
from enrollment.store import persons
from tests.enrollment import people
from tests.enrollment.portal import browsing
from tests.enrollment.portal.conftest import NUMBER

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal

INSIDE = [route for route in PAGES if route.signed_in]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("sent", FOREIGN)
async def test_a_form_of_another_site_changes_nothing(
    inside: Browser, sent: dict[str, str]
) -> None:
    page = await inside.get("/cards")
    fields = {"form_token": _token(page)}

    refused = await inside.post("/logout", fields, **sent)

    assert (refused.status, (await inside.get("/cards")).path) == (403, "/cards")


@pytest.mark.parametrize("token", ["", "x", "ł", "A" * 43])
async def test_a_form_without_the_page_s_token_changes_nothing(inside: Browser, token: str) -> None:
    refused = await inside.post("/logout", {"form_token": token})

    assert (refused.status, (await inside.get("/cards")).path) == (403, "/cards")


async def test_a_token_of_another_browser_is_none(portal: Portal, inside: Browser) -> None:
    async with portal.browser() as other:
        token = (await other.get("/")).form()[1]["form_token"]

    assert (await inside.post("/logout", {"form_token": token})).status == 403


async def test_a_token_from_before_the_sign_in_is_none(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    token = (await browser.get("/")).form()[1]["form_token"]
    await portal.sign_in(browser, NUMBER)

    assert (await browser.post("/logout", {"form_token": token})).status == 403


async def test_a_session_planted_before_the_sign_in_is_never_the_client_s(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    browser.session.cookie_jar.update_cookies({"session": "planted"}, URL(browser.url))

    await portal.sign_in(browser, NUMBER)

    assert _cookies(browser)["session"] != "planted"


async def test_every_sign_in_makes_a_new_session(portal: Portal, inside: Browser) -> None:
    first = _cookies(inside)["session"]
    await inside.post("/logout", {"form_token": _token(await inside.get("/cards"))})
    await portal.sign_in(inside, NUMBER)

    assert _cookies(inside)["session"] not in {"", first}


@pytest.mark.parametrize("route", INSIDE, ids=lambda route: f"{route.method} {route.path}")
async def test_without_a_session_every_page_leads_to_the_sign_in(
    browser: Browser, route: object
) -> None:
    path = route.path.replace("{id}", str(uuid4())).replace("{code}", "sms_3ds")  # type: ignore[attr-defined]
    if route.method == "GET":  # type: ignore[attr-defined]
        page = await browser.get(path)
    else:
        token = (await browser.get("/")).form()[1]["form_token"]
        page = await browser.post(path, {"form_token": token})

    assert page.path == "/"


async def test_a_text_says_what_the_settings_are(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    rules = PortalPolicy(password_failures_max=4)
    async with browsing.running(pool, keys, now, portal=rules) as portal, portal.browser() as other:
        asked = await other.submit(await other.get("/"), identifier=NUMBER, password="Wrong1pass")
        page = await other.submit(asked, code="000000")

    assert "Błąd nr 4 zablokuje dostęp" in page.text


async def test_after_five_idle_minutes_the_client_is_told_and_led_back(
    portal: Portal, inside: Browser
) -> None:
    portal.clock.now = people.later(portal.bank, minutes=5).now

    page = await inside.get("/limits")
    assert (page.path, "po 5 min bez aktywności" in page.text) == ("/", True)
    page = await portal.sign_in(inside, NUMBER)

    assert page.path == "/limits"


async def test_what_was_typed_is_kept_when_the_session_ends_meanwhile(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.get("/phone")
    portal.clock.now = people.later(portal.bank, minutes=6).now

    page = await inside.submit(page, phone="600 700 762", action="ask")
    assert page.path == "/"
    page = await portal.sign_in(inside, NUMBER)

    field = next(one for one in page.tree.iter("input") if one.get("id") == "phone")
    assert (page.path, field.get("value")) == ("/phone", "600 700 762")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cards/{id}"),
        ("POST", "/cards/{id}/threeds"),
        ("POST", "/cards/{id}/block"),
        ("POST", "/limits/{id}"),
        ("POST", "/merchants/{id}/remove"),
    ],
)
async def test_the_cards_of_others_are_not_there(
    portal: Portal, inside: Browser, method: str, path: str
) -> None:
    other = await people.make_client(portal.bank, number=2, pesel=people.PESELS[0])
    for found in (other.card_id, uuid4()):
        address = path.replace("{id}", str(found))
        if method == "GET":
            page = await inside.get(address)
        else:
            fields = {"form_token": _token(await inside.get("/cards")), "sure": "yes"}
            page = await inside.post(address, fields)

        assert page.status == 404


async def test_every_page_leaves_with_the_strict_headers(inside: Browser) -> None:
    page = await inside.get("/cards")

    assert {name: page.headers[name] for name in headers.PAGE} == dict(headers.PAGE)


async def test_whom_another_site_leads_here_asks_again_from_a_page_of_ours(
    portal: Portal, inside: Browser
) -> None:
    """Their cookies are kept back on the way: a stranger's would take their place."""
    led = {"Sec-Fetch-Site": "cross-site"}
    async with portal.browser() as without:
        page = await without.get("/limits?lang=en", **led)
        assert not _cookies(without)
    with_them = await inside.get("/limits", **led)

    refresh = [one.get("content") for one in page.tree.iter("meta") if one.get("http-equiv")]
    ways = [one.get("href") for one in page.tree.iter("a")]
    assert (page.path, page.status, refresh, ways) == ("/limits?lang=en", 200, ["0"], [""])
    assert {name: page.headers[name] for name in headers.PAGE} == dict(headers.PAGE)
    assert (with_them.path, bool(_menu(with_them))) == ("/limits", True)


async def test_an_address_that_is_not_there_gets_a_page_of_ours(browser: Browser) -> None:
    page = await browser.get("/nothing-here")

    assert (page.status, "Nie ma takiej strony" in page.text) == (404, True)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def test_a_click_switches_the_language_and_stays_on_the_page(browser: Browser) -> None:
    page = await browser.get("/register/1?lang=en")

    assert (page.path, "Step 1 of 4" in page.text) == ("/register/1", True)


@pytest.mark.parametrize("id_", ["%0d%0aSet-Cookie:%20a=b", "%00", "%0a"])
async def test_an_address_that_no_header_can_hold_breaks_nothing_off(
    portal: Portal, inside: Browser, id_: str
) -> None:
    """A link like that, clicked after the session's end, must not cost the next sign-in."""
    address = URL(f"{portal.url}/cards/{id_}", encoded=True)
    async with inside.session.get(address.update_query(lang="pl")) as switched:
        assert switched.status == 404
    portal.clock.now += timedelta(minutes=6)
    async with inside.session.get(address) as sent:
        assert sent.url.path == "/"
    page = await portal.sign_in(inside, NUMBER)

    assert page.status == 404
    assert "a" not in _cookies(inside)
    assert (await inside.get("/cards")).path == "/cards"


async def test_what_is_said_once_is_gone_with_a_reload(browser: Browser) -> None:
    page = await browser.submit(await browser.get("/"), identifier="")
    assert "Wpisz PESEL" in page.text

    assert "Wpisz PESEL" not in (await browser.get("/")).text


async def test_over_https_the_cookies_belong_to_this_host_alone(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with browsing.running(pool, keys, now, is_secure=True) as portal:
        assert cookie_name(portal.ports, "session") == "__Host-session"
        async with portal.browser() as browser:
            sent = (await browser.get("/")).headers.getall("Set-Cookie")

    assert [one.partition("=")[0] for one in sent] == ["__Host-portal"]
    for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert word in sent[0]
    assert "Domain" not in sent[0]


def _token(page: browsing.Seen) -> str:
    inputs = [one for one in page.tree.iter("input") if one.get("name") == "form_token"]
    return str(inputs[0].get("value"))


def _cookies(browser: Browser) -> dict[str, str]:
    return {one.key: one.value for one in browser.session.cookie_jar}


async def test_a_client_s_own_language_comes_before_the_browser_s(
    portal: Portal, client: Client
) -> None:
    async with portal.browser("en") as browser:
        outside = await portal.register(browser, NUMBER)
        inside = await portal.sign_in(browser, NUMBER)
        clicked = await browser.get("/cards?lang=en")

    assert [page.tree.get("lang") for page in (outside, inside, clicked)] == ["en", "pl", "en"]


async def test_what_is_refused_before_any_page_is_in_the_client_s_own_language(
    portal: Portal, client: Client
) -> None:
    async with portal.browser("en") as browser:
        outside = await browser.get("/nothing-here")
        await portal.register(browser, NUMBER)
        await portal.sign_in(browser, NUMBER)
        inside = [await browser.get("/nothing-here"), await browser.post("/cards", {})]
        inside += [await browser.post("/pin", {"form_token": "forged"})]
        portal.clock.now += state.LIFETIME * 2
        inside += [await browser.get("/nothing-here")]
        clicked = await browser.get("/cards?lang=de")
        clicked = await browser.get("/nothing-here")

    assert [page.status for page in (outside, *inside)] == [404, 404, 405, 403, 404]
    assert outside.tree.get("lang") == "en"
    assert {page.tree.get("lang") for page in inside} == {"pl"}
    assert clicked.tree.get("lang") == "de"


async def test_who_signs_out_takes_the_own_language_along(portal: Portal, client: Client) -> None:
    async with portal.browser("en") as browser:
        await portal.register(browser, NUMBER)
        page = await portal.sign_in(browser, NUMBER)
        signed_out = await browser.post("/logout", {"form_token": _token(page)})
        after = await browser.get("/nothing-here")

    assert {one.tree.get("lang") for one in (signed_out, after)} == {"en"}


async def _refused(browser: Browser) -> list[browsing.Seen]:
    """Have a page refused in every way: no address, no such method, a foreign form, too large."""
    return [
        await browser.get("/nothing-here"),
        await browser.post("/cards", {}),
        await browser.post("/pin", {"form_token": "forged"}),
        await browser.post("/pin", {"pin": "1" * 20_000}),
    ]


@pytest.mark.parametrize(
    ("language", "cards"),
    [("pl", "Moje karty"), ("en", "My cards"), ("de", "Meine Karten"), ("uk", "Мої картки")],
)
async def test_a_refusal_leaves_a_client_inside_with_a_way_back_and_one_out(
    inside: Browser, language: str, cards: str
) -> None:
    await inside.get(f"/cards?lang={language}")
    refused = await _refused(inside)

    assert [page.status for page in refused] == [404, 405, 403, 413]
    for page in refused:
        ways = [one for one in next(page.tree.iter("main")).iter("a") if one.get("class")]
        assert [(one.get("href"), one.text) for one in ways] == [("/cards", cards)]
        assert _menu(page) == _menu(await inside.get("/cards"))
    signed_out = await inside.post("/logout", {"form_token": _token(refused[0])})
    assert (signed_out.path, (await inside.get("/cards")).path) == ("/", "/")


async def test_a_refusal_asks_no_database(inside: Browser, owner: asyncpg.Connection) -> None:
    await owner.execute("ALTER TABLE enrollment.portal_session RENAME TO away")
    refused = await _refused(inside)
    failed = await inside.get("/cards")

    assert [page.status for page in (*refused, failed)] == [404, 405, 403, 413, 500]
    assert all(_menu(page) for page in (*refused, failed))


async def test_whoever_is_out_is_refused_as_a_stranger(portal: Portal, inside: Browser) -> None:
    async with portal.browser() as stranger:
        seen = await _refused(stranger)
    # Open pages are drawn for those whose session is over, too.
    portal.clock.now = people.later(portal.bank, minutes=6).now
    assert (await inside.get("/help")).status == 200
    seen += await _refused(inside)
    await inside.get("/cards")
    seen += await _refused(inside)

    assert all(page.status >= 400 and not _menu(page) for page in seen)
    ways = [[one.get("href") for one in next(page.tree.iter("main")).iter("a")] for page in seen]
    assert ways == [["/"]] * len(seen)


@pytest.mark.parametrize(("asked", "status"), [("GET /cards", 303), ("POST /logout", 403)])
async def test_a_session_of_bytes_that_are_no_text_is_none(
    portal: Portal, asked: str, status: int
) -> None:
    url = URL(portal.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"{asked} HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\nContent-Length: 0\r\n"
    writer.write(head.encode() + b"Cookie: session=\xff\r\n\r\n")
    said = await reader.readline()
    writer.close()

    assert int(said.split()[1]) == status


async def test_an_old_cookie_makes_nobody_a_client(portal: Portal, inside: Browser) -> None:
    portal.clock.now += state.LIFETIME * 2

    assert not _menu(await inside.get("/nothing-here"))


async def test_a_refusal_neither_says_nor_forgets_what_the_next_page_says(
    inside: Browser, client: Client
) -> None:
    page = await inside.get(f"/cards/{client.card_id}")
    url, fields = page.form(f"/cards/{client.card_id}/threeds")
    async with inside.session.post(
        url, data={**fields, "wish": "activate"}, allow_redirects=False
    ) as sent:
        assert sent.status == 303
    between = await inside.get("/favicon.ico")

    assert "PIN" not in between.text
    assert "Najpierw ustaw PIN" in (await inside.get(f"/cards/{client.card_id}")).text


async def test_a_click_switches_the_language_of_a_refusal_and_of_what_follows(
    inside: Browser,
) -> None:
    seen = [await inside.get("//elsewhere.example/cards?lang=de"), await inside.get("/cards")]

    assert [page.tree.get("lang") for page in seen] == ["de", "de"]
    assert [page.status for page in seen] == [404, 200]
    assert _menu(seen[0])


def _menu(page: browsing.Seen) -> list[str]:
    """Give where the menu of those who are signed in leads."""
    return [one.get("href") for menu in page.tree.iter("nav") for one in menu.iter("a")]


@pytest.mark.parametrize(("language", "says"), [("uk", "Ваш"), ("de", "Ihre")])
async def test_a_client_may_do_everything_in_their_own_language(
    portal: Portal, client: Client, language: str, says: str
) -> None:
    wanted = Preferences(language, low_value=False)
    await belongings.put_preferences(portal.bank, client.person_id, wanted, None)
    async with portal.browser("en") as browser:
        await portal.register(browser, NUMBER)
        seen = [await portal.sign_in(browser, NUMBER)]
        seen += [await browser.get(route.path) for route in INSIDE if "{" not in route.path]
        page = await browser.submit(await browser.get("/pin"), action="send")
        message = await portal.message()
        page = await browser.submit(
            page, pin="2846", repeat="2846", code=await portal.code(), action="set"
        )
        page = await browser.submit(page, f"/cards/{client.card_id}/threeds", wish="activate")
        page = await browser.submit(page, code=await portal.code(), action="confirm")

    assert {one.tree.get("lang") for one in [*seen, page]} == {language}
    assert any(says in one.text for one in seen)
    assert {"uk": "Зміна PIN-коду", "de": "Änderung Ihrer PIN"}[language] in message
    assert await people.enrolment(portal.conn, client.card_id) == ("active", None)


_WAITS = """
    SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""


async def test_who_is_signed_in_and_asks_at_the_door_once_more_locks_nobody_out(
    portal: Portal, inside: Browser, client: Client
) -> None:
    """The bank holds the number and goes on to the client, as everybody at the door does."""
    number = identifiers.read(NUMBER, portal.clock.now.date(), NonresidentNumbers())
    assert isinstance(number, identifiers.Identifier)
    form = await inside.get("/forgot")
    async with asyncio.timeout(100):
        async with portal.conn.transaction():
            await persons.claim(portal.conn, identifiers.tag(portal.keys, number))
            asking = asyncio.create_task(inside.submit(form, identifier=NUMBER))
            while not await portal.conn.fetchval(_WAITS):
                await asyncio.sleep(0)
            await persons.lock(portal.conn, client.person_id)
        page = await asking

    assert (page.status, page.path) == (200, "/forgot/2")
    assert (await inside.get("/cards")).path == "/cards"
