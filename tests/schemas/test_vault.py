"""A sealed value opens with its key at its place, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.secret import KeyRing
from schemas.vault import CannotOpen, Keys, Vault

OLD = Vault(KeyRing("k1", {"k1": b"1" * 32}))
VAULT = Vault(KeyRing("k2", {"k1": b"1" * 32, "k2": b"2" * 32}))
PLACE = "enrollment.card.pan|1"


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_at_its_place(plain: bytes) -> None:
    assert VAULT.open(VAULT.seal(plain, PLACE), PLACE) == plain


def test_what_an_earlier_key_sealed_still_opens() -> None:
    assert VAULT.open(OLD.seal(b"pan", PLACE), PLACE) == b"pan"


def test_what_an_unknown_key_sealed_does_not() -> None:
    with pytest.raises(CannotOpen):
        OLD.open(VAULT.seal(b"pan", PLACE), PLACE)


def test_copied_to_another_row_it_does_not_open() -> None:
    with pytest.raises(CannotOpen):
        VAULT.open(VAULT.seal(b"pan", PLACE), "enrollment.card.pan|2")


def test_two_seals_of_one_value_differ() -> None:
    assert VAULT.seal(b"pan", PLACE) != VAULT.seal(b"pan", PLACE)


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(b"4111111111111111", PLACE))
    index = data.draw(st.integers(0, len(sealed) - 1))
    sealed[index] ^= data.draw(st.integers(1, 255))

    with pytest.raises(CannotOpen):
        VAULT.open(bytes(sealed), PLACE)


@given(st.integers(0, 46))
def test_a_cut_value_is_noticed(length: int) -> None:
    sealed = VAULT.seal(b"4111111111111111", PLACE)

    with pytest.raises(CannotOpen):
        VAULT.open(sealed[:length], PLACE)


def test_a_vault_shows_which_key_is_active_and_no_more() -> None:
    assert repr(VAULT) == "Vault(active='k2')"


def test_every_purpose_has_a_ring_of_its_own(keys: Keys) -> None:
    rings = {field.name for field in dataclasses.fields(keys)} - {"vault", "active"}

    assert rings == set(Keys.PURPOSES)


def test_values_sealed_together_open_each_in_its_own_place() -> None:
    vault = Vault(KeyRing("k1", {"k1": b"x" * 32}))
    sealed = vault.seal_all([(b"one", "place|1"), (b"two", "place|2"), (b"one", "place|1")])

    assert [vault.open(sealed[0], "place|1"), vault.open(sealed[1], "place|2")] == [b"one", b"two"]
    assert len(set(sealed)) == 3  # no nonce twice
    assert vault.seal_all([]) == []
    with pytest.raises(CannotOpen):
        vault.open(sealed[0], "place|2")
