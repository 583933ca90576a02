"""Native screens: what an SDK is told, within what it can show."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.challenge.screens import Amount, CodeScreen, Notice, ResendState
from acs.pages import native, wording
from acs.pages.render import Pages
from acs.pages.themes import BUILT_IN, Theme
from schemas.texts import as_written
from schemas.versions import SUPPORTED
from tests.acs.pages.reading import PAGES, fits_into_the_cres
from tests.acs.pages.shown import CODE, LANGUAGES, LONG
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = {
    "acsUiType": 2,
    "challengeInfoHeader": 45,
    "challengeInfoLabel": 45,
    "challengeInfoText": 350,
    "challengeInfoTextIndicator": 1,
    "submitAuthenticationLabel": 45,
    "resendInformationLabel": 45,
    "whyInfoLabel": 45,
    "whyInfoText": 256,
    "expandInfoLabel": 45,
    "expandInfoText": 256,
    "whitelistingInfoText": 64,
    "trustListInfoText": 64,
}
READY = ResendState(allowed=True, wait_s=0, left=2)
SPENT = ResendState(allowed=False, wait_s=0, left=0)
CODE_ONLY = replace(CODE, asks_pin=False)
_ROOT = Path(__file__).resolve().parents[3]
_DRAWS = """
import sys
from acs.pages.render import Pages
from tests.acs.pages.shown import LONG
pages, before = Pages(), set(sys.modules)
for asks_pin in (True, False):
    pages.native(LONG, "2.3.1", asks_pin=asks_pin)
