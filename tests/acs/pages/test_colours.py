"""Colours: read from the sheet, judged pair by pair."""

from __future__ import annotations

import pytest

from acs.pages import colours
from schemas.static_files import PALETTE

LIGHT, DARK = colours.palettes_of(PALETTE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_our_own_colours_can_be_told_apart(palette: colours.Palette) -> None:
    assert colours.faults_of({}, palette) == []


def test_both_schemes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_every_colour_that_is_seen_or_stood_on_is_in_a_pair() -> None:
    """A colour of the sheet that no pair names would be changed without anybody judging it."""
    paired = {name for pair in (*colours.TEXT, *colours.SHAPES) for name in pair}

    assert LIGHT.keys() - paired == {"ground", "line"}


def test_black_and_white_are_as_far_apart_as_colours_can_be() -> None:
    """The two ends and one middle of WCAG's own scale."""
    found = [colours.contrast("#000000", other) for other in ("#ffffff", "#000000", "#777777")]

    assert [round(ratio, 2) for ratio in found] == [21.0, 1.0, 4.69]


def test_the_order_of_two_colours_does_not_matter() -> None:
    assert colours.contrast("#0b4f96", "#ffffff") == colours.contrast("#ffffff", "#0b4f96")


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"action": "#0b4f96"}, []),
        ({"glow": "#0b4f96"}, ["glow is no colour of the pages"]),
        (
            {"action": "blue"},
            ["action is blue: a colour is # and six digits 0-9, a-f"],
        ),
        (
            {"ink": "#767677"},
            ["ink on panel has a contrast of 4.18, 4.5 is the least"],
        ),
        (
            {"edge": "#cccccc"},
            ["edge on sheet has a contrast of 1.6, 3.0 is the least"],
        ),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, str], faults: list[str]) -> None:
    assert colours.faults_of(given, LIGHT) == faults


def test_a_pair_is_judged_with_what_the_theme_leaves_as_it_was() -> None:
    """A light button with our white letters on it."""
    assert "on-action on action has a contrast of 1.91, 4.5 is the least" in colours.faults_of(
        {"action": "#8fbff5"}, LIGHT
    )


def test_written_blocks_are_read_again() -> None:
    assert colours.palettes_of(colours.blocks(LIGHT, DARK)) == (LIGHT, DARK)
