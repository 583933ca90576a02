"""When trust is offered and what it makes needless; the table is tests/tables/decision.txt."""

from __future__ import annotations

from typing import Any

import pytest

from acs.authentication import trust
from acs.authentication.case import Case, case_of
from acs.authentication.facts import Swap
from acs.authentication.range_policy import RangePolicy, TrustList
from schemas.values import ListStatus
from tests.acs.people import NOW, a_range, a_standing, an_areq, some_facts
from tests.records import replace

KEEPS = RangePolicy(trust_list=TrustList.ALWAYS, trust_exemption=True)


def case(*, listed: bool, swap: Swap | None = None, **areq: Any) -> Case:
    standing = a_standing(trusts_merchant=listed)
    ours = replace(a_range(), policy=KEEPS)
    facts = replace(some_facts(range=ours, standing=standing), swap=swap)
    return case_of(an_areq(**areq), facts, standing, NOW)


@pytest.mark.parametrize("missing", ["acquirerBIN", "acquirerMerchantID"])
def test_a_merchant_that_is_not_named_in_full_is_not_offered(missing: str) -> None:
    """Another merchant of the same acquirer must not profit from it."""
    assert trust.is_offered(case(listed=False))
    without: dict[str, Any] = {missing: None}
    assert not trust.is_offered(case(listed=False, **without))


@pytest.mark.parametrize("swap", [Swap.EARLIER, Swap.DOUBTFUL])
def test_trust_does_not_outweigh_a_phone_that_asks_for_care(swap: Swap) -> None:
    assert trust.is_exempt(case(listed=True))
    assert not trust.is_exempt(case(listed=True, swap=swap))


def test_our_list_says_yes_or_no() -> None:
    assert [trust.status_of(case(listed=listed)) for listed in (True, False)] == [
        ListStatus.LISTED,
        ListStatus.NOT_LISTED,
    ]
