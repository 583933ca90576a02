"""What the pages say and hold, read from their HTML as a browser would."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.case import InfoText
from acs.challenge.screens import (
    Amount,
    ErrorScreen,
    Notice,
    ResendState,
    ReturnScreen,
    Screen,
    WaitScreen,
)
from acs.pages import render
from acs.pages.render import Pages
from tests.acs.pages.shown import CODE, LANGUAGES, every_screen

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PAGES = Pages()
EVERY = [
    pytest.param(screen, id=f"{name} {language}")
    for language in LANGUAGES
    for name, screen in every_screen(language).items()
]
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title></style></textarea><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;",
]


def dom(screen: Screen) -> Element:
    """Parse a page strictly: a fault in the markup is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(PAGES.render(screen).html.decode())
    return tree


def one(tree: Element, path: str) -> Element:
    """Find the only element of a path."""
    (found,) = tree.findall(path)
    return found


def words(element: Element) -> str:
    """Give the text of an element with single blanks."""
    return " ".join("".join(element.itertext()).split())


def buttons(screen: Screen) -> list[tuple[str | None, str | None]]:
    """Give name and value of all buttons in their order."""
    return [(b.get("name"), b.get("value")) for b in dom(screen).iter("button")]


# The contract of the page


def test_one_field_takes_the_code() -> None:
    field = one(dom(CODE), ".//input[@name='otp']")

    assert [
        field.get(name) for name in ("id", "type", "autocomplete", "inputmode", "maxlength")
    ] == ["otp", "text", "one-time-code", "numeric", "10"]


def test_one_field_takes_the_pin_where_it_is_asked() -> None:
    field = one(dom(CODE), ".//input[@name='pin']")

    assert [field.get(name) for name in ("id", "type", "autocomplete")] == [
        "pin",
        "password",
        "off",
    ]


def test_no_pin_field_where_it_is_not_asked() -> None:
    fields = [field.get("name") for field in dom(replace(CODE, asks_pin=False)).iter("input")]

    assert fields == ["form_token", "otp"]


def test_submit_comes_first_so_that_enter_submits() -> None:
    assert buttons(CODE) == [
        ("action", "submit"),
        ("action", "resend"),
        ("action", "cancel"),
        ("lang", "en"),
    ]


def test_everything_is_in_one_form_to_the_same_route() -> None:
    form = one(dom(CODE), ".//form")
    inside = [*form.iter("input"), *form.iter("button")]

    assert (form.get("method"), form.get("action"), len(inside)) == ("post", "challenge", 7)


def test_the_form_carries_the_token() -> None:
    token = one(dom(CODE), ".//input[@name='form_token']")

    assert (token.get("type"), token.get("value")) == ("hidden", "token-canary")


def test_nothing_blocks_an_entry_without_a_word() -> None:
    """Checks are the server's, with an explanation in the page's language."""
    tree = dom(CODE)
    blocking = [f for f in tree.iter("input") if {"required", "pattern", "min"} & f.attrib.keys()]

    assert (blocking, one(tree, ".//form").get("novalidate")) == ([], "")


@pytest.mark.parametrize("session_data", ["ZGF0YQ", None])
def test_the_last_page_holds_the_result_and_nothing_else(session_data: str | None) -> None:
    screen = ReturnScreen("https://shop.example/n?a=1&b=2", "e30", session_data, "done", "pl")
    form = one(dom(screen), ".//form")
    fields = {field.get("name"): field.get("value") for field in form.iter("input")}

    assert (form.get("method"), form.get("action"), fields) == (
        "post",
        "https://shop.example/n?a=1&b=2",
        {"cres": "e30"} | ({} if session_data is None else {"threeDSSessionData": session_data}),
    )


def test_the_last_page_has_a_button_that_sends_nothing_of_its_own() -> None:
    screen = ReturnScreen("https://shop.example/n", "e30", None, "done", "pl")

    assert buttons(screen) == [(None, None)]


def test_the_waiting_page_asks_again_with_the_token() -> None:
    screen = WaitScreen("challenge", "t0ken", "pl", "visa", "Bank", "")
    token = one(dom(screen), ".//input[@name='form_token']").get("value")

    assert (token, buttons(screen)) == ("t0ken", [("action", "continue")])


# What the cardholder reads


