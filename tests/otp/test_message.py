"""What a message tells, that it fits one part, and what a merchant cannot smuggle into it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enrollment.words import Action, action_text
from otp.alphabets import Alphabet, size_of
from otp.flows import CATALOGUES, LETTERED
from otp.message import (
    TEXT_IDS,
    Catalogue,
    clean_name,
    compose,
    plain,
    template_of,
    text_id_of,
)
from otp.model import ActionText, CardText, PaymentText
from schemas.enrollment_api import LANGUAGES as LANGUAGES_OF_THE_API
from schemas.vault import Secret

CODE = Secret("048291")
LANGUAGES = st.sampled_from(sorted(CATALOGUES))
PARTS = {"de": ("gsm7", 1), "en": ("gsm7", 1), "pl": ("gsm7", 1), "uk": ("ucs2", 2)}
"""In which alphabet a language is sent, and in how many parts at most."""
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("0123456789 .-/:@#htpsw\u202e\u200b\u2066\ufe0f\U0001f600łŻ＠．１"),
    ),
    max_size=60,
)
FORBIDDEN = (
    re.compile(r"https?|www\.|:/", re.IGNORECASE),
    re.compile(r"\w\.\w{2,}"),
    re.compile(r"[@#]"),
    re.compile(r"\d(?:[\W_]{0,3}\d){4,}"),
    re.compile(r"\s\s|^\s|\s$"),
)


def _payment(
    payee: str = "Sklep ABC", *, language: str = "pl", seq: int = 1, amount: str = "12,50 PLN"
) -> str:
    text = PaymentText(amount, payee, "12345678", "0694")
    message = compose(CATALOGUES[language], text, CODE, seq, 300)
    assert message is not None
    return message.reveal()


def test_a_polish_payment_reads_like_this() -> None:
    assert _payment("Księgarnia Żółw", amount="1\u00a0234,56 PLN") == (
        "Platnosc 1 234,56 PLN dla Ksiegarnia Zolw. Kod: 048291, wazny 5 min. Karta *0694. "
        "Nie podawaj go nikomu, nawet bankowi."
    )


def test_a_german_payment_reads_like_this() -> None:
    assert _payment("Bäckerei Groß", language="de", amount="1234,56 EUR") == (
        "Zahlung 1234,56 EUR an Bäckerei Groß, Karte *0694. Code: 048291, gültig 5 Min. "
        "Nennen Sie ihn niemandem, auch nicht der Bank."
    )


def test_a_ukrainian_payment_reads_like_this() -> None:
    assert _payment("Книгарня Ліра", language="uk", seq=2, amount="1234,56 UAH") == (
        "Оплата 1234,56 UAH у Книгарня Ліра. Код: 048291, діє 5 хв. Картка *0694. "
        "Нікому не кажіть код, навіть банку. (SMS № 2)"
    )


def test_an_english_payment_reads_like_this() -> None:
    assert _payment(language="en", seq=2, amount="12.50 PLN") == (
        "Payment of 12.50 PLN to Sklep ABC, card *0694. Code: 048291, valid 5 min. "
        "Never share it, not even with bank staff. (SMS no. 2)"
    )


@pytest.mark.parametrize(
    ("language", "adds", "says"),
    [
        ("pl", True, "Dodanie karty *0694 w Sklep ABC. Kod: 048291, wazny 5 min. "),
        (
            "pl",
            False,
            "Potwierdzenie karty *0694 dla Sklep ABC. Kod: 048291, wazny 5 min. To nie platnosc. ",
        ),
        ("en", True, "Adding card *0694 at Sklep ABC. Code: 048291, valid 5 min. "),
        ("en", False, "Confirming card *0694 for Sklep ABC, no payment. Code: 048291, "),
    ],
)
def test_a_card_without_a_payment_is_told_without_an_amount(
    language: str, says: str, *, adds: bool
) -> None:
    text = CardText("Sklep ABC", "12345678", "0694", adds)

    message = compose(CATALOGUES[language], text, CODE, 1, 300)

    assert message is not None
    assert message.reveal().startswith(says)
    assert size_of(message.reveal()).parts == 1


def test_a_card_is_never_added_at_nobodys() -> None:
    assert (
        compose(CATALOGUES["pl"], CardText("\u200b", "", "0694", adds=True), CODE, 1, 300) is None
    )


def test_a_step_up_tells_what_is_changed() -> None:
    action = ActionText("limit dzienny karty *0694: 10 000 PLN.")

    message = compose(CATALOGUES["pl"], action, CODE, 1, 600)

    assert message == Secret(
        "Potwierdzasz: limit dzienny karty *0694: 10 000 PLN. Kod: 048291, wazny 10 min. "
        "Nie podawaj go nikomu, nawet bankowi."
    )


@pytest.mark.parametrize("seq", [2, 3])
def test_a_resend_carries_its_number(seq: int) -> None:
    assert _payment(seq=seq).endswith(f" (SMS nr {seq})")


def test_amount_and_payee_are_read_before_the_code() -> None:
    message = _payment("Sklep ABC")

    assert message.index("12,50 PLN") < message.index("Sklep ABC") < message.index("048291")


@given(LANGUAGES, HOSTILE, st.integers(1, 5), st.integers(60, 600), st.integers(0, 10**18))
@example("pl", "€" * 40, 5, 600, 10**18 - 1)
@example("en", "^" * 40, 5, 600, 10**18 - 1)
def test_a_payment_always_fits_and_tells_amount_card_and_code(
    language: str, payee: str, seq: int, lifetime_s: int, minor: int
) -> None:
    amount = f"{minor // 100:,}".replace(",", "\u00a0") + f",{minor % 100:02d} PLN"
    text = PaymentText(amount, payee, "ACQ-1", "0694")

    message = compose(CATALOGUES[language], text, CODE, seq, lifetime_s)

    assert message is not None
    size = size_of(message.reveal())
    alphabet, most = PARTS[language]
    assert size.alphabet == alphabet
    assert size.parts <= most
    for part in (amount.replace("\u00a0", " "), "*0694", "048291", str(lifetime_s // 60)):
        assert part in message.reveal()


@given(LANGUAGES, st.text(max_size=200), st.integers(1, 5))
def test_a_step_up_always_fits_and_tells_the_code(language: str, action: str, seq: int) -> None:
    message = compose(CATALOGUES[language], ActionText(action), CODE, seq, 300)

    assert message is not None
    assert size_of(message.reveal()).parts <= PARTS[language][1]
    assert "048291" in message.reveal()


@pytest.mark.parametrize("language", sorted(CATALOGUES))
@pytest.mark.parametrize("action", Action)
def test_our_own_actions_are_never_cut(action: Action, language: str) -> None:
    said = action_text(action, language, "0694")
    message = compose(CATALOGUES[language], ActionText(said), CODE, 9, 600)

    assert message is not None
    whole = plain(said) if PARTS[language][0] == "gsm7" else said
    assert f": {whole}. " in message.reveal()
    assert size_of(message.reveal()).parts <= PARTS[language][1]


LONGEST = "MIEDZYNARODOWE PRZEDSIEBIORSTWO WYSYLKOWE"


@pytest.mark.parametrize("language", sorted(CATALOGUES))
@pytest.mark.parametrize(
    "text",
    [
        PaymentText("123456789012,34 PLN", LONGEST, "1", "0694"),
        PaymentText("123456789012,34 PLN", "\u200b", "123456789012345", "0694"),
        CardText(LONGEST, "1", "0694", adds=True),
        CardText(LONGEST, "1", "0694", adds=False),
    ],
    ids=["payment", "merchant id", "card added", "card used"],
)
def test_the_longest_values_cost_no_part_and_only_the_end_of_the_payee(
    text: PaymentText | CardText, language: str
) -> None:
    message = compose(CATALOGUES[language], text, CODE, 9, 600)
    assert message is not None
    said, (alphabet, most) = message.reveal(), PARTS[language]
    size = size_of(said)

    assert (size.alphabet, size.parts <= most) == (alphabet, True)
    # Whatever the language, at least this much of a payee's name is left.
    assert LONGEST[:14] in said or "1234567" in said
    assert [part for part in ("*0694", "048291", "10 ", "9)") if part not in said] == []


@given(HOSTILE, st.sampled_from(["gsm7", "ucs2"]))
@example("htt\u200bps://evil.example/x", "gsm7")
@example("12@3#4 5", "gsm7")
@example("a.b@b.cc", "ucs2")
@example("wwww..x", "gsm7")
def test_a_clean_name_has_nothing_forbidden_and_cleaning_it_again_changes_nothing(
    name: str, alphabet: str
) -> None:
    cleaned = clean_name(name, alphabet)  # type: ignore[arg-type]  # sampled from the literal

    assert not [pattern.pattern for pattern in FORBIDDEN if pattern.search(cleaned)]
    assert "\ufe0f" not in cleaned
    assert not [sign for sign in cleaned if unicodedata.category(sign)[0] == "C"]
    assert clean_name(cleaned, alphabet) == cleaned  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ŁÓDŹ Café & Co.", "LODZ Café & Co."),
        ("Sklep\u202eKLEPS", "SklepKLEPS"),
        ("Kod: 111111", "Kod:"),
        ("Kod 111 111 w SMS", "Kod w SMS"),
        ("Sklep 1-2-3-4-5-6", "Sklep"),
        ("ＳＫＬＥＰ１２", "SKLEP12"),
        ("ALLEGRO.PL", "ALLEGRO PL"),
        ("https://www.evil.example/pay?x=1", "evil example"),
        ("HTTP://evil.example", "evil example"),
        ("pay@evil.example", "pay evil example"),
        ("#1 Pizza", "1 Pizza"),
        ("Pizza 🍕 Roma", "Pizza Roma"),
        ("Sp. z o.o. S.A.", "Sp. z o.o. S.A."),
        ("a\tb\nc", "a b c"),
        ("zero\u200bwidth\u2060", "zerowidth"),
        ("10.0.0.1/x", "/x"),
        ("\u2066\u200b🍕", ""),
        ("--- ***", ""),
        ("Магазин", ""),
        ("half\ud800pair", "halfpair"),
        ("nul\x00l", "null"),
        ("Straße Ørsted Đakovo", "Straße Ørsted Dakovo"),
    ],
)
def test_a_merchants_name_is_made_safe(name: str, shown: str) -> None:
    assert clean_name(name) == shown


@pytest.mark.parametrize("alphabet", ["gsm7", "ucs2"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u0410llegr\u043e", "Allegro"),  # Cyrillic A and o
        ("\u0420ayPal \u0391mazon", "PayPal Amazon"),  # Cyrillic P, Greek A
        ("htt\u0440://evil.example", "evil example"),
        ("ww\u051d.evil.example", "evil example"),
    ],
)
def test_a_letter_that_only_looks_latin_is_the_latin_one(
    name: str, shown: str, alphabet: Alphabet
) -> None:
    assert clean_name(name, alphabet) == shown


def test_a_name_in_one_script_keeps_it_where_the_alphabet_has_it() -> None:
    assert clean_name("Магазин «Весна» 24", "ucs2") == "Магазин «Весна» 24"
    assert clean_name("Wi-Fi кафе", "ucs2") == "Wi-Fi кафе"


@given(HOSTILE)
def test_no_letter_carries_a_tower_of_marks(name: str) -> None:
    kinds = "".join(unicodedata.category(sign)[0] for sign in clean_name(name, "ucs2"))

    assert "MMM" not in kinds


@pytest.mark.parametrize(
    "name", ["Приват24", "Нова пошта №1", "Магазин «Весна» 24", "ΔΕΗ", "ΕΛΛΑΣ", "Ж Uber 株式会社"]
)
def test_a_name_that_plain_letters_cannot_write_is_not_told_by_what_is_left_of_it(
    name: str,
) -> None:
    assert "dla sklep nr 12345678. Kod" in _payment(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Rozetka (Розетка)", "Rozetka ()"),
        ("Az\u0259rbaycan Yollar\u0131", "Azrbaycan Yollari"),
        ("Comfy\u02bcs", "Comfys"),
        ("COSMOTE ΑΕ", "COSMOTE"),
        ("7-11", "7-11"),
    ],
)
def test_a_name_that_loses_less_than_it_keeps_is_told(name: str, shown: str) -> None:
    assert clean_name(name) == shown


def test_a_name_of_which_nothing_is_left_gives_way_to_the_merchant_id() -> None:
    assert "dla sklep nr 12345678. Kod" in _payment("🍕🍕")


@pytest.mark.parametrize("merchant_id", ["", "---", "🍕", "\u202e"])
def test_without_any_payee_there_is_no_message(merchant_id: str) -> None:
    text = PaymentText("1,00 PLN", "🍕", merchant_id, "0694")

    assert compose(CATALOGUES["pl"], text, CODE, 1, 300) is None


def test_a_long_name_is_cut_and_nothing_else() -> None:
    name = "Bardzo Dluga Nazwa Sklepu Internetowego i Wysylkowego X"
    message = _payment(name, amount="1 234 567 890,00 PLN")

    assert "dla Bardzo Dluga Nazwa Sklepu Internetowego i Wysylk." in message
    assert (name in message, len(message)) == (False, 160)
    assert message.endswith("bankowi.")


@pytest.mark.parametrize("language", sorted(LETTERED))
@pytest.mark.parametrize(
    "text",
    [
        PaymentText("1234567,89 PLN", "Księgarnia Żółw i Gżegżółka", "1", "0694"),
        CardText("Księgarnia Żółw i Gżegżółka", "1", "0694", adds=True),
        CardText("Księgarnia Żółw i Gżegżółka", "1", "0694", adds=False),
    ],
    ids=["payment", "card added", "card used"],
)
def test_a_bank_that_keeps_all_letters_pays_for_parts_where_a_language_needs_them(
    text: PaymentText | CardText, language: str
) -> None:
    message = compose(LETTERED[language], text, CODE, 2, 300)
    assert message is not None
    size = size_of(message.reveal())

    needs = language in {"pl", "uk"}
    assert size.alphabet == ("ucs2" if needs else "gsm7")
    assert size.parts <= (3 if needs else 1)
    assert ("Księgarn" if needs else "Ksiegarnia") in message.reveal()
    assert "048291" in message.reveal()


def test_a_polish_payment_with_its_letters_reads_like_this() -> None:
    text = PaymentText("12,50 PLN", "Księgarnia Żółw", "1", "0694")
    message = compose(LETTERED["pl"], text, CODE, 1, 300)

    assert message is not None
    assert message.reveal() == (
        "Płatność 12,50 PLN dla Księgarnia Żółw. Kod: 048291, ważny 5 min. Karta *0694. "
        "Nie podawaj go nikomu, nawet bankowi."
    )


def test_braces_in_a_name_are_only_braces() -> None:
    assert "dla {code} {0}. Kod" in _payment("{code} {0}")


def test_an_absurd_amount_costs_a_part_but_neither_payee_nor_code() -> None:
    message = _payment("Sklep ABC", amount="9" * 60 + ",00 PLN")

    assert ("dla Sklep AB" in message, "048291" in message) == (True, True)


def test_polish_letters_become_plain_ones() -> None:
    assert plain("Zażółć gęślą jaźń ZAŻÓŁĆ GĘŚLĄ JAŹŃ") == "Zazolc gesla jazn ZAZOLC GESLA JAZN"


@given(st.text())
def test_plain_text_is_always_gsm7(text: str) -> None:
    assert size_of(plain(text)).alphabet == "gsm7"


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    places = {
        text_id: set(re.findall(r"\{(\w+)\}", CATALOGUES[language].texts[text_id]))
        for text_id in TEXT_IDS
    }

    assert places == {
        "payment": {"amount", "payee", "last4", "code", "minutes"},
        "card_add": {"payee", "last4", "code", "minutes"},
        "card_use": {"payee", "last4", "code", "minutes"},
        "step_up": {"action", "code", "minutes"},
        "numbered": {"seq"},
        "merchant": {"merchant_id"},
    }


def test_another_wording_is_another_version_of_a_template() -> None:
    text = PaymentText("1 PLN", "Sklep", "m1", "0694")
    english = CATALOGUES["en"]
    reworded = Catalogue("en", {**english.texts, "payment": "{amount} {payee} {last4} {code}"})
    name, _, version = template_of(english, text).rpartition("/")
    assert name == "en/payment"
    assert len(version) == 12
    assert template_of(reworded, text) != template_of(english, text)
    assert template_of(english, ActionText("x")).startswith("en/step_up/")
    for adds, text_id in ((True, "card_add"), (False, "card_use")):
        assert text_id_of(CardText("Sklep", "m1", "0694", adds)) == text_id


def test_every_language_is_there_and_only_ukrainian_is_sent_in_ucs2() -> None:
    assert set(CATALOGUES) == set(PARTS) == set(LANGUAGES_OF_THE_API)
    assert {name: one.alphabet for name, one in CATALOGUES.items()} == {
        name: alphabet for name, (alphabet, _) in PARTS.items()
    }


def test_german_keeps_its_letters() -> None:
    """ä, ö, ü and ß are in GSM 03.38."""
    letters = set("".join(CATALOGUES["de"].texts.values())) & set("äöüßÄÖÜ")

    assert letters >= set("äöü")
    assert plain("äöüßÄÖÜ") == "äöüßÄÖÜ"
    assert all(plain(text) == text for text in CATALOGUES["de"].texts.values())


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_no_number_governs_a_word(language: str) -> None:
    """A word after a number would have to follow it (one, few, many): only abbreviations do."""
    after = {
        word
        for text in CATALOGUES[language].texts.values()
        for word in re.findall(r"\{(?:minutes|seq)\}\s*([^\W\d_]+)", text)
    }

    assert after == {{"de": "Min", "en": "min", "pl": "min", "uk": "хв"}[language]}


def test_a_catalogue_without_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="de lack card_add, card_use, step_up, numbered, merchant"):
        Catalogue("de", {"payment": "x"})


def test_a_language_outside_of_gsm7_keeps_its_letters_and_fits_two_parts() -> None:
    text = PaymentText("1 234 567,89 PLN", "Магазин Київ 🍕 " + "Ж" * 80, "m1", "0694")

    message = compose(CATALOGUES["uk"], text, CODE, 2, 300)

    assert message is not None
    assert "у Магазин Київ ЖЖЖ" in message.reveal()
    assert size_of(message.reveal()).parts == 2


def test_a_composed_message_does_not_show_itself() -> None:
    assert "048291" not in repr(compose(CATALOGUES["pl"], ActionText("x"), CODE, 1, 300))