pages.sdk_html(LONG)
print(*sorted(set(sys.modules) - before))
"""


def screens(language: str) -> Iterator[CodeScreen]:
    """Give entry screens with everything that can happen to them."""
    several = product((None, *Notice), (LONG.amount, None), (READY, CODE.resend, SPENT))
    for (notice, amount, resend), asks_pin in product(several, (True, False)):
        screen = replace(LONG, language=language, notice=notice, amount=amount, resend=resend)
        yield replace(screen, asks_pin=asks_pin, offers_trust=amount is not None)


def text(screen: CodeScreen, *, asks_pin: bool = False) -> str:
    return str(PAGES.native(screen, "2.2.0", asks_pin=asks_pin)["challengeInfoText"])


def units(words: str) -> int:
    return len(words.encode("utf-16-le")) // 2


@pytest.mark.parametrize(("version", "language"), list(product(SUPPORTED, LANGUAGES)))
def test_what_an_sdk_is_told_obeys_the_table_of_the_cres(version: str, language: str) -> None:
    for screen, asks_pin in product(screens(language), (False, True)):
        shown = PAGES.native(screen, version, asks_pin=asks_pin)

        fits_into_the_cres(shown, version, "02" if screen.amount is None else "01")
        assert [
            name
            for name, told in shown.items()
            if isinstance(told, str) and not 1 <= units(told) <= LONGEST[name]
        ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_happened_payment_and_phone_are_told(language: str) -> None:
    """RTS art. 5(1)(a), with a name and an amount as long as they may really be."""
    for screen in screens(language):
        for asks_pin in (False, screen.asks_pin):
            told = text(screen, asks_pin=asks_pin)
            amount = wording.amount(screen, language)
            sent = screen.code_live and screen.sent_at is not None

            assert screen.merchant in told
            assert screen.last4 in told
            assert amount is None or amount in told
            assert ("+48\u00a0***\u00a0***\u00a0761" in told) == sent


def test_the_code_s_screen() -> None:
    assert PAGES.native(CODE_ONLY, "2.2.0", asks_pin=False) == {
        "acsUiType": "01",
        "challengeInfoHeader": "Potwierdź płatność kartą",
        "challengeInfoLabel": "Kod z SMS-a",
        "challengeInfoText": (
            "Kwota: 123,45 PLN\n"
            "Odbiorca: Księgarnia Pod Lipą\n"
            "Karta z końcówką 1234\n\n"
            "Kod wysłaliśmy o 17:08 na +48\u00a0***\u00a0***\u00a0761 w SMS-ie nr 1. "
            "Jest ważny do 17:13."
        ),
        "submitAuthenticationLabel": "Zatwierdź",
        "resendInformationLabel": "Wyślij nowy kod",
        "whyInfoLabel": "Skąd to pytanie?",
        "whyInfoText": (
            "Bank sprawdza, czy to na pewno Ty płacisz.\n"
            "Nie Twoja płatność? Anuluj ją i zadzwoń do banku.\n"
            "Nie podawaj nikomu PIN-u ani kodu, także pracownikowi banku."
        ),
        "expandInfoLabel": "Potrzebujesz pomocy?",
        "expandInfoText": (
            "SMS nie dotarł? Sprawdź zasięg i poczekaj minutę. Potem wyślij nowy kod.\n"
            "To nie Twój numer telefonu? Zadzwoń do banku.\n"
            "Telefon do banku: +48\u00a022\u00a0123\u00a045\u00a067\n"
            "Nowy kod możesz zamówić od 17:08:28."
        ),
    }


def test_the_pin_s_screen_comes_first_and_says_so() -> None:
    pin, code = (PAGES.native(CODE, "2.2.0", asks_pin=asks_pin) for asks_pin in (True, False))

    assert (pin["challengeInfoLabel"], pin["submitAuthenticationLabel"]) == (
        "PIN do płatności w internecie",
        "Dalej",
    )
    assert "Krok 1 z 2: PIN." in str(pin["challengeInfoText"])
    assert "To nie jest PIN do bankomatu." in str(pin["expandInfoText"])
    assert (code["challengeInfoLabel"], code["submitAuthenticationLabel"]) == (
        "Kod z SMS-a",
        "Zatwierdź",
    )
    assert "Krok 2 z 2: kod z SMS-a." in str(code["challengeInfoText"])
    assert "Krok" not in text(CODE_ONLY)


def test_the_number_of_a_later_message_is_told_twice() -> None:
    shown = PAGES.native(replace(CODE, code_number=2), "2.2.0", asks_pin=False)

    assert shown["challengeInfoLabel"] == "Kod z SMS-a nr 2"
    assert "w SMS-ie nr 2." in str(shown["challengeInfoText"])


def test_a_code_that_is_dead_or_never_left_was_not_sent() -> None:
    for screen in (replace(CODE, code_live=False), replace(CODE, sent_at=None)):
        assert "wysłaliśmy" not in text(screen)


@pytest.mark.parametrize("asks_pin", [False, True])
@pytest.mark.parametrize("notice", [None, *Notice])
def test_a_notice_comes_first_and_the_mark_means_something_went_wrong(
    notice: Notice | None, *, asks_pin: bool
) -> None:
    screen = replace(CODE, notice=notice)
    shown = PAGES.native(screen, "2.2.0", asks_pin=asks_pin)
    said, _, rest = str(shown["challengeInfoText"]).partition("\n\n")

    assert said.startswith("Kwota:") == (notice is None)
    assert rest.startswith("Kwota:") == (notice is not None)
    failed = notice is not None and wording.tone(notice) == "error"
    assert shown.get("challengeInfoTextIndicator") == ("Y" if failed else None)


@pytest.mark.parametrize(
    ("notice", "asks_pin", "said"),
    [
        (Notice.WRONG, True, "Nieprawidłowe dane. Pozostało prób: 3."),
        (Notice.PIN_FORMAT, True, "PIN ma od 4 do 8 cyfr. Wpisz go ponownie."),
        (Notice.CODE_FORMAT, False, "Kod ma 6 cyfr. Sprawdź i wpisz go ponownie."),
        (Notice.CODE_FORMAT, True, "Kod ma 6 cyfr. Wpisz ponownie PIN i kod."),
        (Notice.CODE_EMPTY, False, "Wpisz kod z SMS-a."),
    ],
)
def test_a_notice_speaks_of_the_field_that_is_there(
    notice: Notice, said: str, *, asks_pin: bool
) -> None:
    assert text(replace(CODE, notice=notice), asks_pin=asks_pin).startswith(f"{said}\n\n")


def test_a_wrong_answer_looks_the_same_whichever_was_wrong() -> None:
    """RTS art. 4(3)(a): the screen knows no more than the notice, and marks no field."""
    shown = PAGES.native(replace(CODE, notice=Notice.WRONG), "2.3.1", asks_pin=True)

    assert "PIN" not in str(shown["challengeInfoText"]).partition("\n\n")[0]


@pytest.mark.parametrize("asks_pin", [False, True])
@pytest.mark.parametrize(("resend", "offered"), [(READY, 1), (CODE.resend, 1), (SPENT, 0)])
def test_a_new_code_is_offered_while_there_is_one(
    resend: ResendState, offered: int, *, asks_pin: bool
) -> None:
    shown = PAGES.native(replace(CODE, resend=resend), "2.2.0", asks_pin=asks_pin)

    assert ("resendInformationLabel" in shown) == bool(offered)
    assert ("nie wyślemy już więcej" in str(shown["expandInfoText"])) != bool(offered)


@pytest.mark.parametrize(
    ("version", "name"),
    [("2.1.0", None), ("2.2.0", "whitelistingInfoText"), ("2.3.1", "trustListInfoText")],
)
def test_trust_is_offered_once_and_in_the_version_s_own_words(
    version: str, name: str | None
) -> None:
    names = {"whitelistingInfoText", "trustListInfoText"}
    offering = replace(CODE, offers_trust=True)
    last, first = (PAGES.native(offering, version, asks_pin=asks) for asks in (False, True))

    assert native.trust_element(version, asks_pin=False) == name
    assert native.trust_element(version, asks_pin=True) is None
    assert names & last.keys() == ({name} if name else set())
    assert not names & (first.keys() | PAGES.native(CODE, version, asks_pin=False).keys())


def test_the_entry_box_fits_what_is_typed() -> None:
    pin, code = (
        PAGES.native(CODE, "2.3.1", asks_pin=asks)["challengeEntryBox"] for asks in (True, False)
    )

    assert pin == {
        "challengeDataEntryLabel": "PIN do płatności w internecie",
        "challengeDataEntryKeyboardType": "01",
        "challengeDataEntryLengthMax": "12",
        "challengeDataEntryMasking": "Y",
        "challengeDataEntryToggle": "Y",
    }
    assert code == {
        "challengeDataEntryLabel": "Kod z SMS-a",
        "challengeDataEntryKeyboardType": "01",
        "challengeDataEntryAutofill": "Y",
        "challengeDataEntryAutofillType": "01",
        "challengeDataEntryLengthMax": "10",
    }


def test_the_issuer_s_theme_tells_its_phone_and_its_sentence() -> None:
    bank = Theme(
        BUILT_IN, "pages.css", "bank.svg", {}, issuer_phone="+48 1", help={"pl": "Pomoc w porcie."}
    )
    shown = Pages([bank]).native(CODE, "2.2.0", asks_pin=True)

    assert "Telefon do banku: +48\u00a01\n" in str(shown["expandInfoText"])
    assert str(shown["expandInfoText"]).endswith("Pomoc w porcie.")
    nobody = replace(CODE, brand=replace(CODE.brand, issuer_phone=""))
    assert "Telefon" not in str(PAGES.native(nobody, "2.2.0", asks_pin=True)["expandInfoText"])


anything = st.text(max_size=120) | st.text("🛒👩‍🍳שלוםعربي\n\u202e\u0301Ł ", max_size=120)


@given(
    merchant=anything,
    minor=st.integers(0, 10**48 - 1),
    exponent=st.sampled_from((0, 2, 3)),
    language=st.sampled_from(LANGUAGES),
    notice=st.sampled_from((None, *Notice)),
    pins=st.sampled_from(((False, False), (True, False), (True, True))),
)
def test_no_name_and_no_amount_pushes_the_payment_out(
    merchant: str,
    minor: int,
    exponent: int,
    language: str,
    notice: Notice | None,
    pins: tuple[bool, bool],
) -> None:
    screen = replace(
        LONG,
        merchant=merchant,
        amount=Amount(minor, exponent, "985"),
        language=language,
        notice=notice,
        asks_pin=pins[0],
    )
    told = text(screen, asks_pin=pins[1])
    lines = told.split("\n")

    assert units(told) <= LONGEST["challengeInfoText"]
    assert f"{PAGES.text('amount_label', language)}: {wording.amount(screen, language)}" in lines
    assert as_written(PAGES.text("card_ending", language, last4="1234")) in lines
    assert not {"\u202e", "\u200d"} & set(told)


@given(anything)
def test_without_a_payment_there_is_no_amount(merchant: str) -> None:
    lines = text(replace(CODE, merchant=merchant, amount=None)).split("\n")

    assert [line for line in lines if line.startswith(("Kwota", "Odbiorca"))] == []
    assert "PLN" not in text(replace(CODE, amount=None))


def test_a_screen_needs_no_file_that_is_not_open_yet() -> None:
    """A process may have no descriptor left when its first app comes, and a module is a file."""
    drawn = subprocess.run(
        [sys.executable, "-c", _DRAWS], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    assert drawn.stdout.split() == []


@given(st.text())
def test_a_length_is_what_an_sdk_counts(words: str) -> None:
    assert native._units(words) == units(words)