@pytest.mark.parametrize(
    ("language", "title", "amount", "date"),
    [
        ("pl", "Potwierdź płatność kartą", "123,45 PLN", "25 lis 2026, 17:08"),
        ("en", "Confirm your card payment", "123.45 PLN", "25 Nov 2026, 17:08"),
    ],
)
def test_amount_payee_card_and_date(language: str, title: str, amount: str, date: str) -> None:
    """RTS art. 5(1)(a): the payer is aware of amount and payee. Times are Warsaw's."""
    tree = dom(replace(CODE, language=language))

    assert [words(one(tree, ".//h1")), *map(words, tree.iter("dd"))] == [
        title,
        amount,
        "Księgarnia Pod Lipą",
        "•••• 1234",
        date,
    ]


def test_without_payment_no_amount_is_shown() -> None:
    tree = dom(replace(CODE, amount=None))

    assert [words(term) for term in tree.iter("dt")] == ["Sklep", "Karta", "Data"]


def test_the_amount_follows_the_exponent_of_the_message() -> None:
    tree = dom(replace(CODE, amount=Amount(15000, 0, "352")))

    assert words(one(tree, ".//dd[1]/..[@class='amount']/dd")) == "15 000 ISK"


def test_where_and_until_when_the_code_was_sent() -> None:
    hint = one(dom(CODE), ".//p[@id='sent']")

    assert words(hint) == "Wysłany o 17:08 na +48 *** *** 761, ważny do 17:13."


@pytest.mark.parametrize(("number", "label"), [(1, "Kod z SMS-a"), (2, "Kod z SMS-a nr 2")])
def test_a_later_code_is_named_by_its_number(number: int, label: str) -> None:
    tree = dom(replace(CODE, code_number=number))

    assert words(one(tree, ".//label[@for='otp']")) == label


@pytest.mark.parametrize(
    ("notice", "asks_pin", "text"),
    [
        (Notice.WRONG, True, "Podane dane nie pasują. Pozostało prób: 3."),
        (Notice.WRONG, False, "Podane dane nie pasują. Pozostało prób: 3."),
        (Notice.CODE_EMPTY, False, "Wpisz kod z SMS-a."),
        (Notice.CODE_EMPTY, True, "Wpisz PIN i kod z SMS-a."),
        (Notice.CODE_FORMAT, False, "Kod ma 6 cyfr. Sprawdź i wpisz go ponownie."),
        (Notice.CODE_FORMAT, True, "Kod ma 6 cyfr. Wpisz ponownie PIN i kod."),
        (Notice.PIN_FORMAT, True, "PIN ma od 4 do 8 cyfr. Wpisz ponownie PIN i kod."),
        (Notice.CODE_EXPIRED, True, "Kod stracił ważność. Zamów nowy."),
        (Notice.CODE_SENT, True, "Wysłaliśmy nowy kod. Poprzedni już nie działa."),
        (Notice.RESEND_TOO_SOON, True, "Za wcześnie na nowy kod. Poczekaj 28 s."),
        (Notice.STALE, True, "Ta strona była nieaktualna. Wpisz dane jeszcze raz."),
    ],
)
def test_what_happened_is_told(notice: Notice, text: str, *, asks_pin: bool) -> None:
    tree = dom(replace(CODE, notice=notice, asks_pin=asks_pin))

    assert words(one(tree, ".//p[@id='notice']")) == text


def test_a_last_attempt_is_announced() -> None:
    tree = dom(replace(CODE, notice=Notice.WRONG, attempts_left=1))

    assert words(one(tree, ".//p[@id='notice']")) == (
        "Podane dane nie pasują. Została ostatnia próba."
    )


def test_when_no_code_is_left_the_button_says_so_but_can_be_reached() -> None:
    spent = replace(CODE, resend=ResendState(allowed=False, wait_s=0, left=0))
    tree = dom(spent)
    button = one(tree, ".//button[@value='resend']")

    assert (button.get("aria-disabled"), "disabled" in button.attrib) == ("true", False)
    assert words(one(tree, ".//p[@id='resend-hint']")) == (
        "W tej płatności nie wyślemy już więcej kodów."
    )


def test_while_a_new_code_must_wait_the_seconds_are_told() -> None:
    hint = one(dom(CODE), ".//p[@id='resend-hint']")

    assert (words(hint), hint.get("data-wait")) == ("Nowy kod możesz zamówić za 28 s.", "28")


def test_when_a_new_code_may_be_sent_nothing_is_said() -> None:
    ready = replace(CODE, resend=ResendState(allowed=True, wait_s=0, left=2))

    assert dom(ready).findall(".//p[@id='resend-hint']") == []


