"""The document for an SDK's web view: whole in itself, and nothing in it leads away."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import html5lib
import pytest
from playwright.sync_api import sync_playwright

from acs.challenge.screens import CodeScreen, Notice, ResendState
from acs.pages import samples
from acs.pages.render import Pages
from acs.pages.themes import BUILT_IN, Theme
from schemas import base64url
from schemas.static_files import static_file
from schemas.versions import SUPPORTED
from tests.acs.pages.reading import PAGES, fits_into_the_cres, one, words
from tests.acs.pages.shown import CODE, LANGUAGES, every_screen
from tests.browser import CHROMIUM, FLAGS, needs_browser
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from playwright.sync_api import Page

EVERY = [
    pytest.param(screen, id=f"{name} {language}")
    for language in LANGUAGES
    for name, screen in every_screen(language).items()
    if isinstance(screen, CodeScreen)
]
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "header", "span", "img", "main"),
    *("h1", "dl", "dt", "dd", "bdi", "time", "form", "input", "label", "p", "button"),
    *("details", "summary", "ul", "li"),
}
NASTY = "\"'><img src=https://evil.example/x><script>1</script></style>"


def dom(screen: CodeScreen, pages: Pages = PAGES) -> Element:
    """Parse a document strictly: a fault in the markup is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(pages.sdk_page(screen).decode())
    return tree


@pytest.mark.parametrize("screen", EVERY)
def test_nothing_runs_and_nothing_is_loaded(screen: CodeScreen) -> None:
    """[rules 6.50, 6.51, 6.54]: test platforms look for "http" as well."""
    html = PAGES.sdk_page(screen).decode()
    tree = dom(screen)
    loading = [
        value
        for element in tree.iter()
        for name, value in element.attrib.items()
        if name in {"src", "srcset", "href", "action", "formaction", "background", "poster"}
        or name.startswith("on")
    ]

    assert {element.tag for element in tree.iter()} <= TAGS
    assert [address for address in loading if not address.startswith("data:image/")] == [
        "HTTPS://EMV3DS/challenge"
    ]
    assert re.findall("http", html, re.IGNORECASE) == ["HTTP"]
    assert not re.search(r"url\(|@import|@font-face|expression\(", html)


