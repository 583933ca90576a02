"""Whose SIM card has to be looked at; what follows from it stands in the decision table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.case import Decision
from acs.authentication.decision import decide
from acs.authentication.facts import Swap
from acs.authentication.range_policy import Default
from acs.authentication.swap import should_ask
from schemas.values import TransStatus
from tests.acs.people import NOW, a_range, a_standing, an_areq, some_facts

EASY: dict[str, Any] = {"default": Default.FRICTIONLESS, "challenge_mandated": False}


@pytest.mark.parametrize(
    ("status", "asks"),
    [("C", True), ("Y", True), ("I", True), ("N", False), ("R", False), ("U", False)],
)
def test_what_rests_on_the_phone_is_looked_at(status: str, asks: bool) -> None:
    decision = Decision(TransStatus(status), "rule")
    assert should_ask(an_areq(), some_facts(), decision) is asks


def test_without_a_cardholder_or_a_phone_nobody_is_asked() -> None:
    decision = Decision(TransStatus.AUTHENTICATED, "rule")
    assert not should_ask(an_areq(channel="03"), some_facts(), decision)
    assert not should_ask(an_areq(), some_facts(standing=a_standing(phone=None)), decision)
    assert not should_ask(an_areq(), some_facts(standing=None), decision)


@given(st.sampled_from([Swap.RECENT, Swap.EARLIER, Swap.DOUBTFUL]), st.booleans())
def test_an_exchanged_card_is_never_let_pass_without_a_challenge(swap: Swap, easy: bool) -> None:
    facts = some_facts(swap=swap, range=a_range(**(EASY if easy else {})))
    decision = decide(an_areq(), facts, NOW)
    assert decision.trans_status in {TransStatus.CHALLENGE, TransStatus.NOT_AUTHENTICATED}
    assert (decision.trans_status is TransStatus.NOT_AUTHENTICATED) is (swap is Swap.RECENT)
