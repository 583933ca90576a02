from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.transaction import (
    CHANCE_BYTES,
    METHODS,
    AcsTransId,
    DsTransId,
    Elements,
    acs_trans_id_at,
    link_digest,
    linked,
)
from tests.acs.people import ACS_TRANS_ID, CARD_ID, a_transaction, an_areq
from tests.records import replace

OTHER = UUID("99999999-9999-4999-8999-999999999999")


def test_stored_elements_give_the_digest_of_the_areq() -> None:
    """RTS art. 5(1)(c): the code that is checked corresponds to what was first asked."""
    asked = linked(an_areq().values, ACS_TRANS_ID, CARD_ID)

    assert link_digest(asked) == link_digest(a_transaction().linked)


@pytest.mark.parametrize(
    "change",
    [
        {"acs_trans_id": AcsTransId(OTHER)},
        {"ds_trans_id": DsTransId(str(OTHER))},
        {"card_id": OTHER},
        {"card_id": None},
        {"purchase_amount": 10_001},
        {"purchase_amount": None},
        {"purchase_currency": "978"},
        {"purchase_exponent": 3},
        {"merchant_name": "Sklep "},
        {"acquirer_bin": "412346"},
        {"acquirer_merchant_id": "M-2"},
        {"message_category": "02"},
        {"device_channel": "01"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_frozen_element_moves_the_digest(change: dict[str, object]) -> None:
    """RTS art. 5(1)(d): any change of amount or payee makes the code worthless."""
    frozen = a_transaction().linked

    assert link_digest(replace(frozen, **change)) != link_digest(frozen)


def test_the_digest_never_changes_its_meaning() -> None:
    """Codes on their way must still be right after an upgrade."""
    digest = link_digest(a_transaction().linked)

    assert digest.hex() == "d617f9a50521416b0b00b18ed0df149d11d2dfbb09a09ddece2aa2e292134d6d"


def test_a_non_payment_has_no_amount_and_still_a_digest() -> None:
    areq = an_areq(purchaseAmount=None, purchaseCurrency=None, purchaseExponent=None)

    frozen = linked(areq.values, ACS_TRANS_ID, None)

    assert (frozen.purchase_amount, frozen.purchase_currency, frozen.card_id) == (None, None, None)
    assert len(link_digest(frozen)) == 32


def test_the_spelling_of_the_directory_servers_id_does_not_matter() -> None:
    frozen = a_transaction().linked
    shouted = replace(frozen, ds_trans_id=DsTransId(frozen.ds_trans_id.upper()))

    assert link_digest(shouted) == link_digest(frozen)


def test_pin_and_code_are_told_code_first() -> None:
    assert METHODS == {Elements.OTP: ("02",), Elements.PIN_AND_OTP: ("02", "01")}


@given(
    name=st.text(st.characters(exclude_categories=["Cs"])),
    amount=st.integers(0, 10**48) | st.none(),
)
def test_the_digest_is_that_of_plain_json(name: str, amount: int | None) -> None:
    frozen = replace(a_transaction().linked, merchant_name=name, purchase_amount=amount)
    named = {one: getattr(frozen, one) for one in frozen.__struct_fields__}
    named |= {"format": "link/1", "ds_trans_id": frozen.ds_trans_id.lower()}
    named |= {"acs_trans_id": str(frozen.acs_trans_id), "card_id": str(frozen.card_id)}
    text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    assert link_digest(frozen) == hashlib.sha256(text.encode()).digest()


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.binary(min_size=CHANCE_BYTES, max_size=CHANCE_BYTES),
)
def test_an_identifier_begins_with_its_time_and_holds_all_the_chance_it_takes(
    at: datetime, chance: bytes
) -> None:
    made = acs_trans_id_at(at, chance)
    assert made.int >> 80 == int(at.timestamp() * 1000)
    assert (made.version, made.variant) == (4, RFC_4122)
    free = int.from_bytes(chance, "big") & ((1 << 74) - 1)
    assert ((made.int >> 64) & 0xFFF) | ((made.int & ((1 << 62) - 1)) << 12) == free


def test_identifiers_are_in_the_order_of_their_time() -> None:
    moments = [datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    low, high = bytes(CHANCE_BYTES), b"\xff" * CHANCE_BYTES
    assert acs_trans_id_at(moments[0], high) < acs_trans_id_at(moments[1], low)
