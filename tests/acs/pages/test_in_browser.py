"""The pages in a real browser: they fit, they work with and without script, they stay inside.

Chromium is looked for under its usual names; without it these tests are skipped, unless
ACS_TEST_REQUIRE_BROWSER is set: then its absence is a failure.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import expect, sync_playwright

from acs.challenge.screens import Brand, Notice, RetryScreen, ReturnScreen, Screen
from acs.pages.render import Pages
from tests.acs.pages.shown import CODE, LANGUAGES
from tests.browser import CHROMIUM, FLAGS, NEEDS_BROWSER
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = NEEDS_BROWSER

PAGES = Pages()
WINDOWS = [(250, 400), (390, 400), (500, 600), (600, 400), (1280, 800)]
"""challengeWindowSize 01 to 04, and a page of its own."""

NASTY = "\"'><img src=x onerror=document.title='hit'><script>document.title='hit'</script>"


class Site:
    """Serves screens by path on one origin and shops on others; remembers what was posted."""

    def __init__(self) -> None:
        self.screens: dict[str, Screen] = {}
        self.html: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.posts: list[tuple[str, list[tuple[str, str]]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Give an address; another host name is another site to the browser."""
        return f"http://{host}:{self.server.server_port}/{path}"

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0].removeprefix("/")
                name = path.removeprefix("static/")
                if path.startswith("static/") and name in PAGES.static_files:
                    file = PAGES.static_files[name]
                    self._answer(200, file.body, dict(file.headers))
                elif path in site.screens:
                    page = PAGES.render(site.screens[path])
                    self._answer(200, page.html, dict(page.headers))
                else:
                    body = site.html.get(path, f"<title>{path}</title>").encode()
                    self._answer(200, body, {"Content-Type": "text/html; charset=utf-8"})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                path = self.path.removeprefix("/")
                site.posts.append((path, parse_qsl(body, keep_blank_values=True)))
                where = site.redirects.get(path, site.url("posted"))
                self._answer(303, b"", {"Location": where})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited name
                pass

        return Handler


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for this module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve screens on a free port."""
    site = Site()
    yield site
    site.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page whose console must stay silent: no blocked file, no error."""
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    # The browser remarks on autofocus in frames and after the script has set the focus.
    assert [text for text in said if "utofocus" not in text] == []


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """Open an empty page without script."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def bottom(page: Page, selector: str) -> float:
    """Give the lower edge of an element in CSS pixels from the top of the window."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"] + box["height"]


# What is in view (what is cut or covered: test_gallery_in_browser)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", [None, Notice.WRONG])
def test_title_amount_fields_and_button_are_in_view(
    language: str, notice: Notice | None, site: Site, page: Page
) -> None:
    site.screens["page"] = replace(CODE, language=language, notice=notice, attempts_left=2)
    page.goto(site.url("page"))
    selectors = ["h1", ".amount dd", "#pin", "#otp", "button[value=submit]"]
    hidden = []
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("scrollTo(0, 0)")
        if max(bottom(page, selector) for selector in selectors) > height:
            hidden.append((width, height))

    assert hidden == []


# Use


def test_enter_submits_without_script(site: Site, plain_page: Page) -> None:
    site.screens["challenge"] = CODE
    plain_page.goto(site.url("challenge"))
    plain_page.fill("#pin", "2580")
    plain_page.fill("#otp", "123 456")
    plain_page.press("#otp", "Enter")

    assert site.posts == [
        (
            "challenge",
            [
                ("form_token", "token-canary"),
                ("pin", "2580"),
                ("otp", "123 456"),
                ("action", "submit"),
            ],
        )
    ]


@pytest.mark.parametrize(
    ("button", "sent"),
    [
        ("button[value=resend]", ("action", "resend")),
        ("button[value=extend]", ("action", "extend")),
        ("button[name=lang]", ("lang", "en")),
    ],
)
def test_each_button_says_what_it_is_for(
    button: str, sent: tuple[str, str], site: Site, page: Page
) -> None:
    site.screens["challenge"] = replace(CODE, asks_pin=False)
    page.goto(site.url("challenge"))
    page.click(button)
    page.wait_for_url("**/posted")

    assert site.posts == [("challenge", [("form_token", "token-canary"), ("otp", ""), sent])]


