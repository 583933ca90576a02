from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from acs.crypto import cavv, value
from acs.crypto.keys import KeysUnavailable
from acs.crypto.software import SoftwareKeys
from acs.crypto.value import KeyUnavailable, Profile
from acs.transaction import AuthenticationValue
from schemas.vault import Secret
from tests.acs.people import DS_TRANS_ID, PAN, a_range
from tests.records import replace

if TYPE_CHECKING:
    from acs.authentication.facts import CardRange

HEX = "0123456789ABCDEFFEDCBA9876543210"
SEED = (9602231034727993).to_bytes(16, "big")


def keys(state: str = "active") -> SoftwareKeys:
    return SoftwareKeys.from_content(
        {
            "keys": [
                {"id": "des", "kind": "3des", "state": state, "hex": HEX},
                {"id": "mac", "kind": "hmac", "state": state, "hex": HEX},
            ]
        }
    )


def inputs(**changes: Any) -> value.Inputs:
    good = value.Inputs(
        pan=Secret(PAN),
        trans_status="Y",
        challenged=True,
        eci="05",
        amount=12_345,
        currency="985",
        merchant_name="Sklep",
        ds_trans_id=DS_TRANS_ID,
        message_version="2.2.0",
        authenticated_at=datetime(2026, 5, 3, 23, 59, tzinfo=UTC),
    )
    return replace(good, **changes)


def visa(profile: str = "visa-v7", **policy: Any) -> CardRange:
    return a_range("visa", av_profile=profile, av_key_id="des", **policy)


def mastercard(profile: str = "mastercard-dstrans", **policy: Any) -> CardRange:
    return a_range("mastercard", av_profile=profile, av_key_id="mac", **policy)


def made(card_range: CardRange, seed: bytes = SEED, **changes: Any) -> str:
    result = value.make(card_range, keys(), inputs(**changes), seed)
    assert isinstance(result, AuthenticationValue)
    return base64.b64decode(result.value.reveal()).hex().upper()


def test_visa_version_7_is_the_vector() -> None:
    assert made(visa()) == "0002010336799300000030399851237500000000"


def test_visa_version_0_takes_its_number_from_the_seed() -> None:
    assert made(visa("visa-v0")) == "0002010897799396022310347279930000000000"


@pytest.mark.parametrize(("version", "nibble"), [("2.1.0", "4"), ("2.2.0", "5"), ("2.3.1", "6")])
def test_visa_version_7_tells_the_protocol(version: str, nibble: str) -> None:
    assert made(visa(), message_version=version)[30:32] == f"7{nibble}"


def test_frictionless_and_challenge_have_their_method_codes() -> None:
    assert made(visa(), challenged=False)[2:4] == "99"
    assert made(visa(), challenged=True)[2:4] == "02"
    assert made(visa(av_second_factor="10"), challenged=True)[2:4] == "10"
    assert made(visa(av_second_factor="10"), challenged=False)[2:4] == "99"


def test_an_attempt_has_its_own_results_code() -> None:
    assert made(visa(), trans_status="A", eci="06")[:2] == "07"


@pytest.mark.parametrize(("status", "eci"), [("Y", "05"), ("A", "06")])
def test_an_eci_that_the_message_leaves_out_is_bound_as_the_network_takes_it(
    status: str, eci: str
) -> None:
    left_out = made(visa(), trans_status=status, eci=None)

    assert left_out == made(visa(), trans_status=status, eci=eci)


def test_the_key_indicator_is_the_policys() -> None:
    assert made(visa(av_key_indicator="02"))[4:6] == "02"


def test_the_day_is_the_utc_day_of_the_authentication() -> None:
    midnight = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)

    assert made(visa())[27:30] == "123"
    assert made(visa(), authenticated_at=midnight)[27:30] == "124"


def test_mastercard_ties_the_value_to_the_transaction() -> None:
    one, other = made(mastercard()), made(mastercard(), ds_trans_id=DS_TRANS_ID.replace("3", "4"))

    assert one.startswith("C604")
    assert one.endswith("00" * 14)
    assert one != other


def test_mastercard_may_have_a_longer_frame() -> None:
    result = value.make(mastercard(av_pad_bytes=21), keys(), inputs(eci="02"), SEED)

    assert isinstance(result, AuthenticationValue)
    assert len(result.value.reveal()) == 28
    assert not result.value.reveal().endswith("=")


@pytest.mark.parametrize(
    "change", [{"amount": 12_346}, {"currency": "978"}, {"merchant_name": "Inny"}]
)
def test_mastercard_with_dynamic_linking_ties_amount_and_payee(change: dict[str, Any]) -> None:
    card_range = mastercard("mastercard-link")

    assert made(card_range) != made(card_range, **change)


