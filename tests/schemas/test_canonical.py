"""Canonical JSON: the bytes that a plain writer gives, whatever the text."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.canonical import to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**48), 10**48) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, VALUES, max_size=6))
@example({"ż": '\x00\x1f\x7f\x80\u2028\U0001f600"\\/\b\f', "Z": 1, "a": [{}, []]})
def test_the_bytes_are_those_of_a_plain_writer(value: dict[str, object]) -> None:
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert to_json(value) == plain.encode()
