"""The colours of the pages: which stand on which, and whether they can be told apart.

A palette maps the properties of ``schemas/palette.css`` (without their dashes) to "#rrggbb". That
sheet's two palettes, light and dark, are the built-in ones; a theme replaces some of their
colours. Pure.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Palette = dict[str, str]

TEXT_MIN: Final = 4.5
"""Contrast of text and its ground [WCAG 2.2, 1.4.3]."""
SHAPE_MIN: Final = 3.0
"""Contrast of a border, a mark or the ring of the focus [WCAG 2.2, 1.4.11]."""

# Every pair that a rule of pages.css puts together: (what is seen, what it stands on).
TEXT: Final = (
    *product(("ink", "soft", "action", "action-strong", "error-ink"), ("sheet", "panel")),
    ("on-action", "action"),
    ("on-action", "action-strong"),
    ("error-ink", "error-ground"),
    ("good-ink", "good-ground"),
    ("info-ink", "info-ground"),
)
SHAPES: Final = (("edge", "sheet"), ("action", "sheet"), ("error-ink", "sheet"))

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_BLOCK: Final = re.compile(r":root \{([^}]*)\}")
_PROPERTY: Final = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")


def palettes_of(sheet: str) -> tuple[Palette, Palette]:
    """Read the light and the dark palette from the two ``:root`` blocks of a style sheet."""
    light, dark = (dict(_PROPERTY.findall(block)) for block in _BLOCK.findall(sheet)[:2])
    return light, dark


def blocks(light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """Write two palettes as the blocks that ``palettes_of`` reads."""
    return (
        f":root {{\n{_properties(light)}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n:root {{\n{_properties(dark)}}}\n}}\n"
    )


def faults_of(given: Mapping[str, str], palette: Mapping[str, str]) -> list[str]:
    """Say what is wrong with the colours ``given`` in place of those of a built-in palette."""
    faults = [f"{name} is no colour of the pages" for name in given if name not in palette]
    faults += [
        f"{name} is {colour}: a colour is # and six digits 0-9, a-f"
        for name, colour in given.items()
        if not _COLOUR.fullmatch(colour)
    ]
    return faults or list(_too_close({**palette, **given}))


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours [WCAG 2.2, definitions]: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _too_close(palette: Mapping[str, str]) -> Iterator[str]:
    for pairs, least in ((TEXT, TEXT_MIN), (SHAPES, SHAPE_MIN)):
        for seen, ground in pairs:
            ratio = contrast(palette[seen], palette[ground])
            if ratio < least:
                # Cut, not rounded: 4.496 must not be told as 4.5.
                shown = int(ratio * 100) / 100
                yield f"{seen} on {ground} has a contrast of {shown}, {least} is the least"


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for value in channels
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _properties(palette: Mapping[str, str]) -> str:
    return "".join(f"  --{name}: {colour};\n" for name, colour in palette.items())
