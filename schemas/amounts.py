"""Amounts of money as people read them, from minor units and the message's own exponent.

Laws:
- No floating point and no rounding: the digits are only grouped and pointed, so an amount of any
  length stays exact (the AReq allows 48 digits).
- The exponent is the message's. Its agreement with ISO 4217 is a question for the reader of the
  message (``iso_exponent`` answers it); a page that showed another amount than the one
  authenticated would break the link between code and amount.
- Pure: no clock, no file, no locale of the process.
"""

from __future__ import annotations

from typing import Final

import iso4217
from babel.numbers import get_decimal_symbol, get_group_symbol

_CURRENCIES: Final = {f"{currency.number:03d}": currency for currency in iso4217.Currency}


def amount_text(minor: int, exponent: int, currency: str, language: str) -> str:
    """Write an amount for a page: "1 234,56 PLN" in Polish (grouped by no-break spaces).

    ``currency`` is the ISO 4217 numeric code of three digits. A negative amount is a programmer's
    mistake (ValueError).
    """
    return _written(minor, exponent, currency, language, group=get_group_symbol(language))


def plain_amount_text(minor: int, exponent: int, currency: str, language: str) -> str:
    """Write an amount for a text message: no grouping, ASCII only ("1234,56 PLN")."""
    return _written(minor, exponent, currency, language, group="")


def currency_code(currency: str) -> str:
    """Give the letters of a numeric currency code; the digits themselves if ISO knows none."""
    known = _CURRENCIES.get(currency)
    return currency if known is None else known.code


def iso_exponent(currency: str) -> int | None:
    """Give the number of decimals ISO 4217 lists for a numeric code; None if it lists none."""
    known = _CURRENCIES.get(currency)
    return None if known is None else known.exponent


def _written(minor: int, exponent: int, currency: str, language: str, *, group: str) -> str:
    if minor < 0 or exponent < 0:
        message = "an amount to show has no sign and no negative exponent"
        raise ValueError(message)
    digits = str(minor).rjust(exponent + 1, "0")
    whole, decimals = digits[: len(digits) - exponent], digits[len(digits) - exponent :]
    point = get_decimal_symbol(language) if decimals else ""
    # The blank before the letters is an ordinary one (the page keeps the line together by style),
    # so that the text can be searched for and copied as it is said.
    return f"{int(whole):,}".replace(",", group) + f"{point}{decimals} {currency_code(currency)}"
