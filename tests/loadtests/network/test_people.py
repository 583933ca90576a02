"""The seed covers every kind of card, and nobody shares anything."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from loadtests.network import people

EVERYBODY = people.everybody()
ISSUER = tomllib.loads((files("loadtests.network") / "issuer.toml").read_text("utf-8"))
LEAST = {
    "C otp": 8,
    "C pin+otp": 8,
    "Y": 3,
    "N limit": 3,
    "N not enrolled": 3,
    "N blocked": 3,
    "U": 2,
    "N expired": 2,
}


def range_of(pan: str) -> dict[str, object]:
    (found,) = [r for r in ISSUER["card_range"] if r["low"] <= pan[:12] <= r["high"]]
    return dict(found)


@pytest.mark.parametrize("kind", LEAST)
def test_there_are_enough_cards_of_each_kind(kind: str) -> None:
    count = Counter(person.expect for person in EVERYBODY)[kind]

    assert count >= LEAST[kind]


def test_the_first_card_is_challenged_by_sms_alone() -> None:
    assert EVERYBODY[0].expect == "C otp"


@pytest.mark.parametrize("member", ["ref", "identifier", "phone", "pan"])
def test_nobody_shares_anything(member: str) -> None:
    values = [getattr(person, member) for person in EVERYBODY]

    assert len(set(values)) == len(values)


def test_the_people_are_the_same_every_time() -> None:
    assert people.everybody() == EVERYBODY


@pytest.mark.parametrize("kind", ["C otp", "C pin+otp", "Y"])
def test_visa_and_mastercard_are_both_there(kind: str) -> None:
    schemes = {range_of(person.pan)["scheme"] for person in EVERYBODY if person.expect == kind}

    assert schemes == {"visa", "mastercard"}


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.ref)
def test_the_range_of_a_card_does_what_is_expected_of_it(person: people.Person) -> None:
    policy = range_of(person.pan)["policy"]
    assert isinstance(policy, dict)

    elements = {"C otp": "otp", "C pin+otp": "pin+otp"}.get(person.expect, policy["elements"])
    default = "frictionless" if person.expect in ("Y", "U") else "challenge"
    assert (policy["elements"], policy["default"]) == (elements, default)


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.ref)
def test_only_the_limit_cards_are_under_the_demo_amount(person: people.Person) -> None:
    assert (person.limits["per_tx"] < 12345) == (person.expect == "N limit")


def test_limits_refuse_in_both_ways() -> None:
    per_tx = {person.limits["per_tx"] for person in EVERYBODY if person.expect == "N limit"}

    assert per_tx == {0, 10_000}


def test_every_pin_is_four_digits_and_not_the_end_of_the_card() -> None:
    bad = [p.ref for p in EVERYBODY if p.pin and (len(p.pin) != 4 or p.pin == p.pan[-4:])]

    assert bad == []


def test_who_is_not_enrolled_has_no_pin() -> None:
    without = {person.expect for person in EVERYBODY if person.pin is None}

    assert without == {"N not enrolled"}
