"""Every screen of the gallery in every language and size, in Chromium: would a bank ship it?

Nothing cut, nothing covered, nothing to scroll sideways for, everything large enough to touch; from
left and from right, with the text at 200 %, in windows half as wide as the smallest of the
specification; and nothing for axe to find.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from acs.pages import themes
from acs.pages.gallery import gallery
from acs.pages.render import LANGUAGES, Pages
from acs.pages.samples import SIZES, app_screens, every_screen
from acs.pages.themes import BUILT_IN
from tests.browser import CHROMIUM, FLAGS, NEEDS_BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, ViewportSize

pytestmark = NEEDS_BROWSER

ROOT = Path(__file__).parents[3]
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
MEASURE = (Path(__file__).parent / "geometry.js").read_text(encoding="utf-8")
THEME = ROOT / "loadtests" / "network" / "theme" / "bank.toml"
HOST = "http://gallery.test/"
LARGE_TYPE = "--blink-settings=defaultFontSize=32"
KINDS = {".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}

PHONES = [(320, 568), (360, 640), (412, 915), (568, 320), (844, 390)]
ZOOMED = [(125, 200), (160, 284)]
"""250 and 320 px wide at 200 %."""
MEASURED: list[tuple[int, int, str, str]] = [
    *((*size, "", "ltr") for size in (*SIZES.values(), *PHONES, *ZOOMED)),
    *((*size, "", "rtl") for size in (*SIZES.values(), (320, 568))),
    *((*size, "200%", "ltr") for size in ((250, 400), (320, 568), (1280, 800))),
]
SHORT = [one for one in MEASURED if one[:2] in {(250, 400), (600, 400)}]
BAD = b"""<!doctype html><title>Bad</title><style>* { margin: 0 } h1 { margin-top: -2rem }
label { display: block; width: 2rem; white-space: nowrap; overflow: hidden }
button { height: 20px; padding: 0; border: 0 }</style>
<p id=wide style="width: 300px; height: 3rem">Wide</p><h1>Title</h1>
<label>Code from the message</label>
<button class=low>Go</button>"""
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[Page, Page]]:
    """Open two pages that find the galleries of our own theme and of the demo's at one host.

    The second is of a browser whose own type was set to 200 %.
    """
    files = {
        "bad.html": BAD,
        **{f"plain/{name}": body for name, body in gallery(Pages()).items()},
        **{f"bank/{name}": body for name, body in gallery(_themed()).items()},
    }

    with _served(files) as port, sync_playwright() as playwright:
        only_here = f"MAP gallery.test:80 127.0.0.1:{port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        flags = [*FLAGS, f"--host-resolver-rules={only_here}"]
        kind = playwright.chromium
        usual = kind.launch(executable_path=CHROMIUM, args=flags)
        large = kind.launch(executable_path=CHROMIUM, args=[*flags, LARGE_TYPE])
        size: ViewportSize = {"width": 1400, "height": 1000}
        yield usual.new_page(viewport=size), large.new_page(viewport=size)
        usual.close()
        large.close()


@pytest.fixture
def page(pages: tuple[Page, Page]) -> Page:
    """Give the page of a browser as it comes."""
    return pages[0]


@pytest.fixture
def large(pages: tuple[Page, Page]) -> Page:
    """Give the page of the browser with large type."""
    return pages[1]


@contextmanager
def _served(files: dict[str, bytes]) -> Iterator[int]:
    """Serve files from memory and give the port; the browser may keep them, unlike routed ones."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = urlsplit(self.path).path.removeprefix("/")
            body = files.get(name, b"<!doctype html><title>Gallery</title>")
            self.send_response(200)
            self.send_header("Content-Type", KINDS.get(Path(name).suffix, KINDS[".html"]))
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def _themed() -> Pages:
    return Pages([themes.read(BUILT_IN, THEME, LANGUAGES)])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", ["plain", "bank"])
def test_nothing_is_cut_or_covered_in_any_size(page: Page, language: str, theme: str) -> None:
    names = [*every_screen(language), *(f"app-{name}" for name in app_screens(language))]
    if theme == "bank":
        names = ["pin-and-code", "longest", "failed", "app-longest"]
    # A notice changes a few words only: where room is short is enough.
    groups = {True: SHORT, False: MEASURED}
    page.goto(HOST)
    faults: list[str] = []
    for is_notice, sizes in groups.items():
        wanted = [name for name in names if name.startswith("notice-") is is_notice]
        pages = [f"{theme}/{language}-light-{name}.html" for name in wanted]
        faults += page.evaluate(MEASURE, {"pages": pages, "sizes": sizes})

    assert faults == []


BROKEN = """() => [...document.querySelectorAll(".amount dd, .merchant dd")].flatMap((one) => {
  const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT), broken = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    for (const word of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) broken.push(word[0]);
    }
  return broken;
})"""


@pytest.mark.parametrize("size", [(390, 400), (500, 600), (600, 400), (800, 800)])
def test_no_word_is_broken_where_the_browser_s_own_type_is_at_200(
    large: Page, size: tuple[int, int]
) -> None:
    """Whoever has set the browser to large type gets the layout for that much less room."""
    large.set_viewport_size({"width": size[0], "height": size[1]})
    broken = []
    for name in ("pin-and-code", "three-decimals", "code"):
        large.goto(f"{HOST}plain/pl-light-{name}.html")
        broken += large.evaluate(BROKEN)

    assert large.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    assert broken == []


def test_the_measure_finds_what_is_wrong(page: Page) -> None:
    """Otherwise the test above could not fail."""
    page.goto(HOST)
    faults: list[str] = page.evaluate(
        MEASURE, {"pages": ["bad.html"], "sizes": [(250, 400, "", "ltr")]}
    )

    assert [fault.partition(": ")[2] for fault in faults] == [
        "scrolls sideways",
        "p#wide is outside",
        "label is cut",
        "button.low is 20 px high",
        "p#wide and h1 overlap",
    ]


@pytest.mark.parametrize(("language", "ground"), [("pl", "light"), ("en", "dark")])
def test_axe_finds_nothing(page: Page, language: str, ground: str) -> None:
    names = ("trust-ticked", "expired-and-spent", "retry", "failed", "gone", "app-trust-ticked")
    axe, found = AXE.read_text(encoding="utf-8"), []
    for theme, name in [*product(["bank"], names), ("plain", "longest")]:
        page.goto(f"{HOST}{theme}/{language}-{ground}-{name}.html")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        page.evaluate(axe)
        answer = page.evaluate("rules => axe.run(document, rules)", RULES)
        found += [
            (theme, name, one["id"], [node["html"] for node in one["nodes"]])
            for one in answer["violations"]
        ]

    assert found == []
