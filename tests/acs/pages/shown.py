"""The screens that tests draw: one ordinary entry page, and everything that can happen to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.pages import samples
from tests.records import replace

if TYPE_CHECKING:
    from acs.challenge.screens import Screen

AT = samples.AT
BRAND = samples.BRAND
LANGUAGES = ("pl", "en", "de", "uk")
CODE = replace(samples.CODE, form_token="token-canary", languages=("pl", "en"))
LONG = replace(samples.LONG, languages=("pl", "en"))


def every_screen(language: str) -> dict[str, Screen]:
    """Give every kind of screen in a language, by name."""
    return samples.every_screen(language, LANGUAGES)
