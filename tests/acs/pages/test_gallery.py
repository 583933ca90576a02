"""A gallery: every screen in every language, and frames in every size that load nothing else."""

from __future__ import annotations

import re
from itertools import product

from acs.pages.gallery import GROUNDS, gallery
from acs.pages.render import Pages
from acs.pages.samples import SIZES, app_screens, every_screen

PAGES = Pages()
FILES = gallery(PAGES)
NAMES = [*every_screen("pl"), *(f"app-{name}" for name in app_screens("pl"))]


def test_every_screen_is_there_in_every_language() -> None:
    every = product(PAGES.languages, GROUNDS, NAMES)
    wanted = {f"{language}-{ground}-{name}.html" for language, ground, name in every}

    assert wanted <= FILES.keys()


def test_each_language_is_shown_in_all_sizes_on_both_grounds() -> None:
    for language, ground in product(PAGES.languages, GROUNDS):
        frames = re.findall(
            r'<iframe src="([^"]+)" title="[^"]+" width="(\d+)" height="(\d+)"',
            FILES[f"all-{language}-{ground}.html"].decode(),
        )

        assert set(frames) == {
            (f"{language}-{ground}-{name}.html", str(width), str(height))
            for name, (width, height) in product(NAMES, SIZES.values())
        }


def test_what_a_page_loads_is_beside_it() -> None:
    for name, body in FILES.items():
        if name.endswith(".html"):
            loaded = re.findall(r'(?:src|srcset|href)="([a-z]+/[^"?]+)', body.decode())
            assert set(loaded) <= FILES.keys(), name


def test_a_ground_is_the_page_s_own_and_not_the_browser_s() -> None:
    light, dark = (FILES[f"{ground}/pages.css"] for ground in GROUNDS)

    assert b"prefers-color-scheme" not in light + dark
    assert (b"@media not all {" in light, b"@media all {" in dark) == (True, True)
    assert b'content="dark"' in FILES["pl-dark-code.html"]
    assert b'="dark/pages.css' in FILES["pl-dark-code.html"]


def test_no_page_runs_or_leaves_by_itself() -> None:
    assert [name for name, body in FILES.items() if b"<script" in body] == []


def test_the_index_leads_to_every_sheet() -> None:
    sheets = {name for name in FILES if name.startswith("all-")}

    assert set(re.findall(r'href="(all-[^"]+)"', FILES["index.html"].decode())) == sheets
