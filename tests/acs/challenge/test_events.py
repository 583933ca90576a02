from __future__ import annotations

from dataclasses import fields
from typing import get_args

from acs.challenge import events


def test_no_event_carries_a_code_or_a_pin() -> None:
    """What was typed is compared before the machine hears of it."""
    carried = {field.name for event in get_args(events.Event) for field in fields(event)}

    assert carried == {
        "about_cres", "confirmed", "error", "language", "lasts", "notice", "reason", "seq",
        "timed_out", "timer", "trusts", "verdict", "why",
    }  # fmt: skip


def test_a_verdict_never_tells_which_element_was_wrong() -> None:
    assert list(events.Verdict) == ["accepted", "rejected", "expired", "exhausted"]
