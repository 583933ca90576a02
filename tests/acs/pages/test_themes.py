"""Themes: a good one changes the page, a bad one is refused with a sentence that says why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import html5lib
import pytest

from acs.pages import themes
from acs.pages.render import LANGUAGES, Pages
from acs.pages.themes import BadTheme
from tests.acs.pages.shown import BRAND, CODE
from tests.records import replace

if TYPE_CHECKING:
    from acs.pages.themes import Theme

DEMO = Path(__file__).parents[3] / "loadtests" / "network" / "theme" / "bank.toml"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 32"><path d="M0 0h9z"/></svg>'
PLUM = '[light]\naction = "#7a1f5c"\naction-strong = "#5c1745"\n'


def theme(folder: Path, text: str, name: str = "plum") -> Theme:
    """Write a theme and read it."""
    (folder / "logo.svg").write_text(LOGO)
    (folder / "dark.svg").write_text(LOGO.replace("h9z", "h8z"))
    (folder / "theme.toml").write_text(text)
    return themes.read(name, folder / "theme.toml", LANGUAGES)


def header(theme: Theme) -> Element:
    """Draw the entry page of a theme and give what stands at its top."""
    page = Pages([theme]).render(replace(CODE, brand=replace(BRAND, theme=theme.name)))
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found = parser.parse(page.html.decode()).find(".//header")
    assert isinstance(found, Element)
    return found


def test_the_demos_theme_is_good() -> None:
    assert themes.read("bank", DEMO, LANGUAGES).issuer_name == "Bank Demo"


def test_a_theme_may_say_nothing(tmp_path: Path) -> None:
    found = theme(tmp_path, "")

    assert (found.sheet, found.logo, dict(found.files)) == ("pages.css", "bank.svg", {})


def test_its_colours_come_behind_those_of_the_sheet(tmp_path: Path) -> None:
    found = theme(tmp_path, PLUM)
    sheet = found.files[found.sheet].body.decode()

    assert sheet.startswith(themes._SHEET)
    assert "--action: #7a1f5c;" in sheet[len(themes._SHEET) :]


def test_every_file_of_a_theme_is_served_from_our_origin(tmp_path: Path) -> None:
    found = theme(tmp_path, f'logo = "logo.svg"\nlogo_dark = "dark.svg"\n{PLUM}')
    served = Pages([found]).static_files

    assert found.files.keys() == {
        "theme-plum.css",
        "theme-plum-logo.svg",
        "theme-plum-logo-dark.svg",
    }
    assert all(served[name] == file for name, file in found.files.items())


def test_a_logo_without_a_dark_one_stands_on_a_light_plate(tmp_path: Path) -> None:
    found = header(theme(tmp_path, 'name = "Plum Bank"\nlogo = "logo.svg"'))
    issuer = found.find("./span")
    assert issuer is not None

    assert issuer.get("class") == "issuer plate"
    assert [one.get("alt") for one in issuer.iter("img")] == [""]
    assert "".join(issuer.itertext()).strip() == "Plum Bank"


def test_a_logo_that_says_the_name_says_it_to_everybody(tmp_path: Path) -> None:
    text = 'name = "Plum Bank"\nlogo = "logo.svg"\nlogo_dark = "dark.svg"\nlogo_says_name = true'
    issuer = header(theme(tmp_path, text)).find("./span")
    assert issuer is not None
    dark = issuer.find(".//source")
    assert dark is not None

    assert issuer.get("class") == "issuer"
    assert [one.get("alt") for one in issuer.iter("img")] == ["Plum Bank"]
    assert "".join(issuer.itertext()).strip() == ""
    assert dark.get("media") == "(prefers-color-scheme: dark)"


def test_help_of_the_bank_stands_in_its_language_alone(tmp_path: Path) -> None:
    found = theme(tmp_path, 'phone = "800 100 100"\n[help]\npl = "Pomoc w aplikacji."')
    pages = Pages([found])
    shown = [
        pages.render(replace(CODE, language=one, brand=replace(BRAND, theme="plum"))).html.decode()
        for one in ("pl", "en")
    ]

    assert ["Pomoc w aplikacji." in html for html in shown] == [True, False]
    assert ["800\u00a0100\u00a0100" in html for html in shown] == [True, True]


def test_an_unknown_theme_is_the_built_in_one(tmp_path: Path) -> None:
    pages = Pages([theme(tmp_path, PLUM)])
    shown = [
        pages.render(replace(CODE, brand=replace(BRAND, theme=name))).html
        for name in ("none", "plum")
    ]

    assert shown[0] == Pages().render(CODE).html
    assert b"theme-plum.css" in shown[1]


def test_the_built_in_one_can_be_replaced(tmp_path: Path) -> None:
    pages = Pages([theme(tmp_path, PLUM, "default")])

    assert b"theme-default.css" in pages.render(CODE).html


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = 1", "Expected `str | null`, got `int` - at `$.name`"),
        ("colour = 'red'", "unknown field `colour`"),
        ("name", "is not TOML"),
        ("name = 'Bank\u202e'", "name holds signs that cannot be seen"),
        ("phone = 'call us'", "phone"),
        ("[light]\nglow = '#000000'", "light: glow is no colour of the pages"),
        ("[dark]\nink = '#111111'", "dark: ink on sheet has a contrast of 1."),
        ("[help]\nxx = 'Pomoc'", "help: there are no pages in xx"),
        ("logo = '../logo.svg'", "logo is the name of a file beside this one"),
        ("logo = 'none.svg'", "logo none.svg cannot be read: No such file"),
        ("logo = 'theme.toml'", "logo theme.toml: neither .svg nor .png"),
        ("logo_dark = 'dark.svg'", "logo_dark and logo_says_name go with a logo"),
        ("logo_says_name = true", "logo_dark and logo_says_name go with a logo"),
    ],
)
def test_a_bad_theme_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadTheme) as caught:
        theme(tmp_path, text)

    assert any(sentence in one and str(tmp_path) in one for one in caught.value.sentences)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTheme) as caught:
        theme(tmp_path, "logo = 'none.svg'\n[light]\nglow = '#000000'\n[help]\nxx = 'x'", "Plum!")

    assert len(caught.value.sentences) == 4


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadTheme, match="cannot be read: No such file"):
        themes.read("plum", tmp_path / "none.toml", LANGUAGES)
