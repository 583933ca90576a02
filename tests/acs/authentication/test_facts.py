from __future__ import annotations

import pytest

from tests.acs.people import a_range


@pytest.mark.parametrize(
    ("pan", "inside"),
    [
        ("4123450000000000", True),
        ("4123459999999999", True),
        ("4123459999999999999", True),
        ("4123450000000", True),
        ("4123449999999999", False),
        ("4123460000000000", False),
    ],
)
def test_a_range_holds_numbers_of_every_length(pan: str, *, inside: bool) -> None:
    assert a_range().holds(pan) is inside
