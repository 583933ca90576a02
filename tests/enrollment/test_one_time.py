"""Secrets shown once: easy to read out, hard to guess, kept as hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import one_time
from schemas.vault import Secret

if TYPE_CHECKING:
    from schemas.vault import Keys


def test_no_two_signs_look_alike_and_each_is_worth_five_bits() -> None:
    assert len(set(one_time.SIGNS)) == 32
    assert set("0O1I").isdisjoint(one_time.SIGNS)


def test_a_secret_has_the_length_asked_for_and_is_new_each_time() -> None:
    made = {one_time.make(10).reveal() for _ in range(200)}

    assert len(made) == 200
    assert {len(text) for text in made} == {10}


@pytest.mark.parametrize(
    "typed",
    [
        "ABCD-EFGH-JKLM",
        "abcd efgh jklm",
        " ABCD\u2013EFGH JKLM ",
        "\u202aABCDEFGH\u200bJKLM\u202c\ufeff",  # as copied
    ],
)
def test_a_secret_may_be_typed_with_spaces_dashes_and_small_letters(keys: Keys, typed: str) -> None:
    about = uuid4()
    kept = one_time.tag(keys, "activation", about, Secret("ABCDEFGHJKLM"))

    assert one_time.matches(keys, kept, "activation", about, Secret(typed))


def test_a_hash_is_good_for_its_row_and_its_use_alone(keys: Keys) -> None:
    about, code = uuid4(), one_time.make(12)
    kept = one_time.tag(keys, "activation", about, code)

    assert not one_time.matches(keys, kept, "activation", uuid4(), code)
    assert not one_time.matches(keys, kept, "registration.sms", about, code)


def test_a_token_is_found_by_its_hash_under_every_key(keys: Keys) -> None:
    token = one_time.make_token()

    assert one_time.token_hash(keys, token) in one_time.token_hashes(keys, token)
    assert len(one_time.token_hashes(keys, token)) == 2
