"""What a provider's answer means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.http.answer import AnswerRule, Reading
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown

ERRORS = AnswerRule("error", frozenset({"53"}), frozenset({"13"}), frozenset({"103"}))
STATES = AnswerRule("list.0.status", frozenset({"QUEUE"}), frozenset({"BAD"}), frozenset({"LATER"}))
READING = Reading(rules=(ERRORS, STATES), id_path="list.0.id")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Accepted()),
        (202, Accepted()),
        (400, Rejected(retryable=False, reason="http_400")),
        (422, Rejected(retryable=False, reason="http_422")),
        (401, Rejected(retryable=True, reason="http_401")),
        *(
            (status, Rejected(retryable=True, reason=f"http_{status}"))
            for status in (404, 405, 413, 415)
        ),
        (429, Rejected(retryable=True, reason="http_429")),
        (503, Rejected(retryable=True, reason="http_503")),
        (302, Rejected(retryable=True, reason="http_302")),
        (500, Unknown("http_500")),
        (502, Unknown("http_502")),
        (504, Unknown("http_504")),
        (418, Unknown("http_418")),
    ],
)
def test_a_status_decides_where_there_are_no_rules(status: int, outcome: SendOutcome) -> None:
    assert Reading().outcome(status, b"whatever") == outcome


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (200, {"list": [{"status": "QUEUE", "id": "p-7"}]}, Accepted("p-7")),
        (200, {"list": [{"status": "QUEUE", "id": 77}]}, Accepted("77")),
        (200, {"list": [{"status": "QUEUE"}]}, Accepted(None)),
        (200, {"list": [{"status": "BAD"}]}, Rejected(retryable=False, reason="answer_BAD")),
        (200, {"list": [{"status": "LATER"}]}, Rejected(retryable=True, reason="answer_LATER")),
        (200, {"error": 103}, Rejected(retryable=True, reason="answer_103")),
        (200, {"error": "13"}, Rejected(retryable=False, reason="answer_13")),
        (200, {"error": 53}, Accepted()),
        (400, {"error": 53}, Accepted()),
        (400, {"error": 103}, Rejected(retryable=True, reason="answer_103")),
        (400, {"error": 999}, Rejected(retryable=False, reason="http_400")),
        (401, {"error": 13}, Rejected(retryable=False, reason="answer_13")),
        (500, {"error": 103}, Unknown("http_500")),
        (302, {"error": 13}, Rejected(retryable=True, reason="http_302")),
        (200, {"error": 999}, Unknown("answer_unknown")),
        (200, {"error": None, "list": [{"status": True}]}, Unknown("answer_unknown")),
        (200, {"list": []}, Unknown("answer_unknown")),
        (200, [1], Unknown("answer_unknown")),
        (200, None, Unknown("answer_unknown")),
    ],
)
def test_the_body_speaks_before_the_status(
    status: int, answer: object, outcome: SendOutcome
) -> None:
    assert READING.outcome(status, json.dumps(answer).encode()) == outcome


def test_the_first_rule_that_knows_a_word_decides() -> None:
    both = {"error": 13, "list": [{"status": "QUEUE"}]}

    assert READING.outcome(200, json.dumps(both).encode()) == Rejected(
        retryable=False, reason="answer_13"
    )


@pytest.mark.parametrize("body", [None, b"", b"not json", b"[" * 20_000, b"\xff\xfe"])
def test_a_body_that_cannot_be_read_leaves_a_success_unknown_and_a_refusal_refused(
    body: bytes | None,
) -> None:
    assert READING.outcome(200, body) == Unknown("answer_unknown")
    assert READING.outcome(401, body) == Rejected(retryable=True, reason="http_401")


@given(st.integers(100, 599), st.binary(max_size=100))
def test_a_reason_is_never_what_the_provider_wrote(status: int, body: bytes) -> None:
    words = {"answer_unknown", f"http_{status}", *(f"answer_{one}" for one in (13, 103))}
    words |= {"answer_BAD", "answer_LATER"}

    assert getattr(READING.outcome(status, body), "reason", "http_200") in {*words, "http_200"}


def test_the_body_is_read_only_where_it_says_something() -> None:
    assert [READING.wants_body(status) for status in (200, 400, 401, 302, 500)] == [
        *(True, True, True),
        *(False, False),
    ]
    assert not Reading().wants_body(200)


def test_a_word_or_status_on_two_lists_is_refused() -> None:
    with pytest.raises(ValueError, match="a text stands on one list only"):
        AnswerRule("x", frozenset({"a"}), frozenset({"a"}))
    with pytest.raises(ValueError, match="a status stands on one list only"):
        Reading(retryable=frozenset({200}))
