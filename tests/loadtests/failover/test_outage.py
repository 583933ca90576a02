"""How long nobody was answered, from a list of moments."""

from __future__ import annotations

from loadtests.failover.outage import Outage, outage

_NO = "Erro 403"


def test_the_longest_silence_is_between_two_answers_and_failures_do_not_end_it() -> None:
    moments = [
        (8.0, "ARes"),
        (9.5, "ARes"),
        (11.0, _NO),
        (14.0, _NO),
        (16.0, "ARes"),
        (17.0, "ARes"),
    ]

    assert outage(moments, 10.0, 20.0) == Outage(
        silent_s=6.0, failing_s=3.0, failed=2, usual_gap_s=1.5
    )


def test_what_belongs_to_the_next_event_does_not_count() -> None:
    moments = [(11.0, "ARes"), (13.0, "ARes"), (30.0, _NO)]

    found = outage(moments, 10.0, 20.0)

    assert (found.silent_s, found.failed) == (2.0, 0)


def test_a_silence_that_never_ends_counts_to_the_last_that_was_heard() -> None:
    moments = [(11.0, _NO), (19.0, _NO)]

    assert outage(moments, 10.0, 20.0).silent_s == 9.0


def test_nobody_asked_is_no_outage() -> None:
    assert outage([], 10.0, 20.0) == Outage(0.0, 0.0, 0, 0.0)
