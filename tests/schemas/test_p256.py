"""What is a point of the curve; the library that uses the points is the referee."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import base64url
from schemas.p256 import is_coordinate, is_point

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
COORDINATES = st.integers(0, 2**256 - 1)


def written(number: int) -> str:
    return base64url.encode(number.to_bytes(32))


def point(scalar: int) -> tuple[int, int]:
    numbers = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y


def the_library_takes(x: int, y: int) -> bool:
    try:
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        return False
    return True


@settings(max_examples=50)
@given(st.integers(1, ORDER - 1))
def test_every_public_key_is_a_point(scalar: int) -> None:
    x, y = point(scalar)

    assert is_point(written(x), written(y))
    assert is_point(written(x), written(PRIME - y))  # its mirror image


@settings(max_examples=50)
@given(st.integers(1, ORDER - 1), st.integers(0, 255), st.booleans())
def test_one_changed_bit_leaves_the_curve_as_the_library_has_it(
    scalar: int, bit: int, in_x: bool
) -> None:
    x, y = point(scalar)
    x, y = (x ^ 1 << bit, y) if in_x else (x, y ^ 1 << bit)

    assert is_point(written(x), written(y)) is the_library_takes(x, y)


@given(COORDINATES, COORDINATES)
def test_any_numbers_are_judged_as_by_the_library(x: int, y: int) -> None:
    assert is_point(written(x), written(y)) is the_library_takes(x, y)


def test_a_coordinate_beyond_the_field_is_none() -> None:
    x, y = 5, pow(5**3 - 3 * 5 + B, (PRIME + 1) // 4, PRIME)  # small enough for a second spelling

    assert is_point(written(x), written(y))
    assert not is_point(written(x + PRIME), written(y))


@pytest.mark.parametrize("number", [0, PRIME, 2**256 - 1])
def test_the_edges_of_the_field_are_no_point(number: int) -> None:
    assert not is_point(written(number), written(number))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (written(0), True),
        ("_-" * 21 + "A", True),
        (written(0) + "=", False),
        (base64url.encode(bytes(31)), False),
        (base64url.encode(bytes(33)), False),
        ("+" * 43, False),
        ("\u0661" * 43, False),
        (written(0) + "\n", False),
        ("", False),
        (None, False),
        ({"x": 1}, False),
    ],
)
def test_a_coordinate_has_32_bytes(value: object, expected: bool) -> None:
    assert is_coordinate(value) is expected
