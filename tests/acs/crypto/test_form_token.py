from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.crypto.form_token import TOKEN_MAX, ForgedToken, FormToken, open_token, seal
from schemas.vault import KeyRing
from tests.acs.people import ACS_TRANS_ID

if TYPE_CHECKING:
    from acs.transaction import AcsTransId

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing("new", {"new": NEW, "old": OLD})


@given(st.uuids(), st.integers(0, 65_535))
def test_a_token_says_what_it_was_made_for(acs_trans_id: AcsTransId, step: int) -> None:
    token = seal(RING, acs_trans_id, step)

    assert open_token(RING, token) == FormToken(acs_trans_id, step)
    assert len(token) <= TOKEN_MAX


def test_a_token_of_the_key_before_is_still_good() -> None:
    token = seal(KeyRing("old", {"old": OLD}), ACS_TRANS_ID, 1)

    assert open_token(RING, token) == FormToken(ACS_TRANS_ID, 1)


def test_a_token_of_a_key_that_is_gone_is_forged() -> None:
    token = seal(KeyRing("old", {"old": OLD}), ACS_TRANS_ID, 1)

    with pytest.raises(ForgedToken):
        open_token(KeyRing("new", {"new": NEW}), token)


def test_a_token_needs_no_escaping() -> None:
    assert seal(RING, ACS_TRANS_ID, 0).replace("-", "").replace("_", "").isalnum()


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_is_noticed(position: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(seal(RING, ACS_TRANS_ID, 7) + "=="))
    raw[position % len(raw)] ^= change

    with pytest.raises(ForgedToken):
        open_token(RING, base64.urlsafe_b64encode(raw).decode())


@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    with pytest.raises(ForgedToken):
        open_token(RING, text)


@pytest.mark.parametrize("token", ["", "A" * (TOKEN_MAX + 1), "%%%%", "żółw"])
def test_rubbish_is_forged(token: str) -> None:
    with pytest.raises(ForgedToken):
        open_token(RING, token)
