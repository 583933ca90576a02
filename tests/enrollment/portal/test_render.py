"""The pages as HTML: every text there, every field labelled, every fault tied to its field."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest

from enrollment.portal import render
from schemas.texts import load_catalogues
from tests.enrollment.portal.shown import FAULTS, PAGES, draw, everything, pages

ROOM = Path(render.__file__).parent
CATALOGUES = load_catalogues(ROOM / "locale", "portal.po")
SHOWN = {
    (language, name): html
    for language in PAGES.languages
    for name, html in everything(language).items()
}
AUTOCOMPLETE = {
    "identifier": "username", "password": None, "repeat": None, "code": "one-time-code",
    "sms_password": "one-time-code", "phone": "tel", "pin": "off",
}  # fmt: skip


@pytest.fixture(params=SHOWN, ids=lambda key: f"{key[0]} {key[1]}")
def tree(request: pytest.FixtureRequest) -> Any:
    """Every page, parsed."""
    return html5lib.parse(SHOWN[request.param], treebuilder="etree", namespaceHTMLElements=False)


def test_polish_and_english_are_complete() -> None:
    assert set(CATALOGUES) == {"en", "pl"}


def test_a_new_language_starts_from_the_same_ids() -> None:
    template = (ROOM / "locale" / "portal.pot").read_text(encoding="utf-8")

    assert set(re.findall(r'^msgid "(.+)"$', template, re.MULTILINE)) == set(CATALOGUES["en"])


def test_every_text_a_template_names_is_there() -> None:
    named = {
        text_id
        for file in (ROOM / "templates").glob("*.html")
        for text_id in re.findall(r"\bt\('([a-z0-9_]+)'[,)]", file.read_text(encoding="utf-8"))
    }

    assert named - set(CATALOGUES["pl"]) == set()


def test_every_page_has_one_heading_one_main_and_its_language(tree: Any) -> None:
    assert len(list(tree.iter("h1"))) == 1
    assert len(list(tree.iter("main"))) == 1
    assert tree.get("lang") in PAGES.languages
    assert next(tree.iter("title")).text.strip()


def test_the_first_link_skips_to_the_content(tree: Any) -> None:
    assert next(tree.iter("a")).get("href") == "#main"


def test_headings_never_skip_a_level(tree: Any) -> None:
    levels = [int(one.tag[1]) for one in tree.iter() if re.fullmatch("h[1-6]", str(one.tag))]

    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_field_has_one_label_and_what_describes_it_is_there(tree: Any) -> None:
    labels = [one.get("for") for one in tree.iter("label")]
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    fields = [one for one in tree.iter("input") if one.get("type") != "hidden"]

    assert len(ids) == len(set(ids))
    assert all(labels.count(one.get("id")) == 1 for one in fields)
    described = [word for one in fields for word in (one.get("aria-describedby") or "").split()]
    assert set(described) <= set(ids)


def test_a_fault_is_in_focus_and_said_in_an_alert(tree: Any) -> None:
    wrong = [one for one in tree.iter("input") if one.get("aria-invalid")]

    assert all(one.get("autofocus") is not None for one in wrong)
    assert len([one for one in tree.iter("input") if one.get("autofocus") is not None]) <= 1
    if wrong:
        assert any(one.get("role") == "alert" for one in tree.iter("p"))
        assert next(tree.iter("title")).text.startswith(("Błąd", "Error"))


def test_nothing_is_ticked_beforehand(tree: Any) -> None:
    assert [one for one in tree.iter("input") if one.get("checked") is not None] == []


def test_there_is_no_script_and_no_style_of_its_own(tree: Any) -> None:
    assert list(tree.iter("script")) == []
    assert list(tree.iter("style")) == []
    assert [one for one in tree.iter() if one.get("style") or one.get("onclick")] == []


def test_browsers_and_password_stores_may_fill_in(tree: Any) -> None:
    for one in tree.iter("input"):
        wanted = AUTOCOMPLETE.get(one.get("name"))
        if wanted is not None:
            assert one.get("autocomplete") == wanted
        if one.get("name") == "password":
            assert one.get("autocomplete") in {"current-password", "new-password"}


def test_a_phone_number_never_breaks_across_lines(tree: Any) -> None:
    words = "".join(tree.itertext())

    assert re.findall(r"\+48 |\*\*\* ", words) == []


def test_every_form_is_a_post_with_the_page_s_token(tree: Any) -> None:
    for form in tree.iter("form"):
        assert form.get("method") == "post"
        assert [one.get("value") for one in form.iter("input") if one.get("name") == "form_token"]


def test_what_clients_and_shops_are_called_is_escaped() -> None:
    nasty = "\"'><script>alert(1)</script>"
    page = pages("pl")["in merchants"]
    page.values["merchants"][0] = type(page.values["merchants"][0])(
        page.values["merchants"][0].merchant_id, nasty, page.values["merchants"][0].added_at
    )

    assert b"<script>" not in draw(page, "pl", is_in=True)


def test_the_same_page_gives_the_same_bytes() -> None:
    assert everything("pl") == {
        name: html for (language, name), html in SHOWN.items() if language == "pl"
    }
    assert FAULTS


def test_the_colours_are_those_of_the_challenge_pages() -> None:
    sheets = [
        (ROOM / "static" / "portal.css").read_text(encoding="utf-8"),
        (ROOM.parents[1] / "acs" / "pages" / "static" / "pages.css").read_text(encoding="utf-8"),
    ]
    ours, theirs = (re.findall(r"--[a-z-]+: #[0-9a-f]{6};", sheet) for sheet in sheets)

    assert ours == theirs


def test_an_unknown_code_gets_the_general_word() -> None:
    words = render.Words(PAGES, "en")

    assert words.known("event", "no.such") == words.text("event_other")
    assert words.known("threeds", "active") == "on"
