"""Phones: which numbers pass, how they are masked and sealed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from enrollment import phones
from enrollment.phones import PhoneFault
from schemas.vault import CannotOpen, Keys, Secret

POLAND = ("48",)


@pytest.mark.parametrize(
    "text", ["+48600700761", "+48 600 700 761", "+48 (600) 700-761", "+48\u00a0600700761"]
)
def test_a_mobile_number_is_read_with_any_filling(text: str) -> None:
    assert phones.read(text, POLAND) == Secret("+48600700761")


@pytest.mark.parametrize(
    "typed",
    [
        "600700761",
        " 600-700-761",
        "600.700.761",
        "600\u202f700\u2011761",
        "48 600 700 761",
        "(48) 600 700 761",
        "0048 600 700 761",
        "(0048) 600700761",
        "+48 600 700 761",
        "(+48) 600 700 761",
        "\u202a+48 600 700 761\u202c",  # as copied from a phone's contacts
        "\u2068600\u00a0700\u00a0761\u2069",
        "\uff0b\uff14\uff18\uff16\uff10\uff10\uff17\uff10\uff10\uff17\uff16\uff11",
    ],
)
def test_people_write_their_country_in_every_way(typed: str) -> None:
    assert phones.read(phones.as_typed(typed, ("48", "49")), ("48", "49")) == Secret("+48600700761")


def test_a_number_of_another_country_needs_its_code() -> None:
    for typed in ("+49 151 12345678", "0049 151 12345678"):
        given = phones.as_typed(typed, ("48", "49"))
        assert phones.read(given, ("48", "49")) == Secret("+4915112345678")
    given = phones.as_typed("49 151 12345678", ("48", "49"))
    assert phones.read(given, ("48", "49")) is PhoneFault.INVALID


@pytest.mark.parametrize("typed", ["48 123 45 67", "22 123 45 67", "0", "00", "+", "", "a", "+00"])
def test_what_is_typed_and_no_mobile_number_stays_none(typed: str) -> None:
    """48 is a calling code and an area's: with nine digits it is the latter."""
    assert isinstance(phones.read(phones.as_typed(typed, POLAND), POLAND), PhoneFault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("600700761", PhoneFault.INVALID),
        ("+48600", PhoneFault.INVALID),
        ("+486007007611", PhoneFault.INVALID),
        ("+48 600 700 76a", PhoneFault.INVALID),
        ("+\u0664\u0668600700761", PhoneFault.INVALID),
        ("\U0001f4de+48600700761", PhoneFault.INVALID),
        ("", PhoneFault.INVALID),
        ("+48221234567", PhoneFault.NOT_MOBILE),
        ("+48391234567", PhoneFault.NOT_MOBILE),
        ("+48700123456", PhoneFault.NOT_MOBILE),
        ("+4915112345678", PhoneFault.COUNTRY),
    ],
)
def test_what_no_code_may_go_to_is_refused(text: str, fault: PhoneFault) -> None:
    assert phones.read(text, POLAND) is fault


def test_a_country_on_the_list_passes() -> None:
    assert phones.read("+4915112345678", ("48", "49")) == Secret("+4915112345678")


def test_the_mask_shows_country_and_last_three_digits() -> None:
    assert phones.mask(Secret("+48600700761"), POLAND) == "+48 *** *** 761"
    assert phones.mask(Secret("+380501234567"), ("48", "380")) == "+380 *** *** 567"


def test_a_sealed_number_opens_in_its_own_row_only(keys: Keys) -> None:
    phone_id = uuid4()
    sealed = phones.seal(keys, phone_id, Secret("+48600700761"))

    assert phones.unseal(keys, phone_id, sealed) == Secret("+48600700761")
    with pytest.raises(CannotOpen):
        phones.unseal(keys, uuid4(), sealed)


def test_the_hash_is_the_first_of_those_searched_for(keys: Keys) -> None:
    number = Secret("+48600700761")

    assert phones.tag(keys, number).value == phones.index(keys, number)[0]
    assert len(phones.index(keys, number)) == 2
