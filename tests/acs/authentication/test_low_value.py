"""Who may pay a small amount without a challenge; the table is tests/tables/decision.txt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.decision import decide
from acs.authentication.facts import Converted
from acs.authentication.low_value import Share
from acs.authentication.range_policy import SmallPayments
from enrollment.model import LowValue
from schemas.values import TransStatus
from tests.acs.people import NOW, a_range, a_standing, an_areq, some_facts
from tests.records import replace

EUROS = SmallPayments(each=3_000, sum=10_000, count=4, currency="EUR")


def test_a_share_carries_the_bounds_that_the_database_holds_it_to() -> None:
    facts = some_facts(
        range=a_range(low_value=EUROS),
        standing=a_standing(low_value=LowValue(wanted=True)),
        small=Converted(2_999, "978", None, None),
    )
    assert decide(an_areq(), facts, NOW).low_value == Share("978", 2_999, 10_000, 4)


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=30))
def test_no_row_of_payments_passes_any_bound_before_a_challenge(amounts: list[int]) -> None:
    """The law: each, together and in a row; whoever is over is challenged, and nothing else."""
    used = LowValue(wanted=True)
    passed: list[int] = []
    for amount in amounts:
        facts = some_facts(
            range=a_range(low_value=EUROS),
            standing=a_standing(low_value=used),
            small=Converted(amount, "978", None, None),
        )
        decision = decide(an_areq(), facts, NOW)
        is_over = amount > 3_000 or sum(passed) + amount > 10_000 or len(passed) == 4
        assert (decision.trans_status is TransStatus.CHALLENGE) == is_over
        if not is_over:
            passed.append(amount)
            used = replace(used, currency="978", amount=sum(passed), count=len(passed))
