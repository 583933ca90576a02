"""The pages as HTML: every text there, every field labelled, every fault tied to its field."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest
from babel import Locale

from enrollment.events import EventName
from enrollment.portal import render
from schemas.enrollment_api import LANGUAGES
from schemas.static_files import PALETTE
from schemas.texts import load_catalogues
from tests.enrollment.portal.shown import FAULTS, PAGES, draw, everything, pages
from tests.records import replace

ROOM = Path(render.__file__).parent
CATALOGUES = load_catalogues(ROOM / "locale", "portal.po")
SHOWN = {
    (language, name): html
    for language in PAGES.languages
    for name, html in everything(language).items()
}
SAME_IN_GERMAN = {"menu_limits", "card_more"}
AUTOCOMPLETE = {
    "identifier": "username", "password": None, "repeat": None, "code": "one-time-code",
    "sms_password": "one-time-code", "phone": "tel", "pin": "off",
}  # fmt: skip


@pytest.fixture(params=SHOWN, ids=lambda key: f"{key[0]} {key[1]}")
def tree(request: pytest.FixtureRequest) -> Any:
    """Every page, parsed."""
    return html5lib.parse(SHOWN[request.param], treebuilder="etree", namespaceHTMLElements=False)


def test_every_language_of_the_bank_is_complete() -> None:
    """That each has every id and every place for a value, the start itself demands."""
    assert set(CATALOGUES) == set(LANGUAGES)
    assert [set(one) for one in CATALOGUES.values()] == [set(CATALOGUES["en"])] * len(LANGUAGES)


def test_what_differs_between_languages_is_not_left_in_english() -> None:
    english = CATALOGUES["en"]
    same = {
        language: {text_id for text_id, text in texts.items() if text == english[text_id]}
        for language, texts in CATALOGUES.items()
        if language != "en"
    }

    assert same == {"pl": {"menu"}, "de": SAME_IN_GERMAN, "uk": set()}


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (300, {"pl": "5 min", "en": "5 min", "de": "5 Min.", "uk": "5 хв"}),
        (90, {"pl": "90 sek.", "en": "90 sec", "de": "90 Sek.", "uk": "90 с"}),
    ],
)
def test_a_span_is_said_in_whole_units(seconds: int, says: dict[str, str]) -> None:
    span = timedelta(seconds=seconds)
    said = {language: render.Words(PAGES, language).span(span) for language in says}
    assert {
        language: text.replace("\N{NO-BREAK SPACE}", " ") for language, text in said.items()
    } == says


@pytest.mark.parametrize(
    ("minutes", "says"),
    [
        (1, {"pl": "1 min", "en": "1 min", "de": "1 Min.", "uk": "1 хв"}),
        (119, {"pl": "119 min", "en": "119 min", "de": "119 Min.", "uk": "119 хв"}),
        (120, {"pl": "2 godz.", "en": "2 hr", "de": "2 Std.", "uk": "2 год"}),
        (742, {"pl": "13 godz.", "en": "13 hr", "de": "13 Std.", "uk": "13 год"}),
    ],
)
def test_a_long_wait_is_said_in_begun_hours(minutes: int, says: dict[str, str]) -> None:
    said = {language: render.Words(PAGES, language).wait(minutes) for language in says}
    assert {
        language: text.replace("\N{NO-BREAK SPACE}", " ") for language, text in said.items()
    } == says


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


def test_the_page_reads_in_the_direction_of_its_language(tree: Any) -> None:
    assert tree.get("dir") == Locale.parse(tree.get("lang")).text_direction


def test_every_language_is_offered_by_its_own_name(tree: Any) -> None:
    switch = next(one for one in tree.iter("p") if one.get("class") == "languages")
    names = {one.get("lang"): one.text for one in switch.iter() if one.get("lang")}
    here = [one.get("lang") for one in switch.iter() if one.get("aria-current")]

    assert names == {"de": "Deutsch", "en": "English", "pl": "Polski", "uk": "Українська"}
    assert here == [tree.get("lang")]
    assert {one.get("href") for one in switch.iter("a")} == {
        f"?lang={language}" for language in LANGUAGES if language != tree.get("lang")
    }


def test_the_sheet_knows_no_left_and_no_right() -> None:
    """Sides are named by the direction of reading, so that a page may be turned round."""
    sheet = (ROOM / "static" / "portal.css").read_text(encoding="utf-8")
    rules = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)

    assert re.findall(r"\b(?:left|right)\b", rules) == []
    # Four values that name the sides one by one are the same on both.
    four = re.findall(r"(?:padding|margin): ([^\s;]+) ([^\s;]+) ([^\s;]+) ([^\s;]+);", rules)
    assert [sides for sides in four if sides[1] != sides[3]] == []


def test_a_declaration_in_another_language_says_so() -> None:
    page = pages("uk")["register 2"]
    texts = [replace(text, language="pl") for text in page.values["texts"]]
    foreign = replace(page, values={**page.values, "texts": texts})

    assert draw(foreign, "uk").count(b'<label for="consent_sms_3ds" lang="pl">') == 1
    assert b'lang="pl">' not in draw(page, "uk").split(b"<footer")[0]


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
        assert next(tree.iter("title")).text.startswith(("Błąd", "Error", "Fehler", "Помилка"))


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


def test_the_colours_are_those_of_all_pages() -> None:
    own = (ROOM / "static" / "portal.css").read_text(encoding="utf-8")

    assert re.findall(r"#[0-9a-f]{3,8}\b", own) == []
    assert PAGES.static_files["portal.css"].body.startswith(PALETTE.read_bytes())


@pytest.mark.parametrize(
    ("language", "entry"),
    [("pl", "2500,50"), ("en", "2500.50"), ("de", "2500,50"), ("uk", "2500,50")],
)
def test_an_amount_in_a_form_has_the_point_of_its_language(language: str, entry: str) -> None:
    page = draw(pages(language)["in limits"], language, is_in=True)

    assert f' value="{entry}"'.encode() in page


def test_an_unknown_code_gets_the_general_word() -> None:
    words = render.Words(PAGES, "en")

    assert words.known("event", "no.such") == words.text("event_other")
    assert words.known("threeds", "active") == "on"


def test_every_event_that_a_client_may_see_has_words_of_its_own() -> None:
    seen_by_others = {
        EventName.PERSON_CLOSED, EventName.PERSON_PURGED, EventName.ACCOUNT_UPSERTED,
        EventName.IMPORT_BATCH, EventName.API_DENIED, EventName.JTI_REPLAY,
        EventName.CONSENT_TEXT_LOADED,
    }  # fmt: skip
    without = [
        name
        for name in EventName
        if name not in seen_by_others and not PAGES.has_text(f"event_{name.replace('.', '_')}")
    ]

    assert without == []
