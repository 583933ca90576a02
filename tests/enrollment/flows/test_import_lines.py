"""Lines to records: read by the tables, bounded, and silent about what they hold."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import import_lines
from enrollment.flows.import_lines import Reading, read_batch
from enrollment.flows.imports import ALL_SCOPES
from enrollment.policy import EnrollmentPolicy
from schemas.import_api import LINE_MAX
from tests.enrollment import importing, people

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys


@pytest.fixture
def reading(keys: Keys, now: datetime) -> Reading:
    return Reading(keys, EnrollmentPolicy(), lambda pan: pan[0] == "4", ALL_SCOPES, now)


def test_a_batch_ends_where_it_was_told(reading: Reading) -> None:
    content = importing.file_of(importing.bank(1, 2))
    source = io.BytesIO(content)
    first = read_batch(source, reading, 1, 4)
    second = read_batch(source, reading, 5, 4)

    assert (first.lines, second.lines, first.size + second.size) == (4, 2, len(content))
    assert [record.line for record in second.records] == [5, 6]
    assert read_batch(source, reading, 7, 4).lines == 0


def test_a_line_that_never_ends_is_passed_over_in_pieces(reading: Reading) -> None:
    content = b"x" * (3 * LINE_MAX) + b"\n" + importing.file_of([importing.card(1)])
    batch = read_batch(io.BytesIO(content), reading, 1)

    assert (batch.lines, batch.size) == (2, len(content))
    assert [(one.line, one.code) for one in batch.errors] == [(1, "too_large")]
    assert batch.records[0].ref == "c1"


def test_a_last_line_without_its_end_counts(reading: Reading) -> None:
    content = importing.file_of([importing.card(1)]).rstrip()

    assert len(read_batch(io.BytesIO(content), reading, 1).records) == 1


def test_a_record_does_not_show_what_it_holds(reading: Reading) -> None:
    content = importing.file_of(importing.bank(1))
    text = repr(read_batch(io.BytesIO(content), reading, 1))

    for number in (people.pan(1), importing.nonresident(1), "600000001"):
        assert number not in text


def test_a_record_is_searched_for_under_every_key(reading: Reading) -> None:
    batch = read_batch(io.BytesIO(importing.file_of(importing.bank(1))), reading, 1)

    assert [[len(one) for one in record.hashes] for record in batch.records] == [[2, 2], [], [2]]


def test_an_error_holds_no_more_than_names(reading: Reading) -> None:
    lines = [importing.card(1, pan="4000001000000011"), importing.card(1, **{people.pan(1): "x"})]
    batch = read_batch(io.BytesIO(importing.file_of(lines)), reading, 1)

    assert not batch.records
    assert people.pan(1) not in json.dumps([repr(one) for one in batch.errors])


def test_a_batch_is_small_enough_to_claim_its_hashes() -> None:
    """A server of default settings has room for 6400 locks; a person takes two, a card one."""
    assert 3 * import_lines.BATCH_LINES <= 3600
