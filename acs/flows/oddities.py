"""What an AReq says that no rule forbids and that looks like a mistake: counted, never refused.

A shop's wrong exponent shows a cardholder a hundred times the price, and nobody tells the shop; an
unusual language tag costs the cardholder the language. Operators see both in a metric.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.amounts import iso_exponent
from schemas.texts import language_wishes

if TYPE_CHECKING:
    from collections.abc import Mapping


class Oddity(StrEnum):
    """One kind of mistake; a label of a metric."""

    EXPONENT = "exponent"
    """purchaseExponent is not what ISO 4217 lists for the currency; the message's is shown."""
    LANGUAGE = "language"
    """browserLanguage names no language that the pages exist in; another one is shown."""


def oddities(values: Mapping[str, object], languages: tuple[str, ...]) -> tuple[Oddity, ...]:
    """Name what is odd about an AReq's values; ``languages`` are those of the pages."""
    get = values.get
    return _odd(get("purchaseCurrency"), get("purchaseExponent"), get("browserLanguage"), languages)


@lru_cache(maxsize=1024)
def _odd(
    currency: object, exponent: object, tag: object, languages: tuple[str, ...]
) -> tuple[Oddity, ...]:
    """Look at three elements that are the same in most AReqs of a shop, and say nothing of it."""
    found = []
    if currency is not None and exponent is not None:
        listed = iso_exponent(str(currency))
        if listed is not None and str(exponent) != str(listed):
            found.append(Oddity.EXPONENT)
    if tag is not None and not any(wish in languages for wish in language_wishes(str(tag))):
        found.append(Oddity.LANGUAGE)
    return tuple(found)
