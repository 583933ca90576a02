"""Encoded text and free JSON: what each accepts and refuses, and how long JSON is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas import encoded
from schemas.json_reader import UNUSABLE
from tests.schemas.test_formats import is_good

if TYPE_CHECKING:
    from schemas.formats import Format

CASES: list[tuple[Format, list[object], list[object]]] = [
    (encoded.base64_text(28), ["AAABBBCCCDDDEEEFFFGGGHHHIII="], ["A" * 27, "-" * 28, "A" * 29]),
    (encoded.base64url(4), ["A", "a-_9"], ["", "abcde", "a+b", "ab="]),
    (
        encoded.base64url_object(64),
        [
            "eyJEViI6IjEuNyJ9",
            "eyJhIjoiIn0=",
            "eyJhIjoiIn0",
            "eyJDIjoifn4-Pj8_In0",
            "eyJDIjoifn4+Pj8/In0=",
        ],
        ["W10", "bm8", "$$$", "", "eyJ", "e" * 65],
    ),
    (encoded.jws_compact(20), ["aa.bb.cc"], ["aa.bb", "aa..cc", "aa.bb.cc.dd", "a" * 21]),
    (encoded.free_object(12), [{"a": "xxxx"}], [{"a": "xxxxx"}, {}, [], "x", {"a": UNUSABLE}]),
    (encoded.free_json(9), ["x", ["a"], {"a": 1}, 0], ["", None, [], {}, "x" * 8]),
]


@pytest.mark.parametrize(("shape", "good", "bad"), CASES, ids=[case[0].shape for case in CASES])
def test_a_format_accepts_the_good_and_refuses_the_bad(
    shape: Format, good: list[object], bad: list[object]
) -> None:
    assert [value for value in good if not is_good(shape, value)] == []
    assert [value for value in bad if is_good(shape, value)] == []


def test_the_length_of_json_is_counted_in_characters_without_blanks() -> None:
    assert encoded.json_length({"a": ["ż", 1]}) == len('{"a":["ż",1]}')


@pytest.mark.parametrize(
    "value", [{"a": ["ż", 1]}, [1e22, 1.5e-7, 10**31, -(10**25)], "x" * 90, {"a": True, "b": None}]
)
def test_within_means_not_longer_as_json(value: object) -> None:
    length = encoded.json_length(value)

    for longest in range(length - 3, 2 * length + 3):
        assert encoded.is_json_within(value, longest) is (length <= longest)
