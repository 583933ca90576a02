"""What an AReq says that no rule forbids and that looks like a mistake: counted, never refused.

A shop's wrong exponent shows a cardholder a hundred times the price, and nobody tells the shop; an
unusual language tag costs the cardholder the language. Operators see both in a metric.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.amounts import iso_exponent
from schemas.texts import language_wishes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class Oddity(StrEnum):
    """One kind of mistake; a label of a metric."""

    EXPONENT = "exponent"
    """purchaseExponent is not what ISO 4217 lists for the currency; the message's is shown."""
    LANGUAGE = "language"
    """browserLanguage names no language that the pages exist in; another one is shown."""


def oddities(values: Mapping[str, object], languages: Collection[str]) -> Iterator[Oddity]:
    """Name what is odd about an AReq's values; ``languages`` are those of the pages."""
    currency, exponent = values.get("purchaseCurrency"), values.get("purchaseExponent")
    if currency is not None and exponent is not None:
        listed = iso_exponent(str(currency))
        if listed is not None and str(exponent) != str(listed):
            yield Oddity.EXPONENT
    tag = values.get("browserLanguage")
    if tag is not None and not any(wish in languages for wish in language_wishes(str(tag))):
        yield Oddity.LANGUAGE