def test_once_the_code_is_dead_a_new_one_is_the_way_on() -> None:
    tree = dom(replace(CODE, code_live=False))
    primary = [button.get("value") for button in tree.findall(".//button[@class='primary']")]

    assert (primary, tree.findall(".//p[@id='sent']")) == (["resend"], [])


def test_a_masked_phone_never_breaks_across_lines() -> None:
    said = "".join(one(dom(CODE), ".//p[@id='sent']").itertext())

    assert "+48\u00a0***\u00a0***\u00a0761" in said


def test_help_unfolds_in_place() -> None:
    tree = dom(CODE)

    assert words(one(tree, ".//summary")) == "Potrzebujesz pomocy?"
    assert words(tree.findall(".//details//li")[-1]) == "Telefon do banku: +48 22 123 45 67"


@pytest.mark.parametrize(
    ("scheme", "name", "file"),
    [
        ("visa", "Visa", "visa.svg"),
        ("Mastercard", "Mastercard", "mastercard.svg"),
        ("amex", "American Express", "amex.svg"),
        ("localscheme", "localscheme", "card.svg"),
    ],
)
def test_the_scheme_is_named_by_its_mark(scheme: str, name: str, file: str) -> None:
    mark = one(dom(replace(CODE, scheme=scheme)), ".//img[@class='scheme']")

    assert (mark.get("alt"), mark.get("src")) == (name, PAGES.static_files[file].address)


def test_unknown_and_expired_look_the_same() -> None:
    """Otherwise identifiers could be tried out."""
    unknown = PAGES.render(ErrorScreen("unknown", "pl"))
    expired = PAGES.render(ErrorScreen("expired", "pl"))

    assert unknown == expired


def test_a_language_without_pages_falls_back_to_the_banks() -> None:
    assert dom(replace(CODE, language="de")).get("lang") == "pl"


# Every page, for everyone


@pytest.mark.parametrize("screen", EVERY)
def test_the_page_is_sound(screen: Screen) -> None:
    """Title, language, one heading, one main part, no nested form, no link, nothing inline."""
    tree = dom(screen)
    tags = [element.tag for element in tree.iter()]

    assert (tree.get("lang"), tree.get("dir")) == (screen.language, "ltr")
    assert [tags.count(tag) for tag in ("title", "h1", "main")] == [1, 1, 1]
    assert not {"a", "style", "iframe", "base", "object"} & set(tags)
    assert not [f for f in tree.iter("form") if f.findall(".//form")]
    assert not [e for e in tree.iter() if any(k == "style" or k[:2] == "on" for k in e.attrib)]
    assert not [s for s in tree.iter("script") if (s.text or "").strip() or not s.get("src")]


@pytest.mark.parametrize("screen", EVERY)
def test_every_field_has_a_label_and_every_reference_an_end(screen: Screen) -> None:
    tree = dom(screen)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    shown = [field.get("id") for field in tree.iter("input") if field.get("type") != "hidden"]
    described = " ".join(e.get("aria-describedby", "") for e in tree.iter()).split()

    assert len(ids) == len(set(ids))
    assert shown == [label.get("for") for label in tree.iter("label")]
    assert set(described) <= set(ids)


@pytest.mark.parametrize("screen", EVERY)
def test_everything_loaded_is_one_of_our_files(screen: Screen) -> None:
    tree = dom(screen)
    loaded = [element.get("src") for element in tree.iter() if element.get("src")]
    loaded += [link.get("href") for link in tree.iter("link") if link.get("rel") == "stylesheet"]
    addresses = {file.address for file in PAGES.static_files.values()}

    assert set(loaded) <= addresses


@pytest.mark.parametrize("screen", EVERY)
def test_the_page_weighs_little(screen: Screen) -> None:
    assert len(PAGES.render(screen).html) < 8_000


def test_an_error_is_announced_tied_to_the_fields_and_named_in_the_title() -> None:
    tree = dom(replace(CODE, notice=Notice.WRONG))
    fields = tree.findall(".//input[@aria-invalid='true']")

    assert one(tree, ".//p[@id='notice']").get("role") == "alert"
    assert [(f.get("id"), f.get("aria-describedby")) for f in fields] == [
        ("pin", "notice"),
        ("otp", "notice sent"),
    ]
    assert words(one(tree, ".//title")) == "Błąd: Potwierdź płatność kartą"


