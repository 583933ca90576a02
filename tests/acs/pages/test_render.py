"""What the pages say and hold, read from their HTML as a browser would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from acs.authentication.case import InfoText
from acs.challenge.screens import (
    Amount,
    ErrorScreen,
    Notice,
    ResendState,
    RetryScreen,
    ReturnScreen,
)
from acs.pages import render
from tests.acs.pages.reading import PAGES, buttons, dom, one, words
from tests.acs.pages.shown import BRAND, CODE, LANGUAGES
from tests.records import replace

# The contract of the page


def test_one_field_takes_the_code() -> None:
    field = one(dom(CODE), ".//input[@name='otp']")

    assert [
        field.get(name) for name in ("id", "type", "autocomplete", "inputmode", "maxlength")
    ] == ["otp", "text", "one-time-code", "numeric", "20"]


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
        ("action", "extend"),
        ("lang", "en"),
    ]


def test_everything_is_in_one_form_to_the_same_route() -> None:
    form = one(dom(CODE), ".//form")
    inside = [*form.iter("input"), *form.iter("button")]

    assert (form.get("method"), form.get("action"), len(inside)) == ("post", "challenge", 9)


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


def test_the_bank_s_number_on_the_last_page_asks_nobody_to_call() -> None:
    done = ReturnScreen("https://shop.example/n", "e30", None, "done", "en", BRAND)
    text = words(dom(done))

    assert f"Phone number of your bank: {BRAND.issuer_phone}" in text
    assert "Call" not in text


def test_a_page_to_try_again_carries_what_it_was_given_and_nothing_else() -> None:
    given = (("form_token", "t0ken"), ("action", "continue"))
    screen = RetryScreen("challenge", given, "pl")
    fields = [(field.get("name"), field.get("value")) for field in dom(screen).iter("input")]

    assert (tuple(fields), buttons(screen)) == (given, [(None, None)])


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
        (Notice.WRONG, True, "Nieprawidłowe dane. Pozostało prób: 3."),
        (Notice.WRONG, False, "Nieprawidłowe dane. Pozostało prób: 3."),
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

    assert words(one(tree, ".//p[@id='notice']")) == ("Nieprawidłowe dane. Została ostatnia próba.")


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

    assert (words(hint), hint.get("data-wait"), hint.get("data-text")) == (
        "Nowy kod możesz zamówić za 28 s (od 17:08:28).",
        "28",
        "Nowy kod możesz zamówić za {s}\u00a0s.",
    )


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

    assert words(one(tree, ".//details[@class='help']/summary")) == "Potrzebujesz pomocy?"
    assert words(tree.findall(".//details//li")[-1]) == "Telefon do banku: +48 22 123 45 67"


def test_to_cancel_takes_two_steps_without_script() -> None:
    """Nobody cancels by mistake, nor by one click led astray (clickjacking)."""
    [button] = [one for one in dom(CODE).iter("button") if one.get("value") == "cancel"]
    asked = dom(replace(CODE, asks_cancel=True))

    assert (words(button), button.get("formaction")) == ("Anuluj płatność", "challenge?ask")
    assert [(one.get("value"), one.get("formaction")) for one in asked.iter("button")] == [
        ("cancel", None),
        ("continue", None),
    ]


def test_the_page_says_how_long_it_waits_and_how_to_have_more() -> None:
    """WCAG 2.2, 2.2.1. Without script this is all; with it the warning is shown in time."""
    tree = dom(CODE)
    warning = one(tree, ".//div[@id='warning']")

    assert words(one(tree, ".//div[@class='time']/p")) == "Ta strona czeka na Ciebie do 17:18."
    assert ("hidden" in warning.attrib, warning.get("role")) == (True, "alert")
    assert [warning.get(name) for name in ("data-left", "data-warned", "data-text")] == [
        "600",
        "60",
        "Zostało {s}\u00a0s. Możesz przedłużyć czas.",
    ]


def test_where_no_more_time_can_be_given_none_is_offered() -> None:
    tree = dom(replace(CODE, time_left=replace(CODE.time_left, may_extend=False)))

    assert tree.findall(".//button[@value='extend']") == []
    assert words(one(tree, ".//div[@class='time']")) == (
        "Ta strona czeka na Ciebie do 17:18. Czasu nie można przedłużyć."
    )
    assert tree.findall(".//div[@id='warning']/button") == []


@pytest.mark.parametrize(
    ("spent", "notice", "hint"),
    [
        (0, None, []),
        (1, None, ["Pozostało prób: 2."]),
        (1, Notice.CODE_SENT, ["Pozostało prób: 2."]),
        (1, Notice.WRONG, []),
        (2, None, ["Została ostatnia próba."]),
    ],
)
def test_how_many_attempts_are_left_is_told_once(
    spent: int, notice: Notice | None, hint: list[str]
) -> None:
    screen = replace(CODE, attempts_spent=spent, attempts_left=3 - spent, notice=notice)

    assert [words(one) for one in dom(screen).findall(".//p[@id='attempts']")] == hint


@pytest.mark.parametrize("ticked", [False, True])
def test_the_offer_to_trust_the_shop_is_ticked_by_nobody_else(*, ticked: bool) -> None:
    tree = dom(replace(CODE, offers_trust=True, trusts=ticked))
    box = one(tree, ".//input[@name='trust']")

    assert (box.get("type"), box.get("value"), "checked" in box.attrib) == ("checkbox", "Y", ticked)
    assert words(one(tree, ".//label[@for='trust']")) == (
        "Ufam temu sklepowi: następnym razem nie pytaj mnie o kod."
    )


def test_where_no_trust_is_offered_no_box_is_drawn() -> None:
    assert dom(CODE).findall(".//input[@name='trust']") == []


def test_a_phone_is_never_broken_nor_turned_round() -> None:
    phone = one(dom(CODE), ".//p[@id='sent']/bdi")

    assert (phone.text, phone.get("dir")) == ("+48\u00a0***\u00a0***\u00a0761", "ltr")


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
    mark = one(dom(replace(CODE, brand=replace(BRAND, scheme=scheme))), ".//img[@class='scheme']")

    assert (mark.get("alt"), mark.get("src")) == (name, PAGES.static_files[file].address)


def test_unknown_and_expired_look_the_same() -> None:
    """Otherwise identifiers could be tried out."""
    unknown = PAGES.render(ErrorScreen("unknown", "pl"))
    expired = PAGES.render(ErrorScreen("expired", "pl"))

    assert unknown == expired


def test_a_language_without_pages_falls_back_to_the_banks() -> None:
    assert dom(replace(CODE, language="fr")).get("lang") == "pl"


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