def test_the_keyboard_reaches_everything_in_reading_order(site: Site, page: Page) -> None:
    site.screens["challenge"] = CODE
    page.goto(site.url("challenge"))
    expect(page.locator("#pin")).to_be_focused()  # a moment after the page has loaded
    reached = []
    for _ in range(9):
        reached.append(
            page.evaluate(
                "(e => e.value || e.id || e.parentElement.className || 'body')"
                "(document.activeElement)"
            )
        )
        page.keyboard.press("Tab")

    assert reached == [
        *("pin", "otp", "submit", "resend", "cancel", "help", "extend", "en"),
        "body",
    ]


@pytest.mark.parametrize("code", ["123 456", " 1 2 3 4 5 6 "])
def test_a_pasted_code_is_taken_whole(code: str, site: Site, page: Page) -> None:
    """WCAG 2.2 3.3.8: paste works, blanks and all."""
    site.screens["challenge"] = replace(CODE, asks_pin=False)
    page.goto(site.url("challenge"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("code => navigator.clipboard.writeText(code)", code)
    page.focus("#otp")
    page.keyboard.press("Control+V")

    assert page.input_value("#otp") == code


def test_a_second_click_is_dropped(site: Site, page: Page) -> None:
    site.screens["challenge"] = CODE
    page.goto(site.url("challenge"))
    page.evaluate("""() => { const b = document.querySelector("button"); b.click(); b.click(); }""")
    page.wait_for_url("**/posted")

    assert len(site.posts) == 1


def test_the_seconds_to_a_new_code_count_down(site: Site, page: Page) -> None:
    page.clock.install()
    site.screens["challenge"] = CODE
    page.goto(site.url("challenge"))
    page.clock.run_for(10_000)
    hint = page.locator("#resend-hint")

    left = re.fullmatch(r"Nowy kod możesz zamówić za (\d+)\u00a0s\.", hint.inner_text())
    assert left is not None  # the clock of the page went on by what the machine took
    assert 10 <= int(left[1]) <= 18
    page.clock.run_for(19_000)
    assert hint.is_hidden()


def test_a_page_that_could_not_go_on_asks_again_by_itself(site: Site, page: Page) -> None:
    page.clock.install()
    fields = (("form_token", "t"), ("action", "continue"))
    site.screens["challenge"] = RetryScreen("challenge", fields, "pl")
    page.goto(site.url("challenge"))
    page.clock.run_for(4_500)
    page.wait_for_url("**/posted")

    assert site.posts == [("challenge", list(fields))]


def test_cancel_asks_first_without_script(site: Site, plain_page: Page) -> None:
    site.screens["challenge"] = replace(CODE, asks_pin=False)
    plain_page.goto(site.url("challenge"))
    plain_page.click("button[value=cancel]")

    assert site.posts == [
        ("challenge?ask", [("form_token", "token-canary"), ("otp", ""), ("action", "cancel")])
    ]


def test_the_question_before_a_cancel_has_two_answers(site: Site, plain_page: Page) -> None:
    site.screens["challenge"] = replace(CODE, asks_cancel=True)
    for answer in ("cancel", "continue"):
        plain_page.goto(site.url("challenge"))
        plain_page.click(f"button[value={answer}]")

    assert site.posts == [
        ("challenge", [("form_token", "token-canary"), ("action", answer)])
        for answer in ("cancel", "continue")
    ]


def test_before_the_time_is_over_the_page_warns_and_can_be_given_more(
    site: Site, page: Page
) -> None:
    """WCAG 2.2, 2.2.1: a minute before, said again 20 s before, one step gives more."""
    page.clock.install()
    site.screens["challenge"] = replace(CODE, asks_pin=False)
    page.goto(site.url("challenge"))
    warning = page.locator("#warning")
    page.clock.run_for(538_000)
    assert warning.is_hidden()
    page.clock.run_for(3_000)
    assert warning.inner_text().startswith("Zostało 60\u00a0s. Możesz przedłużyć czas.")
    page.clock.run_for(40_000)
    assert warning.inner_text().startswith("Zostało 20\u00a0s.")
    warning.get_by_role("button").click()
    page.wait_for_url("**/posted")

    assert site.posts[0][1][-1] == ("action", "extend")


def test_when_the_time_is_over_the_page_goes_on_to_its_end(site: Site, page: Page) -> None:
    page.clock.install()
    site.screens["challenge"] = CODE
    page.goto(site.url("challenge"))
    page.clock.run_for(602_000)
    page.wait_for_url("**/posted")

    assert site.posts[0][1][-1] == ("action", "continue")


# In the shop's frame


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-forms allow-scripts"'])
def test_the_page_is_whole_in_a_frame_of_another_site(sandbox: str, site: Site, page: Page) -> None:
    """Sandboxed frames have an opaque origin: style and script must load there as well."""
    site.screens["challenge"] = CODE
    site.html["shop"] = f'<iframe name="acs" src="{site.url("challenge")}" {sandbox}></iframe>'
    page.goto(site.url("shop", host="localhost"))
    frame = page.frame("acs")
    assert frame is not None
    frame.wait_for_load_state()
    mark = "document.querySelector('.scheme').naturalWidth"
    rounded = "getComputedStyle(document.querySelector('button')).borderRadius"

    assert frame.evaluate(f"[{mark} > 0, {rounded}]") == [True, "8px"]
    frame.click("button[value=submit]")
    frame.wait_for_url("**/posted")
    assert len(site.posts) == 1


def test_the_page_is_shown_in_a_shop_s_app_that_is_a_page_of_its_own_files(
    site: Site, page: Page, tmp_path: Path
) -> None:
    site.screens["challenge"] = CODE
    shop = tmp_path / "shop.html"
    shop.write_text(f'<iframe name="acs" src="{site.url("challenge")}"></iframe>', encoding="utf-8")
    page.goto(shop.as_uri())
    frame = page.frame("acs")
    assert frame is not None

    expect(frame.locator("h1")).to_have_text("Potwierdź płatność kartą", timeout=100_000)


def test_after_an_error_the_focus_is_on_the_field_even_in_a_frame(site: Site, page: Page) -> None:
    """WCAG 2.2 3.3.1; autofocus alone is ignored in a frame of another site."""
    site.screens["challenge"] = replace(CODE, notice=Notice.WRONG)
    site.html["shop"] = f'<iframe name="acs" src="{site.url("challenge")}"></iframe>'
    page.goto(site.url("shop", host="localhost"))
    frame = page.frame("acs")
    assert frame is not None

    # Whether the frame itself has the focus is the browser's affair, and not settled at once.
    frame.wait_for_function("document.activeElement?.id === 'pin'")


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-forms allow-scripts"'])
def test_the_last_page_reaches_the_shop_even_over_a_redirect(
    sandbox: str, site: Site, page: Page
) -> None:
    """A notification address often sends the browser on to a third host."""
    site.redirects["notify"] = site.url("thanks", host="localhost")
    site.screens["challenge"] = ReturnScreen(site.url("notify"), "e30", "ZGF0YQ", "done", "pl")
    site.html["shop"] = f'<iframe name="acs" src="{site.url("challenge")}" {sandbox}></iframe>'
    page.goto(site.url("shop", host="localhost"))
    frame = page.frame("acs")
    assert frame is not None
    frame.wait_for_url("**/thanks")

    assert site.posts == [("notify", [("cres", "e30"), ("threeDSSessionData", "ZGF0YQ")])]


def test_the_last_page_has_a_button_for_those_without_script(site: Site, plain_page: Page) -> None:
    site.screens["challenge"] = ReturnScreen(site.url("notify"), "e30", None, "failed", "en")
    plain_page.goto(site.url("challenge"))
    plain_page.click("button")

    assert site.posts == [("notify", [("cres", "e30")])]


def test_no_payload_runs(site: Site, page: Page) -> None:
    site.screens["challenge"] = replace(
        CODE, merchant=NASTY, phone_mask=NASTY, brand=Brand(NASTY, NASTY, NASTY)
    )
    page.goto(site.url("challenge"))

    assert page.title() == "Potwierdź płatność kartą"
    assert page.locator(".merchant bdi").inner_text().startswith("\"'><img src=x")


def test_nothing_is_asked_of_another_host(site: Site, page: Page) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    site.screens["challenge"] = CODE
    page.goto(site.url("challenge"), wait_until="networkidle")

    assert [url for url in asked if not url.startswith((site.url(""), "data:"))] == []
    assert len(asked) >= 4
