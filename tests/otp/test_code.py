"""Six digits, their MAC, and what counts as an entry of them."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp import code
from otp.code import Binding
from schemas.vault import KeyRing, Secret, Tag

RING = KeyRing("b", {"a": b"a" * 32, "b": b"b" * 32})
BINDING = Binding(UUID(int=7), b"\x01" * 32, 1)
CODE = Secret("048291")


@given(st.integers(0, 999_999))
def test_every_number_gives_six_digits_that_tell_it(number: int) -> None:
    written = code.from_number(number).reveal()

    assert (len(written), int(written)) == (6, number)


def test_leading_zeros_are_kept() -> None:
    assert code.from_number(7).reveal() == "000007"


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_number_outside_of_six_digits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 999999"):
        code.from_number(number)


@pytest.mark.parametrize(
    "entry",
    [
        "048291",
        " 048 291 ",
        "048-291",
        "0-4-8-2-9-1",
        "048\u2013291",
        "048\u00a0291",
        "\u2068048291\u2069",  # as phones wrap a number that is copied
        "\u202a048\u200b291\u202c\ufeff",
        "０４８２９１",
    ],
)
def test_an_entry_as_people_type_it_is_the_code(entry: str) -> None:
    assert code.normalise(Secret(entry)) == CODE


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "04829",
        "0482910",
        "O48291",
        "048.291",
        "٠٤٨٢٩١",
        "+48291",
        "048291\x00",
        "½48291",
        "0" * 65,
    ],
)
def test_an_entry_of_another_shape_is_no_code(entry: str) -> None:
    assert code.normalise(Secret(entry)) is None


@given(st.text(max_size=200))
def test_what_is_normalised_is_six_ascii_digits_and_stays_as_it_is(entry: str) -> None:
    meant = code.normalise(Secret(entry))

    if meant is not None:
        digits = meant.reveal()
        assert len(digits) == 6
        assert digits.isascii()
        assert digits.isdigit()
        assert code.normalise(meant) == meant


@given(
    st.integers(0, 999_999),
    st.lists(st.sampled_from([" ", "-", "\u00a0", "\u2011", "\t"]), min_size=6, max_size=6),
)
def test_spaces_and_dashes_between_the_digits_change_nothing(
    number: int, between: list[str]
) -> None:
    digits = code.from_number(number)
    entry = "".join(gap + digit for gap, digit in zip(between, digits.reveal(), strict=True))

    assert code.normalise(Secret(entry)) == digits


def test_a_code_matches_its_own_mac() -> None:
    assert code.matches(RING, code.mac(RING, BINDING, CODE), BINDING, CODE)


def test_a_mac_names_the_key_that_made_it() -> None:
    assert code.mac(RING, BINDING, CODE).key_id == "b"


@pytest.mark.parametrize(
    "other",
    [
        Binding(uuid4(), BINDING.link_digest, 1),
        Binding(BINDING.challenge_id, b"\x02" * 32, 1),
        Binding(BINDING.challenge_id, BINDING.link_digest, 2),
    ],
    ids=["another challenge", "another amount or payee", "another message"],
)
def test_a_code_is_worth_nothing_for(other: Binding) -> None:
    assert not code.matches(RING, code.mac(RING, BINDING, CODE), other, CODE)


def test_a_wrong_code_does_not_match() -> None:
    assert not code.matches(RING, code.mac(RING, BINDING, CODE), BINDING, Secret("048292"))


def test_a_code_made_before_a_key_rotation_still_matches() -> None:
    before = KeyRing("a", {"a": b"a" * 32})

    assert code.matches(RING, code.mac(before, BINDING, CODE), BINDING, CODE)


def test_without_a_stored_mac_nothing_matches() -> None:
    assert not code.matches(RING, None, BINDING, CODE)


def test_a_mac_of_a_key_that_is_gone_does_not_match() -> None:
    gone = KeyRing("z", {"z": b"z" * 32})

    assert not code.matches(RING, code.mac(gone, BINDING, CODE), BINDING, CODE)


@pytest.mark.parametrize("stored", [None, Tag("gone", b"x" * 32)])
def test_a_mac_is_computed_also_when_there_is_nothing_to_compare(
    stored: Tag | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time must not tell whether a code exists."""
    digests = []
    genuine = KeyRing._hash

    def counted(self: KeyRing, key_id: str, parts: tuple[bytes, ...]) -> bytes:
        digests.append(key_id)
        return genuine(self, key_id, parts)

    monkeypatch.setattr(KeyRing, "_hash", counted)

    code.matches(RING, stored, BINDING, CODE)

    assert digests == ["b"]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_link_digest_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Binding(BINDING.challenge_id, bytes(size), 1)