def test_good_news_is_a_status() -> None:
    tree = dom(replace(CODE, notice=Notice.CODE_SENT))

    assert one(tree, ".//p[@id='notice']").get("role") == "status"


@pytest.mark.parametrize(("asks_pin", "first"), [(True, "pin"), (False, "otp")])
def test_the_first_field_has_the_focus(first: str, *, asks_pin: bool) -> None:
    focused = [
        f.get("id") for f in dom(replace(CODE, asks_pin=asks_pin)).findall(".//*[@autofocus]")
    ]

    assert focused == [first]


# Security


@pytest.mark.parametrize("nasty", NASTY)
def test_values_stay_values(nasty: str) -> None:
    screen = replace(
        CODE, merchant=nasty, issuer_name=nasty, phone_mask=nasty, last4=nasty, scheme=nasty
    )
    tree = dom(screen)

    assert words(one(tree, ".//bdi")) == nasty
    assert [e.tag for e in tree.iter() if e.tag in {"script", "svg", "b"}] == ["script"]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_session_data_comes_back_unchanged(data: str) -> None:
    """It is opaque: whatever came is escaped and echoed, nothing is parsed or dropped."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    screen = ReturnScreen("https://shop.example/n", "e30", data, "done", "en")
    tree = parser.parse(PAGES.render(screen).html.decode())

    assert one(tree, ".//input[@name='threeDSSessionData']").get("value") == data


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/n", "ftp://a/"])
def test_no_other_address_becomes_the_action_of_a_form(url: str) -> None:
    with pytest.raises(ValueError, match="notification URL"):
        PAGES.render(ReturnScreen(url, "e30", None, "done", "pl"))


@pytest.mark.parametrize(
    ("screen", "form_action"),
    [
        (CODE, "form-action 'self';"),
        (WaitScreen("challenge", "t", "pl", "visa", "B", ""), "form-action 'self';"),
        (ErrorScreen("method", "pl"), "form-action 'none';"),
        (
            ReturnScreen("https://shop.example/n", "e30", None, "done", "pl"),
            "form-action https://shop.example https:;",
        ),
    ],
)
def test_each_kind_of_page_says_where_its_form_may_go(screen: Screen, form_action: str) -> None:
    assert form_action in PAGES.render(screen).headers["Content-Security-Policy"]


# Texts


def test_every_text_that_a_template_or_the_module_names_exists() -> None:
    folder = Path(render.__file__).parent
    sources = [*folder.glob("templates/*.html"), folder / "render.py"]
    named = {
        match
        for path in sources
        for match in re.findall(r"""(?:\bt|self\.text)\(\s*["']([a-z_]+)["']""", path.read_text())
    }

    for language in PAGES.languages:
        for text_id in named:
            assert text_id in PAGES._catalogues[language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("info", InfoText)
def test_every_reason_of_a_refusal_has_a_sentence_for_the_shop(
    info: InfoText, language: str
) -> None:
    assert 0 < len(PAGES.text(f"info_{info}", language)) <= 128


def test_the_text_ids_are_pinned() -> None:
    """An id never changes its meaning; a new one is added here on purpose."""
    pinned = (Path(__file__).parent / "text_ids.txt").read_text().split()

    assert sorted(PAGES._catalogues["pl"]) == pinned


def test_an_unknown_text_or_a_missing_value_is_a_mistake() -> None:
    for text_id in ("no_such_text", "resend_wait"):
        with pytest.raises(KeyError):
            PAGES.text(text_id, "pl")


def test_a_hidden_frame_shows_nothing_and_escapes_what_it_carries() -> None:
    page = PAGES.method_page('"><b>', "https://3dss.example/m?a=1&b=%22'<", "e30")
    html = page.html.decode()

    assert 'data-request="&#34;&gt;&lt;b&gt;"' in html
    assert 'action="https://3dss.example/m?a=1&amp;b=%22&#39;&lt;"' in html
    assert "<button" not in html
    assert "<a " not in html


def test_a_hidden_frame_without_an_address_has_no_form() -> None:
    page = PAGES.method_page("e30", None, "e30")

    assert b"<form" not in page.html
    assert "form-action 'none'" in page.headers["Content-Security-Policy"]


def test_an_address_that_is_no_target_is_never_drawn() -> None:
    with pytest.raises(ValueError, match="absolute http or https"):
        PAGES.method_page("e30", "javascript:alert(1)", "e30")


def test_a_blank_page_has_nothing_in_it() -> None:
    assert b"<body></body>" in PAGES.blank_page().html
