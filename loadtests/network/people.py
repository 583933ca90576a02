"""The demo's people and their cards: what the bank's branch and core systems know of them.

The same every time. Each person has an own account, card and phone number, so that testers who
work side by side do not spend each other's limits or attempts.
"""

from dataclasses import dataclass

from loadtests.network.identifiers import nonresident, pan, pesel

CURRENCY = "PLN"

# Twelve digits: the lowest number of each range in issuer.toml begins with these.
VISA_OTP = "400000100000"
VISA_PIN_OTP = "400000200000"
VISA_FRICTIONLESS = "400000300000"
MASTERCARD_OTP = "520000100000"
MASTERCARD_PIN_OTP = "520000200000"
MASTERCARD_FRICTIONLESS = "520000300000"
JCB_NO_KEYS = "353000100000"

GENEROUS_LIMITS = {
    "per_tx": 1_000_000,
    "per_day": 10_000_000,
    "per_month": 50_000_000,
    "count_day": 10_000,
    "count_month": 10_000,
}
OFF_LIMITS = GENEROUS_LIMITS | {"per_tx": 0}
LOW_LIMITS = GENEROUS_LIMITS | {"per_tx": 10_000}

# Kind of card, ranges taken in turn, how many. The order is that of `GET /api/cards`; the first
# kind needs nothing but the SMS code.
_PLAN: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("C otp", (VISA_OTP, MASTERCARD_OTP), 10),
    ("C pin+otp", (VISA_PIN_OTP, MASTERCARD_PIN_OTP), 10),
    ("Y", (VISA_FRICTIONLESS, MASTERCARD_FRICTIONLESS), 4),
    ("N limit", (VISA_OTP, MASTERCARD_OTP), 4),
    ("N not enrolled", (VISA_OTP, MASTERCARD_OTP), 4),
    ("N blocked", (VISA_OTP, MASTERCARD_OTP), 4),
    ("N expired", (VISA_OTP, MASTERCARD_OTP), 2),
    ("U", (JCB_NO_KEYS,), 2),
    # For who walks through the portal by hand: known to the bank, not registered, no PIN yet.
    ("N not enrolled", (VISA_PIN_OTP, MASTERCARD_PIN_OTP), 2),
)

_FIRST_NAMES = (
    "Jagna", "Bogumił", "Wioletta", "Gniewko", "Otylia", "Ziemowit", "Kalina", "Dobromir",
    "Lubomira", "Mścisław", "Bożena", "Radosław", "Świętosława", "Teofil", "Aldona", "Witold",
    "Żaneta", "Cyryl", "Nadzieja", "Eustachy", "Halszka", "Przemko", "Mira", "Longin",
    "Sława", "Tymon", "Roksana", "Wacław", "Idalia", "Krzesimir", "Felicja", "Gustaw",
    "Pola", "Hubert", "Klementyna", "Leszko", "Zyta", "Anzelm", "Judyta", "Bronisław",
)  # fmt: skip
_SURNAMES = (
    "Wymyślna", "Zmyślony", "Nieprawdziwa", "Przykładowy", "Bajkowa", "Fikcyjny", "Umowna",
    "Testowy",
)  # fmt: skip
_WALKS = (VISA_PIN_OTP, MASTERCARD_PIN_OTP)
# Every eighth person has no PESEL but a number of the bank's.
_NONRESIDENT_EACH = 8


@dataclass(frozen=True, slots=True)
class Person:
    """One person with account, card and phone, and what is done for the card at the bank."""

    ref: str
    holder: str
    identifier: str
    identifier_kind: str
    language: str
    phone: str
    pan: str
    pin: str | None
    expect: str
    limits: dict[str, int]


def everybody() -> list[Person]:
    """Give all people in the order of their cards in `GET /api/cards`."""
    kinds = [
        (kind, ranges[turn % len(ranges)]) for kind, ranges, count in _PLAN for turn in range(count)
    ]
    used: dict[str, int] = {}
    people = []
    for number, (kind, card_range) in enumerate(kinds):
        used[card_range] = used.get(card_range, 0) + 1
        people.append(_person(number, kind, pan(card_range, used[card_range])))
    return people


def _person(number: int, kind: str, card_number: str) -> Person:
    is_newcomer = kind == "N not enrolled" and card_number.startswith(_WALKS)
    is_nonresident = is_newcomer or number % _NONRESIDENT_EACH == _NONRESIDENT_EACH - 1
    if is_nonresident:
        identifier = nonresident("UA", 100_000_000 + number)
    else:
        identifier = pesel(90 + number % 10, 1 + number % 12, 1 + number % 28, 1000 + number)
    return Person(
        ref=f"demo-{number + 1:03d}",
        holder=f"{_FIRST_NAMES[number % len(_FIRST_NAMES)]} {_SURNAMES[number % len(_SURNAMES)]}",
        identifier=identifier,
        identifier_kind="nonresident" if is_nonresident else "pesel",
        language="en" if is_nonresident else "pl",
        phone=f"+48501000{number + 101:03d}",
        pan=card_number,
        pin=None if kind == "N not enrolled" else _pin(number),
        expect=kind,
        limits=_limits(number, kind),
    )


def _pin(number: int) -> str:
    # From 7305 on in steps of 13: no row, no repetition, no year, no date is among them.
    return f"{7305 + 13 * number:04d}"


def _limits(number: int, kind: str) -> dict[str, int]:
    if kind != "N limit":
        return GENEROUS_LIMITS
    return OFF_LIMITS if number % 2 else LOW_LIMITS
