from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from acs.crypto.key_agreement import Agreed, NotAKey, agree, derive, jwk, public_key
from schemas import base64url

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "jose.json").read_text("utf-8")
)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
OWN = VECTORS["own"]
SCALARS = st.integers(1, ORDER - 1)


def private(d: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(base64url.decode(d)), ec.SECP256R1())


def key_with_leading_zero(name: str) -> dict[str, str]:
    """Find a public key with a coordinate below 2 to the 248th."""
    for scalar in range(1, 10_000):
        key = jwk(ec.derive_private_key(scalar, ec.SECP256R1()).public_key())
        if base64url.decode(key[name])[0] == 0:
            return key
    raise AssertionError


def test_the_published_example_comes_out() -> None:
    example = VECTORS["published"]
    mine, peer = private(example["d"]), public_key(example["peer"])

    assert mine.exchange(ec.ECDH(), peer).hex() == example["shared"]
    assert derive(mine, peer, example["party_v"]).hex() == example["key"]


@pytest.mark.parametrize(("mine", "other"), [("sdk", "acs"), ("acs", "sdk")])
def test_both_sides_of_our_example_derive_its_key(mine: str, other: str) -> None:
    key = derive(private(OWN[mine]["d"]), public_key(OWN[other]), OWN["reference"])

    assert key.hex() == OWN["key"]
    assert jwk(private(OWN[mine]["d"]).public_key()) == {
        name: OWN[mine][name] for name in ("kty", "crv", "x", "y")
    }


@settings(max_examples=25)
@given(SCALARS, st.text(min_size=1, max_size=32))
def test_an_sdk_derives_the_key_that_we_agreed_on(scalar: int, reference: str) -> None:
    sdk = ec.derive_private_key(scalar, ec.SECP256R1())
    agreed = agree(jwk(sdk.public_key()), reference)

    assert derive(sdk, public_key(agreed.public_key), reference) == agreed.key


def test_each_transaction_has_a_key_of_its_own() -> None:
    first, second = (agree(OWN["sdk"], OWN["reference"]) for _ in range(2))

    assert first.public_key != second.public_key
    assert first.key != second.key


def test_the_sdk_that_asks_is_part_of_the_key() -> None:
    mine, peer = private(OWN["acs"]["d"]), public_key(OWN["sdk"])

    assert derive(mine, peer, "3DS_LOA_SDK_A") != derive(mine, peer, "3DS_LOA_SDK_B")


@settings(max_examples=50)
@given(SCALARS)
def test_a_coordinate_has_32_bytes_whatever_it_is(scalar: int) -> None:
    key = jwk(ec.derive_private_key(scalar, ec.SECP256R1()).public_key())

    assert [len(base64url.decode(key[name])) for name in ("x", "y")] == [32, 32]
    assert jwk(public_key(key)) == key


@pytest.mark.parametrize("name", ["x", "y"])
def test_leading_zeros_of_a_coordinate_are_kept(name: str) -> None:
    key = key_with_leading_zero(name)

    assert len(key[name]) == 43
    assert jwk(public_key(key)) == key
    assert len(agree(key, "reference").key) == 32


def test_leading_zeros_of_the_shared_secret_are_kept() -> None:
    key = key_with_leading_zero("x")
    one = ec.derive_private_key(1, ec.SECP256R1())  # the secret is the point itself

    assert one.exchange(ec.ECDH(), public_key(key)) == base64url.decode(key["x"])


def test_a_second_implementation_reads_our_public_key() -> None:
    agreed = agree(OWN["sdk"], OWN["reference"])
    read = ECKey.import_key({**agreed.public_key})

    assert read.public_key.public_numbers() == public_key(agreed.public_key).public_numbers()


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"x": OWN["sdk"]["y"]},  # a coordinate of a point, and no point
        {"x": "A" * 43, "y": "A" * 43},
        {"x": base64url.encode(b"\xff" * 32)},  # beyond the field
        {"x": base64url.encode(base64url.decode(OWN["sdk"]["x"])[1:])},
        {"x": base64url.encode(b"\0" + base64url.decode(OWN["sdk"]["x"]))},
        {"y": "?"},
        {"y": ""},
    ],
)
def test_what_is_no_point_of_the_curve_is_no_key(change: dict[str, str]) -> None:
    with pytest.raises(NotAKey):
        agree({**OWN["sdk"], **change}, "reference")


def test_a_jwk_without_its_members_is_no_key() -> None:
    with pytest.raises(NotAKey):
        public_key({"kty": "EC", "crv": "P-256"})


def test_the_key_is_not_shown() -> None:
    assert repr(Agreed({"kty": "EC"}, b"secret")) == "Agreed(public_key={'kty': 'EC'})"
