"""base64url: strict in what goes out, kind to padding and alphabet in what comes in."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base64url import NotBase64Url, decode, encode


@given(st.binary(min_size=1))
def test_what_was_encoded_decodes(raw: bytes) -> None:
    assert decode(encode(raw)) == raw


@given(st.binary())
def test_what_goes_out_has_the_url_alphabet_and_no_padding(raw: bytes) -> None:
    assert set(encode(raw)).isdisjoint("+/=\r\n ")


@given(st.binary(min_size=1))
def test_the_ordinary_alphabet_with_padding_is_read_too(raw: bytes) -> None:
    assert decode(base64.b64encode(raw).decode()) == raw


@pytest.mark.parametrize("text", ["", "=", "a", "ab c", "ab\ncd", "ab!d", "żółć", "YQ==YQ=="])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotBase64Url):
        decode(text)