def test_a_value_says_where_it_comes_from_and_hides_itself() -> None:
    result = value.make(visa(), keys(), inputs(), SEED)

    assert isinstance(result, AuthenticationValue)
    assert (result.eci, result.key_id, result.profile) == ("05", "des", Profile.VISA_V7)
    assert result.value.reveal() not in repr(result)


NO_VALUE = [
    a_range("visa", av_profile=None, av_key_id=None),
    a_range("visa", av_profile="visa-v9", av_key_id="des"),
    a_range("mastercard", av_profile="visa-v7", av_key_id="des"),
    a_range("jcb", av_profile="visa-v7", av_key_id="des"),
    a_range("visa", av_profile="visa-v7", av_key_id="gone"),
]


@pytest.mark.parametrize("card_range", NO_VALUE)
def test_without_scheme_profile_or_key_there_is_no_value(card_range: CardRange) -> None:
    result = value.make(card_range, keys(), inputs(), SEED)

    assert isinstance(result, KeyUnavailable)
    assert not value.available(card_range, keys(), 1)


@pytest.mark.parametrize("state", ["staged", "verify-only"])
def test_a_key_that_is_not_active_makes_no_value(state: str) -> None:
    result = value.make(visa(), keys(state), inputs(), SEED)

    assert result == KeyUnavailable(f"key des is {state}")
    assert not value.available(visa(), keys(state), 1)


def test_an_amount_too_large_for_the_layout_gives_no_value() -> None:
    result = value.make(visa(), keys(), inputs(amount=cavv.AMOUNT_MAX + 1), SEED)

    assert result == KeyUnavailable("the amount does not fit into the value")
    assert not value.available(visa(), keys(), cavv.AMOUNT_MAX + 1)


@pytest.mark.parametrize("amount", [None, 0, cavv.AMOUNT_MAX])
def test_a_good_range_can_make_a_value(amount: int | None) -> None:
    assert value.available(visa(), keys(), amount)


class NoDigits:
    """A key store in front of which the hash of a purchase had too few digits."""

    state = keys().state
    hmac_sha256 = keys().hmac_sha256

    def cvv(self, key_id: str, digits: str) -> str:
        raise cavv.NotEnoughDigits


def test_a_hash_without_enough_digits_gives_no_value() -> None:
    assert value.make(visa(), NoDigits(), inputs(), SEED) == KeyUnavailable("NotEnoughDigits")


def test_a_short_seed_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        value.make(visa(), keys(), inputs(), SEED[1:])


class Wire:
    """Keys that are asked over a wire: the same ones, or nobody answers."""

    is_away = False

    def __init__(self, *, is_cut: bool = False) -> None:
        self._is_cut = is_cut
        self.asked: list[str] = []

    def holds(self, key_id: str) -> bool:
        return key_id in {"des", "mac"}

    async def cvv(self, key_id: str, digits: str) -> str:
        return keys().cvv(self._ask(key_id), digits)

    async def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        return keys().hmac_sha256(self._ask(key_id), message)

    def _ask(self, key_id: str) -> str:
        self.asked.append(key_id)
        if self._is_cut:
            raise KeysUnavailable("the wire is cut")
        return key_id


@pytest.mark.parametrize(
    "card_range",
    [visa(), visa("visa-v0"), mastercard(), mastercard("mastercard-link", av_pad_bytes=21)],
)
async def test_a_key_over_a_wire_makes_the_same_value(card_range: CardRange) -> None:
    wire = Wire()
    result = await value.make_remotely(card_range, wire, inputs(), SEED)
    assert result == value.make(card_range, keys(), inputs(), SEED)
    assert wire.asked == [card_range.policy.av_key_id]


@pytest.mark.parametrize("card_range", [visa(), mastercard()])
async def test_a_wire_that_is_cut_makes_no_value(card_range: CardRange) -> None:
    result = await value.make_remotely(card_range, Wire(is_cut=True), inputs(), SEED)
    assert result == KeyUnavailable("the wire is cut")


async def test_what_can_be_no_value_is_not_asked_for() -> None:
    wire = Wire()
    for card_range in (visa("visa-v9"), mastercard("visa-v7")):
        assert isinstance(
            await value.make_remotely(card_range, wire, inputs(), SEED), KeyUnavailable
        )
    too_much = inputs(amount=cavv.AMOUNT_MAX + 1)
    assert isinstance(await value.make_remotely(visa(), wire, too_much, SEED), KeyUnavailable)
    assert wire.asked == []
