"""From what a client posts to an order: every fault named, none guessed away."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation

from loadtests.network.areq import (
    CHANNELS,
    SDK_INTERFACES,
    VERSIONS,
    WINDOW_SIZES,
    Browser,
    Order,
)
from loadtests.network.cards import Cards
from loadtests.network.currencies import CURRENCIES, Currency
from loadtests.network.purchases import Faults

_AMOUNT_MAX = 10**12
_MERCHANT_NAME_MAX = 40
_FIELDS = {
    "pan",
    "amount",
    "currency",
    "merchant_name",
    "channel",
    "version",
    "areq",
    "window_size",
    "faults",
}
_FAULT_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """A purchase somebody wants."""

    order: Order
    overrides: Mapping[str, object]
    faults: Faults


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a purchase was not begun: field by field, in words."""

    errors: Mapping[str, str]


def read_request(body: object, cards: Cards) -> Request | Refusal:
    """Read the JSON body of `POST /api/purchases`."""
    if not isinstance(body, dict):
        return Refusal({"": "The body must be a JSON object"})
    errors = {str(name): "Unknown field" for name in body if name not in _FIELDS}
    errors |= {name: "Missing" for name in ("pan", "amount") if name not in body}
    pan, amount = body.get("pan"), body.get("amount")
    if "pan" in body and not _is_pan(pan):
        errors["pan"] = "13 to 19 digits as a string"
    if "amount" in body and not _is_amount(amount):
        errors["amount"] = f"A whole number of minor units from 0 to {_AMOUNT_MAX}"
    currency = _choice(body, "currency", "PLN", CURRENCIES, errors)
    channel = _choice(body, "channel", "browser", CHANNELS, errors)
    version = _choice(body, "version", "2.2.0", VERSIONS, errors)
    window_size = _choice(body, "window_size", "02", WINDOW_SIZES, errors)
    merchant_name = body.get("merchant_name", "Demo shop")
    if not _is_merchant_name(merchant_name):
        errors["merchant_name"] = f"A string of 1 to {_MERCHANT_NAME_MAX} characters"
    overrides = body.get("areq", {})
    if not isinstance(overrides, dict):
        errors["areq"] = "An object of AReq elements; null removes one"
    faults = _faults(body.get("faults", {}))
    if faults is None:
        errors["faults"] = (
            f"An object of before_s and after_s (0 to {_FAULT_SECONDS_MAX:.0f}), "
            "http_status (400 to 599) and times (1 to 100)"
        )
    if errors or faults is None:
        return Refusal(errors)
    order = Order(
        pan=str(pan),
        amount_minor=int(str(amount)),
        currency=CURRENCIES[currency],
        merchant_name=str(merchant_name),
        channel=channel,
        version=version,
        window_size=window_size,
        card=cards.by_pan(str(pan)),
    )
    return Request(order, overrides, faults)


def read_form(form: Mapping[str, str], cards: Cards, browser: Browser) -> Order | Refusal:
    """Read the shop page's form."""
    errors: dict[str, str] = {}
    pan = re.sub(r"[\s-]", "", form.get("pan_typed", "") or form.get("pan", ""))
    if not _is_pan(pan):
        errors["pan"] = "Choose a card, or type 13 to 19 digits"
    currency = _choice(form, "currency", "PLN", CURRENCIES, errors)
    version = _choice(form, "version", "2.2.0", VERSIONS, errors)
    channel = _choice(form, "channel", "browser", ("browser", "app"), errors)
    window_size = _choice(form, "window_size", "02", WINDOW_SIZES, errors)
    sdk_interface = _choice(form, "sdk_interface", "03", SDK_INTERFACES, errors)
    amount = None
    if currency in CURRENCIES:
        amount = amount_minor(form.get("amount", ""), CURRENCIES[currency])
        if amount is None:
            errors["amount"] = f"Not an amount in {currency}"
    merchant_name = form.get("merchant_name", "").strip()
    if not _is_merchant_name(merchant_name):
        errors["merchant_name"] = f"1 to {_MERCHANT_NAME_MAX} characters"
    if errors or amount is None:
        return Refusal(errors)
    return Order(
        pan=pan,
        amount_minor=amount,
        currency=CURRENCIES[currency],
        merchant_name=merchant_name,
        channel=channel,
        version=version,
        window_size=window_size,
        sdk_interface=sdk_interface,
        card=cards.by_pan(pan),
        browser=browser,
    )


def amount_minor(text: str, currency: Currency) -> int | None:
    """Read `123.45` or `123,45` as minor units; None when it is no amount of this currency."""
    # Money: through Decimal, and only if nothing is lost.
    try:
        amount = Decimal(text.strip().replace(" ", "").replace(",", "."))
        scaled = amount.scaleb(currency.exponent)
    except InvalidOperation:
        return None
    if not scaled.is_finite() or scaled < 0 or scaled > _AMOUNT_MAX:
        return None
    return int(scaled) if scaled == scaled.to_integral_value() else None


def _choice(
    values: Mapping[str, object],
    name: str,
    default: str,
    known: Mapping[str, object] | tuple[str, ...],
    errors: dict[str, str],
) -> str:
    value = values.get(name, default)
    if isinstance(value, str) and value in known:
        return value
    choices = ", ".join(known) if len(known) < 10 else "the letters of ISO 4217, such as PLN"  # noqa: PLR2004 - a readable list
    errors[name] = f"Not known; known are {choices}"
    return default


def _is_pan(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{13,19}", value) is not None


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _AMOUNT_MAX


def _is_merchant_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= _MERCHANT_NAME_MAX


def _faults(value: object) -> Faults | None:
    if not isinstance(value, dict) or set(value) - {field.name for field in fields(Faults)}:
        return None
    if any(
        isinstance(number, bool) or not isinstance(number, int | float) for number in value.values()
    ):
        return None
    faults = Faults(**value)
    is_slow_but_sane = all(0 <= s <= _FAULT_SECONDS_MAX for s in (faults.before_s, faults.after_s))
    is_status = faults.http_status == 0 or 400 <= faults.http_status <= 599  # noqa: PLR2004 - HTTP's own
    is_count = 1 <= faults.times <= 100  # noqa: PLR2004 - see the error text
    return faults if is_slow_but_sane and is_status and is_count else None
