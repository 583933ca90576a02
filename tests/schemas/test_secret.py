"""Secrets do not show themselves; keyed hashes bind parts, keys and nothing else."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.secret import KeyRing, Secret, Tag

RING = KeyRing("k2", {"k1": b"1" * 32, "k2": b"2" * 32})


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__])
def test_a_secret_shows_stars_however_it_is_written(show: object) -> None:
    assert callable(show)
    assert show(Secret("canary")) == "***"


def test_a_secret_in_a_container_stays_hidden() -> None:
    assert "canary" not in repr([{"pin": Secret("canary")}])


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_the_active_key_makes_and_names_itself() -> None:
    assert RING.tag(b"x").key_id == "k2"


def test_a_look_up_searches_with_the_active_key_first_then_the_others() -> None:
    assert [tag.key_id for tag in RING.tags(b"x")] == ["k2", "k1"]
    assert [tag.value for tag in RING.tags(b"x")] == RING.hashes(b"x")
    assert RING.hashes(b"x", b"y") == [
        hmac.digest(RING.keys[key_id], b"x\0y", hashlib.sha256) for key_id in ("k2", "k1")
    ]


@given(st.binary(), st.binary())
def test_a_tag_matches_the_parts_it_was_made_from_and_no_others(one: bytes, other: bytes) -> None:
    tag = RING.tag(b"use/1", one)

    assert RING.matches(tag, b"use/1", one)
    assert RING.matches(tag, b"use/1", other) is (one == other)


@given(st.lists(st.binary(), min_size=1))
def test_a_tag_is_the_hmac_of_its_parts_joined_by_zero_bytes(parts: list[bytes]) -> None:
    assert RING.tag(*parts).value == hmac.digest(b"2" * 32, b"\0".join(parts), hashlib.sha256)


def test_what_an_earlier_key_made_is_still_recognised() -> None:
    old = KeyRing("k1", {"k1": b"1" * 32}).tag(b"x")

    assert RING.matches(old, b"x")


def test_a_tag_of_an_unknown_key_matches_nothing() -> None:
    assert not RING.matches(Tag("k9", RING.tag(b"x").value), b"x")


@pytest.mark.parametrize(
    ("active", "keys"),
    [
        ("k3", {"k1": b"1" * 32}),
        ("k1", {"k1": b"short"}),
        ("", {"": b"1" * 32}),
        ("k" * 33, {"k" * 33: b"1" * 32}),
        ("é", {"é": b"1" * 32}),
    ],
)
def test_a_ring_that_could_not_work_is_refused(active: str, keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        KeyRing(active, keys)


def test_a_ring_does_not_show_its_keys() -> None:
    assert "1111" not in repr(RING)
