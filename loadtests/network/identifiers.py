"""Numbers with check digits: cards, PESEL, the bank's own numbers for non-residents.

Pure. The demo's people must pass every check a bank makes, and be nobody: their PESEL numbers say
they were born in the 1890s, so that no living person can hold one of them.
"""

_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
_PESEL_MONTH_OF_1800S = 80  # the month carries the century: 81-92 are 1800-1899


def luhn_digit(digits: str) -> str:
    """Give the digit that makes `digits` followed by it pass the Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of its two digits
    return str(-total % 10)


def pan(range_low: str, number: int, length: int = 16) -> str:
    """Give the `number`th card of a range whose numbers begin with `range_low`'s digits."""
    free = length - 1 - len(range_low)
    body = f"{range_low}{number:0{free}d}"
    return body + luhn_digit(body)


def pesel(year_of_century: int, month: int, day: int, serial: int) -> str:
    """Give the PESEL of someone born in 18`year_of_century` with this serial (0-9999)."""
    body = f"{year_of_century:02d}{_PESEL_MONTH_OF_1800S + month}{day:02d}{serial:04d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _PESEL_WEIGHTS, strict=True))
    return body + str(-total % 10)


def nonresident(country: str, number: int) -> str:
    """Give the bank's number for somebody without PESEL: two letters, nine digits, a Luhn digit."""
    body = f"{number:09d}"
    return f"{country}{body}{luhn_digit(body)}"
