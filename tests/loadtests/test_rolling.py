"""A run of the rolling restart fails for whatever failed, and for whatever is lost."""

from __future__ import annotations

from loadtests.chaos.stream import Stream
from loadtests.rolling import Outcome


def _outcome(stream: Stream, *missing: str) -> Outcome:
    return Outcome(100.0, 70.0, (1.0,), stream, missing)


def test_what_was_refused_and_what_is_lost_is_failed() -> None:
    stream = Stream("http://127.0.0.1:9/", "http://127.0.0.1:9", [])
    assert _outcome(stream).failed == 0
    assert _outcome(stream, "an id").failed == 1
    stream.refused["None 403"] += 2
    assert _outcome(stream, "an id").failed == 3
