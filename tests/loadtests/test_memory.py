"""What is asked of a worker whose memory is watched, and how growth is told."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest

from acs.log import luhn_passes
from loadtests.memory import Look, growth, look, orders
from loadtests.network.cards import Card

CARD = Card("4453330000000018", "Jan Kowalski", "", None, "", "", "", "easy")


def test_a_hundred_areqs_hold_a_repeat_a_stranger_and_a_broken_one() -> None:
    asked = list(itertools.islice(orders([CARD], "http://ds"), 100))
    messages: list[dict[str, Any]] = [json.loads(body) for body, _ in asked]
    plain = [one for one in messages if one["acctNumber"] == CARD.pan]
    strangers = [one["acctNumber"] for one in messages if one["acctNumber"] != CARD.pan]

    assert len({one["threeDSServerTransID"] for one in messages}) == 99
    assert len([one for one in plain if "purchaseAmount" not in one]) == 1
    assert len(strangers) == 1
    assert luhn_passes(strangers[0])
    assert strangers[0][:8] == CARD.pan[:8]
    assert sorted(expected for _, expected in asked)[:2] == [
        b'"errorCode"',
        b'"messageType":"ARes"',
    ]


def test_growth_is_told_for_a_million_areqs_and_forgets_the_warming_up() -> None:
    warm = [Look(n * 10_000, n, 80.0 + n, 170, 5) for n in range(50)]
    then = [Look(n * 10_000, n, 130.0 + 0.02 * (n - 50), 170, 5) for n in range(50, 101)]

    assert growth([*warm, *then], "pss_mb") == pytest.approx(2.0)
    assert growth([*warm, *then], "descriptors") == 0


def test_a_look_reads_what_a_process_uses() -> None:
    seen = look(os.getpid(), 7, 1.23)

    assert (seen.answered, seen.seconds) == (7, 1.2)
    assert seen.pss_mb > 1
    assert min(seen.descriptors, seen.threads) > 0
