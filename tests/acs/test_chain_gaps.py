"""What the log tells of a month that went is read as it was told; gaps are joined in any order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.chain_gaps import (
    EVENT,
    EVIDENCE,
    KEPT_AT_LEAST,
    Gap,
    LetGo,
    documents_from,
    joined,
    told_by,
)
from schemas.audit import AuditEvent

AT = datetime(2027, 3, 1, tzinfo=UTC)
MONTH = date(2026, 1, 1)


def gap(first: int, last: int) -> Gap:
    return Gap(first, last, bytes([last % 256]) * 32)


@pytest.mark.parametrize("until", [None, AT - timedelta(days=400, microseconds=7)])
def test_an_event_tells_all_of_it(until: datetime | None) -> None:
    told = LetGo(MONTH, AT, until, 7, 1, (gap(1, 6), gap(9, 9)))
    assert told_by(told.event()) == told
    assert told.links == 7


@given(st.sets(st.integers(1, 60)), st.randoms(use_true_random=False))
def test_links_that_go_in_any_order_leave_the_same_gaps(gone: set[int], dice: object) -> None:
    singles = [gap(one, one) for one in gone]
    dice.shuffle(singles)  # type: ignore[attr-defined]
    found: tuple[Gap, ...] = ()
    for one in singles:
        found = joined((*found, one))
    assert {seq for one in found for seq in range(one.first, one.last + 1)} == gone
    assert all(before.last + 1 < after.first for before, after in pairwise(found))
    assert all(one.mac == gap(one.last, one.last).mac for one in found)


def test_a_month_is_due_after_thirteen_months() -> None:
    def of(until: datetime | None) -> LetGo:
        return LetGo(MONTH, AT, until, 1, 0, ())

    assert of(AT - KEPT_AT_LEAST).is_due
    assert of(None).is_due
    assert not of(AT - KEPT_AT_LEAST + timedelta(microseconds=1)).is_due


def test_documents_are_kept_from_the_month_after_the_last_that_went() -> None:
    def went(month: str) -> AuditEvent:
        details = {"month": month, "rows_about": 3}
        return AuditEvent(AT, EVENT, "system", "acs", EVIDENCE, "dropped", details=details)

    def first_of(year: int, month: int) -> UUID:
        return UUID(int=int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000) << 80)

    assert documents_from([]) is None
    assert documents_from([went("2025-11")]) == first_of(2025, 12)
    months = ["2025-09", "2025-10", "2025-12", "2025-11"]
    assert documents_from(map(went, months)) == first_of(2026, 1)
