"""Catalogues agree with each other; the language is chosen as the cardholder would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enrollment_api import LANGUAGES
from schemas.texts import (
    Catalogue,
    as_written,
    check_catalogues,
    choose_language,
    language_wishes,
    load_catalogues,
)

FOLDER = Path(__file__).parents[2] / "acs" / "pages" / "locale"
PORTAL = Path(__file__).parents[2] / "enrollment" / "portal" / "locale"
ROOMS = [(FOLDER, "pages.po"), (PORTAL, "portal.po")]


def write(folder: Path, language: str, body: str) -> None:
    """Write a catalogue as a translator would."""
    path = folder / language / "pages.po"
    path.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    path.write_text(head + body, encoding="utf-8")


def test_the_pages_speak_every_language_of_the_bank() -> None:
    assert set(load_catalogues(FOLDER)) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_governs_a_word(language: str) -> None:
    """A word after a number would have to follow it (one, few, many): only abbreviations do."""
    for room in ROOMS:
        after = {
            word.lower()
            for text in load_catalogues(*room)[language].values()
            for word in re.findall(r"\{(?:s|n|left|minutes)\}\s*([^\W\d_]+)", text)
        }
        assert after <= {"s", "min", "с", "хв"}


@pytest.mark.parametrize("language", ["de", "uk"])
def test_clients_are_addressed_formally(language: str) -> None:
    words = {
        word
        for room in ROOMS
        for text in load_catalogues(*room)[language].values()
        for word in re.findall(r"[^\W\d_]+", text)
    }

    assert words & {"du", "dich", "dir", "dein", "deine", "ти", "тебе", "твій", "твоя"} == set()
    assert words & {"Ihre", "Ваш", "Ви", "Sie"}


def test_texts_are_read_as_they_stand(tmp_path: Path) -> None:
    write(tmp_path, "pl", 'msgid "title"\nmsgstr "Zażółć {n}"\n')

    assert load_catalogues(tmp_path) == {"pl": {"title": "Zażółć {n}"}}


@pytest.mark.parametrize(
    ("language", "written", "read"),
    [
        ("en", "Wait {s} s. Code no. {n}: a number", "Wait {s}~s. Code no.~{n}: a number"),
        ("de", "Um {time} Uhr, SMS Nr. {n}, 60 Euro", "Um {time}~Uhr, SMS Nr.~{n}, 60~Euro"),
        ("pl", "Kod z SMS-a nr {n} i PIN w {s} s (od)", "Kod z~SMS-a nr~{n} i~PIN w~{s}~s (od)"),
        ("pl", "W portalu o {time}, za {minutes} min", "W~portalu o~{time}, za {minutes}~min"),
        ("uk", "Код у SMS № {n} і PIN-код", "Код у~SMS №~{n} і~PIN-код"),
    ],
)
def test_what_a_line_may_not_part_is_joined(
    tmp_path: Path, language: str, written: str, read: str
) -> None:
    write(tmp_path, language, f'msgid "title"\nmsgstr "{written}"\n')

    found = load_catalogues(tmp_path)[language]["title"]

    assert (found, as_written(found)) == (read.replace("~", "\u00a0"), written)


def test_what_the_shop_shows_for_the_bank_stays_as_it_is_written(tmp_path: Path) -> None:
    write(tmp_path, "pl", 'msgid "info_x"\nmsgstr "Włączysz je w banku za 5 min."\n')

    assert load_catalogues(tmp_path)["pl"]["info_x"] == "Włączysz je w banku za 5 min."


@pytest.mark.parametrize(
    "other",
    [{"a": "x"}, {"a": "x", "b": "y {n}", "c": "z"}, {"a": "x", "b": "y"}, {"a": "", "b": "{n}"}],
)
def test_a_difference_between_languages_stops_the_start(other: Catalogue) -> None:
    with pytest.raises(ValueError, match=r"differ"):
        check_catalogues({"en": {"a": "x", "b": "y {n}"}, "pl": other})


def test_no_catalogue_at_all_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no catalogue"):
        load_catalogues(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_for_the_shop_fit_cardholder_info(language: str) -> None:
    """cardholderInfo has room for 128 characters."""
    catalogue = load_catalogues(FOLDER)[language]
    longest = max(len(text) for text_id, text in catalogue.items() if text_id.startswith("info_"))

    assert longest <= 128


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_an_address_or_markup(language: str) -> None:
    """Nothing on a page leads out of it."""
    words = " ".join(load_catalogues(FOLDER)[language].values()).lower()

    assert not [part for part in ("http", "www.", "<", ">", "@") if part in words]


@pytest.mark.parametrize(
    ("card", "browser", "default", "chosen"),
    [
        ("en", "pl-PL", "pl", "en"),
        (None, "en-GB", "pl", "en"),
        (None, "en-GB-oxendict", "pl", "en"),
        (None, "EN_us", "pl", "en"),
        (None, "fr-FR, en;q=0.8, pl;q=0.5", "pl", "en"),
        (None, "pl;q=0.1, en;q=0.9", "pl", "en"),
        (None, "en;q=0, fr", "pl", "pl"),
        ("de", "en", "pl", "en"),
        ("de", "fr", "pl", "pl"),
        (None, None, "pl", "pl"),
        ("", "", "de", "en"),
        (None, "*", "pl", "pl"),
        (None, "en;q=x", "pl", "pl"),
    ],
)
def test_card_then_browser_then_bank(
    card: str | None, browser: str | None, default: str, chosen: str
) -> None:
    assert choose_language(card, browser, default, ("en", "pl")) == chosen


@given(st.text(max_size=300))
def test_no_header_breaks_the_choice(header: str) -> None:
    assert choose_language(None, header, "pl", ("en", "pl")) in {"en", "pl"}


def test_wishes_of_equal_weight_keep_their_order() -> None:
    assert language_wishes("de, fr;q=0.5, uk-UA") == ("de", "uk", "fr")