@pytest.mark.parametrize(("version", "language"), list(product(SUPPORTED, LANGUAGES)))
def test_it_fits_into_the_cres(version: str, language: str) -> None:
    for screen in samples.app_screens(language).values():
        shown = PAGES.sdk_html(screen)

        fits_into_the_cres(shown, version)
        assert len(str(shown["acsHTML"])) < 25_000
        assert base64url.decode(str(shown["acsHTML"])) == PAGES.sdk_page(screen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_browser_s_page_says(language: str) -> None:
    """The same four zones [rule 5.11]: marks, payment, answer, help."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    for screen in samples.app_screens(language).values():
        tree, page = dom(screen), parser.parse(PAGES.render(screen).html.decode())

        assert (tree.get("lang"), tree.get("dir")) == (language, "ltr")
        for path in ("h1", "header", "dl", "div[@class='field']", "div[@class='trust']", "details"):
            here, there = (
                list(map(words, document.iterfind(f".//{path}"))) for document in (tree, page)
            )
            assert here == there
        assert one(tree, ".//title").text == one(page, ".//title").text


def test_the_form_tells_code_pin_trust_and_what_to_do() -> None:
    form = one(dom(replace(CODE, offers_trust=True)), ".//form")
    fields = [
        tuple(field.get(name) for name in ("name", "type", "value", "autocomplete", "inputmode"))
        for field in form.iter("input")
    ]
    buttons = [(button.get("name"), button.get("value")) for button in form.iter("button")]

    assert (form.get("method"), form.get("action")) == ("get", "HTTPS://EMV3DS/challenge")
    assert fields == [
        ("pin", "password", None, "off", "numeric"),
        ("otp", "text", None, "one-time-code", "numeric"),
        ("trust", "checkbox", "Y", None, None),
    ]
    assert buttons == [("do", "verify"), ("do", "resend")]


@pytest.mark.parametrize("screen", EVERY)
def test_every_field_has_a_label_and_every_reference_an_end(screen: CodeScreen) -> None:
    tree = dom(screen)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    described = " ".join(e.get("aria-describedby", "") for e in tree.iter()).split()

    assert [f.get("id") for f in tree.iter("input")] == [
        label.get("for") for label in tree.iter("label")
    ]
    assert len(ids) == len(set(ids))
    assert set(described) <= set(ids)


def test_a_new_code_is_offered_while_there_is_one_and_its_time_told() -> None:
    spent = replace(CODE, resend=ResendState(allowed=False, wait_s=0, left=0))
    hints = [words(one(dom(screen), ".//p[@id='resend-hint']")) for screen in (CODE, spent)]

    assert [button.get("value") for button in dom(spent).iter("button")] == ["verify"]
    assert hints == [
        "Nowy kod możesz zamówić od 17:08:28.",
        "W tej płatności nie wyślemy już więcej kodów.",
    ]


def test_after_a_wrong_answer_both_fields_are_marked_alike() -> None:
    fields = dom(replace(CODE, notice=Notice.WRONG)).findall(".//input[@aria-invalid='true']")

    assert [field.get("id") for field in fields] == ["pin", "otp"]


def test_values_stay_values() -> None:
    tree = dom(
        replace(
            CODE, merchant=NASTY, phone_mask=NASTY, brand=replace(CODE.brand, issuer_name=NASTY)
        )
    )

    assert words(one(tree, ".//div[@class='merchant']/dd/bdi")) == NASTY
    assert [e.tag for e in tree.iter() if e.tag in {"script", "a", "link"}] == []


# A theme


def themed(light: int, dark: int | None = None) -> Pages:
    """Give pages with a theme of a logo, and one for dark grounds, of so many bytes."""
    sizes = {"theme-x-logo.png": light, **({} if dark is None else {"theme-x-dark.png": dark})}
    bank = Theme(
        name=BUILT_IN,
        sheet="pages.css",
        logo="theme-x-logo.png",
        files={name: static_file(name, b"\x89" * size) for name, size in sizes.items()},
        logo_dark=None if dark is None else "theme-x-dark.png",
        needs_plate=dark is None,
        says_name=True,
    )
    return Pages([bank])


def test_the_issuer_s_colours_and_logos_are_in_it() -> None:
    sheet = static_file("theme-x.css", b":root {\n  --action: #123456; /* ours */\n}\n")
    bank = Theme(BUILT_IN, "theme-x.css", "bank.svg", {"theme-x.css": sheet})
    tree = dom(CODE, themed(1000, 2000))

    assert "<style>:root{--action: #123456;}</style>" in Pages([bank]).sdk_page(CODE).decode()
    assert one(tree, ".//source").get("srcset", "").startswith("data:image/png;base64,iYmJ")
    assert one(tree, ".//picture/img").get("alt") == "Bank Przykładowy"


def test_a_logo_that_is_too_large_leaves_its_name() -> None:
    tree = dom(CODE, themed(16 * 1024 + 1))

    assert words(one(tree, ".//header/span")) == "Bank Przykładowy"
    assert len(tree.findall(".//img")) == 1  # the scheme's


def test_a_dark_logo_that_is_too_large_leaves_the_light_one_on_its_plate() -> None:
    tree = dom(CODE, themed(1000, 16 * 1024 + 1))

    assert one(tree, ".//header/span").get("class") == "issuer plate"
    assert (len(tree.findall(".//source")), len(tree.findall(".//header/span/img"))) == (0, 1)


def test_the_largest_logos_fit_into_every_version() -> None:
    assert len(str(themed(16 * 1024, 16 * 1024).sdk_html(CODE)["acsHTML"])) < 100_000


# In a browser


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """Open a page as locked down as an SDK's web view: no script, no network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": 320, "height": 568}
        )
        yield context.new_page()
        browser.close()


def caught(page: Page, screen: CodeScreen, *, pin: str, otp: str, button: str) -> str:
    """Fill a document in, press a button, and give the query string that the SDK would catch."""
    page.route("**", lambda route: route.abort())
    page.set_content(PAGES.sdk_page(screen).decode())
    page.fill("#pin", pin)
    page.fill("#otp", otp)
    if screen.offers_trust:
        page.check("#trust")
    with page.expect_event("requestfailed") as failed:
        page.locator(f"button[value={button}]").click(no_wait_after=True)
    page.unroute("**")
    url = str(failed.value.url)
    assert url.startswith("https://emv3ds/challenge?")
    return urlsplit(url).query


@needs_browser
@pytest.mark.parametrize("button", ["verify", "resend"])
def test_what_is_typed_is_caught_as_a_query(page: Page, button: str) -> None:
    screen = replace(CODE, offers_trust=True)
    query = caught(page, screen, pin="2580", otp="123 456", button=button)

    assert parse_qsl(query) == [("pin", "2580"), ("otp", "123 456"), ("trust", "Y"), ("do", button)]


@needs_browser
def test_the_longest_entries_fit_into_the_creq(page: Page) -> None:
    """challengeHTMLDataEntry holds 256 characters [rule 6.32], nine for each of these."""
    query = caught(
        page,
        replace(CODE, offers_trust=True),
        pin="\u20ac" * 20,
        otp="\u20ac" * 20,
        button="verify",
    )

    assert len(query) <= 256
