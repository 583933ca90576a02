"""ISO code tables: currencies and countries, from maintained packages.

The shape is checked first, then the table: ``98`` is malformed (203), ``000`` is no currency (304)
[rule 2.32]. A historic code is none.
"""

from __future__ import annotations

import re
from typing import Final

import iso4217
import pycountry

from schemas.formats import Format, exactly, pattern
from schemas.problems import Fault

# 955-964: bond-market units, metals, drawing rights, test; 999: no currency. None: no number.
_EXCLUDED = frozenset({None, *range(955, 965), 999})
CURRENCY_NUMBERS: Final = frozenset(
    f"{currency.number:03}" for currency in iso4217.Currency if currency.number not in _EXCLUDED
)
CURRENCY_LETTERS: Final = frozenset(
    currency.code for currency in iso4217.Currency if currency.number not in _EXCLUDED
)
# No country has a number from 901 on, which covers the excluded 901-999.
COUNTRY_NUMBERS: Final = frozenset(country.numeric for country in pycountry.countries)


def _iso(shape: str, example: str, table: frozenset[str], shaped: str) -> Format:
    is_shaped = re.compile(shaped).fullmatch

    def fault(value: object) -> Fault:
        fits = isinstance(value, str) and is_shaped(value)
        return Fault.NOT_ISO if fits else Fault.MALFORMED

    return Format(shape, example, table.__contains__, fault, exact=exactly(sorted(table)))


def currency() -> Format:
    """A currency by its ISO 4217 number; 955-964 and 999 are excluded."""
    return _iso("ISO 4217 number", "985", CURRENCY_NUMBERS, "[0-9]{3}")


def currency_letters() -> Format:
    """A currency by its ISO 4217 letters."""
    return _iso("ISO 4217 letters", "PLN", CURRENCY_LETTERS, "[A-Z]{3}")


def country() -> Format:
    """A country by its ISO 3166-1 number."""
    return _iso("ISO 3166-1 number", "616", COUNTRY_NUMBERS, "[0-9]{3}")


def subdivision() -> Format:
    """The part of an ISO 3166-2 code after the hyphen."""
    shape = "ISO 3166-2 subdivision, 1-3 characters"
    return pattern(shape, "MZ", "[A-Za-z0-9]{1,3}", (1, 3))
