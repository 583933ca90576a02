"""What a client posts becomes an order, or a refusal that names every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.network.areq import Browser
from loadtests.network.cards import Cards
from loadtests.network.currencies import CURRENCIES
from loadtests.network.orders import Refusal, Request, amount_minor, read_form, read_request
from loadtests.network.purchases import Faults

NO_CARDS = Cards(Path("/nonexistent"))
GOOD: dict[str, object] = {"pan": "4000001000000018", "amount": 12345, "currency": "PLN"}


def errors(**changes: object) -> dict[str, str]:
    answer = read_request(GOOD | changes, NO_CARDS)
    return dict(answer.errors) if isinstance(answer, Refusal) else {}


def test_a_purchase_needs_only_card_and_amount() -> None:
    answer = read_request({"pan": "4000001000000018", "amount": 1}, NO_CARDS)

    assert isinstance(answer, Request)
    order = answer.order
    assert (order.currency.letters, order.channel, order.version) == ("PLN", "browser", "2.2.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pan", "1234"),
        ("pan", 4000001000000018),
        ("amount", -1),
        ("amount", "100"),
        ("amount", 1.5),
        ("amount", True),
        ("currency", "XTS"),
        ("currency", "985"),
        ("version", "2.0.0"),
        ("channel", "fax"),
        ("merchant_name", ""),
        ("merchant_name", "x" * 41),
        ("areq", ["acctNumber"]),
        ("faults", {"after_s": "long"}),
        ("faults", {"http_status": 200}),
        ("surprise", 1),
    ],
)
def test_a_fault_is_named_by_its_field(name: str, value: object) -> None:
    assert list(errors(**{name: value})) == [name]


def test_all_faults_are_named_at_once() -> None:
    assert set(errors(pan="x", amount=-1, version="9")) == {"pan", "amount", "version"}


@pytest.mark.parametrize("body", [[], "x", None, 3])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    assert isinstance(read_request(body, NO_CARDS), Refusal)


def test_faults_of_the_directory_server_are_read() -> None:
    answer = read_request(GOOD | {"faults": {"after_s": 2, "times": 3}}, NO_CARDS)

    assert isinstance(answer, Request)
    assert answer.faults == Faults(after_s=2, times=3)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("123.45", "PLN", 12345),
        ("123,45", "PLN", 12345),
        ("1 000", "PLN", 100000),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("0", "PLN", 0),
        ("123.456", "PLN", None),
        ("5.5", "JPY", None),
        ("-1", "PLN", None),
        ("NaN", "PLN", None),
        ("Infinity", "PLN", None),
        ("1e99", "PLN", None),
        ("", "PLN", None),
    ],
)
def test_an_amount_is_read_without_loss_or_not_at_all(
    text: str, currency: str, minor: int | None
) -> None:
    assert amount_minor(text, CURRENCIES[currency]) == minor


def test_a_typed_card_number_takes_the_place_of_the_chosen_one() -> None:
    form = {
        "pan": "4000001000000018",
        "pan_typed": "5200 0010 0000 0013",
        "amount": "1",
        "merchant_name": "Shop",
    }
    order = read_form(form, NO_CARDS, Browser())

    assert not isinstance(order, Refusal)
    assert order.pan == "5200001000000013"
