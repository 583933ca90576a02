"""A gallery: every screen in every language, and frames in every size that load nothing else."""

from __future__ import annotations

import re
from itertools import product

from acs.pages.gallery import GROUNDS, gallery
from acs.pages.render import Pages
from acs.pages.samples import SIZES, every_screen

PAGES = Pages()
FILES = gallery(PAGES)


def test_every_screen_is_there_in_every_language() -> None:
    wanted = {f"{one}-{name}.html" for one, name in product(PAGES.languages, every_screen("pl"))}

    assert wanted <= FILES.keys()


def test_each_language_is_shown_in_all_sizes_on_both_grounds() -> None:
    for language, ground in product(PAGES.languages, GROUNDS):
        frames = re.findall(
            r'<iframe src="([^"]+)" title="[^"]+" width="(\d+)" height="(\d+)"',
            FILES[f"all-{language}-{ground}.html"].decode(),
        )

        assert set(frames) == {
            (f"{language}-{name}.html", str(width), str(height))
            for name, (width, height) in product(every_screen(language), SIZES.values())
        }


def test_what_a_page_loads_is_beside_it() -> None:
    for name, body in FILES.items():
        if name.endswith(".html"):
            loaded = re.findall(r'(?:src|srcset|href)="(static/[^"?]+)', body.decode())
            assert set(loaded) <= FILES.keys(), name


def test_no_page_runs_or_leaves_by_itself() -> None:
    assert [name for name, body in FILES.items() if b"<script" in body] == []


def test_the_index_leads_to_every_sheet() -> None:
    sheets = {name for name in FILES if name.startswith("all-")}

    assert set(re.findall(r'href="(all-[^"]+)"', FILES["index.html"].decode())) == sheets
