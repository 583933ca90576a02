"""Versions: which look like one, which come later."""

from __future__ import annotations

import pytest

from schemas import versions


@pytest.mark.parametrize("text", ["2.1.0", "2.3.1", "9.9.9", "10.10.10"])
def test_three_numbers_with_points_look_like_a_version(text: str) -> None:
    assert versions.is_well_shaped(text)


@pytest.mark.parametrize(
    "value", ["2.1", "2.1.0.0", "2.1.x", "", " 2.1.0", "2.1.0\n", "2..10", 2.1]
)
def test_anything_else_does_not(value: object) -> None:
    assert not versions.is_well_shaped(value)


def test_the_detail_of_102_lists_every_version() -> None:
    assert versions.SUPPORTED_TEXT == "2.1.0,2.2.0,2.3.1"


def test_later_versions_are_known() -> None:
    since = [version for version in versions.SUPPORTED if versions.is_since(version, "2.2.0")]

    assert since == ["2.2.0", "2.3.1"]


def test_the_sets_of_the_tables_are_what_their_names_say() -> None:
    assert versions.UNTIL_220 | versions.FROM_231 == versions.EVERY
    assert versions.ONLY_210 | versions.FROM_220 == versions.EVERY
    assert versions.FROM_220 & versions.UNTIL_220 == versions.ONLY_220
