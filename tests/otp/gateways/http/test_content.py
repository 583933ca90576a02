"""Finding a text in what somebody else has written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.http.content import found_at, id_at, json_of, kept_id, text_at

CONTENT = {"list": [{"id": 7, "ok": True, "cost": 0.16, "note": None}], "text": "x", "0": "zero"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("list.0.id", "7"),
        ("list.0.ok", "true"),
        ("text", "x"),
        ("0", "zero"),
        ("list.0.cost", None),
        ("list.0.note", None),
        ("list.1.id", None),
        ("list.-1.id", None),
        ("list.²", None),
        ("list", None),
        ("text.0", None),
        ("", None),
    ],
)
def test_a_path_gives_a_text_a_number_or_a_truth(path: str, text: str | None) -> None:
    assert text_at(CONTENT, path) == text


def test_a_dot_is_the_whole() -> None:
    assert found_at([1, 2], ".") == [1, 2]


@pytest.mark.parametrize("raw", [None, b"", b"not json", b"[" * 100_000, b"\xff\xfe", b"{"])
def test_what_is_no_json_is_nothing(raw: bytes | None) -> None:
    assert json_of(raw) is None


def test_an_id_is_cut_and_has_only_what_can_be_stored_and_looked_for() -> None:
    assert kept_id("a\x00b" + "x" * 500) == "ab" + "x" * 198
    assert kept_id("\x00") is None
    assert kept_id("a\ud800\n\u202eb") == "ab"
    assert id_at({"id": 5}, "id") == "5"
    assert id_at({"id": 5}, None) is None


@given(st.binary(max_size=200), st.text(max_size=20))
def test_no_content_and_no_path_is_an_error(raw: bytes, path: str) -> None:
    found = text_at(json_of(raw), path)

    assert found is None or isinstance(found, str)
