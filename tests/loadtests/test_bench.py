"""The benchmark sends true and different AReqs."""

from __future__ import annotations

import json

from loadtests import bench
from loadtests.network.cards import Card

CARDS = [
    Card(f"40000010000000{last}", "A", "+48501000101", None, "x", "a", "c", "C otp")
    for last in (18, 26)
]


def test_no_two_requests_have_the_same_ids() -> None:
    make = bench._areqs(CARDS, "http://127.0.0.1:8080")
    areqs = [json.loads(make()) for _ in range(10)]

    ids = [areq[name] for areq in areqs for name in ("threeDSServerTransID", "dsTransID")]
    assert len(set(ids)) == len(ids)


def test_cards_are_used_in_turn() -> None:
    make = bench._areqs(CARDS, "http://127.0.0.1:8080")

    pans = {json.loads(make())["acctNumber"] for _ in range(2)}
    assert pans == {card.pan for card in CARDS}
