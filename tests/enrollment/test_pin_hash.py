"""The slow, keyed hash of the PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import argon2
import pytest

from enrollment import pin_hash
from schemas.vault import KeyRing, Keys, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

PIN = Secret("2846")


@pytest.fixture
def with_pin_ring(keys: Keys) -> Callable[[KeyRing], Keys]:
    rings = {name: getattr(keys, name) for name in Keys.PURPOSES}
    return lambda ring: Keys(**{**rings, "pin": ring})


async def test_a_hash_matches_its_person_and_pin_only(keys: Keys) -> None:
    person = uuid4()
    made = await pin_hash.make(keys, person, PIN)

    assert await pin_hash.matches(keys, person, PIN, made)
    assert not await pin_hash.matches(keys, person, Secret("2847"), made)
    assert not await pin_hash.matches(keys, uuid4(), PIN, made)
    assert not await pin_hash.matches(keys, person, PIN, None)


async def test_without_the_pepper_a_stolen_hash_matches_nothing(
    keys: Keys, with_pin_ring: Callable[[KeyRing], Keys]
) -> None:
    person = uuid4()
    made = await pin_hash.make(keys, person, PIN)
    other = with_pin_ring(KeyRing("k2", {"k2": b"x" * 32}))

    assert not await pin_hash.matches(other, person, PIN, made)


async def test_a_hash_under_an_earlier_pepper_still_matches_and_is_outdated(
    keys: Keys, with_pin_ring: Callable[[KeyRing], Keys]
) -> None:
    person = uuid4()
    old = with_pin_ring(KeyRing("k1", keys.pin.keys))
    made = await pin_hash.make(old, person, PIN)

    assert await pin_hash.matches(keys, person, PIN, made)
    assert pin_hash.is_outdated(keys, made)
    assert not pin_hash.is_outdated(old, made)


async def test_what_is_no_hash_matches_nothing(keys: Keys) -> None:
    assert not await pin_hash.matches(keys, uuid4(), PIN, ("$argon2id$broken", "k2"))


async def test_the_costs_are_those_advised(keys: Keys) -> None:
    made, _ = await pin_hash.make(keys, uuid4(), PIN)
    costs = argon2.extract_parameters(made)

    assert (costs.memory_cost, costs.time_cost, costs.parallelism) == (19 * 1024, 2, 1)
    assert costs.type is argon2.Type.ID


def test_nobodys_hash_has_the_costs_of_every_other() -> None:
    costs = argon2.extract_parameters(pin_hash._NOBODYS)

    assert (costs.memory_cost, costs.time_cost, costs.parallelism) == (19 * 1024, 2, 1)
