"""The Directory Server takes the results of a transaction once, and says no to all else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from loadtests.network import areq as areqs
from loadtests.network import directory_server, three_ds_server
from loadtests.network.currencies import CURRENCIES
from loadtests.network.purchases import Message, Purchase, Purchases
from tests.loadtests.network.fake_acs import VALUE, rreq_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACS_TRANS_ID = "7d0f6d0a-4f7a-4c0e-9a52-6f6f1f2b8c01"
DS_TRANS_ID = "0f4c1e5c-7a43-4b52-9f6e-2d7a0a3c9b11"


def opened(version: str = "2.2.0", status: str = "C") -> tuple[Purchases, Purchase]:
    order = areqs.Order(
        pan="4000001000000018",
        amount_minor=12345,
        currency=CURRENCIES["PLN"],
        merchant_name="Shop",
        channel="browser",
        version=version,
    )
    plain = areqs.build(order, three_ds_server.identity("http://127.0.0.1:8080"), NOW)
    areq = directory_server.complete(plain, DS_TRANS_ID, "http://127.0.0.1:8080")
    purchase = three_ds_server.open_purchase(order, areq, NOW)
    purchases = Purchases()
    purchases.add(purchase)
    purchase.ares = {"messageType": "ARes", "transStatus": status, "acsTransID": ACS_TRANS_ID}
    purchases.answered(purchase, purchase.ares)
    return purchases, purchase


def raw(purchase: Purchase, **changes: object) -> bytes:
    rreq: Message = rreq_of(purchase.areq, ACS_TRANS_ID, is_right=True) | changes
    return json.dumps({name: value for name, value in rreq.items() if value is not None}).encode()


def refusal(answer: directory_server.Answer) -> tuple[object, object]:
    assert answer.message is not None
    return answer.message.get("errorCode"), answer.message.get("errorDetail")


def test_the_first_valid_results_are_accepted() -> None:
    purchases, purchase = opened()
    answer = directory_server.take_results(purchases, raw(purchase), NOW)

    assert answer.message == {
        "messageType": "RRes",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": purchase.areq["threeDSServerTransID"],
        "dsTransID": DS_TRANS_ID,
        "acsTransID": ACS_TRANS_ID,
        "resultsStatus": "01",
    }


def test_the_same_bytes_again_get_the_same_answer_and_count_once() -> None:
    purchases, purchase = opened()
    answers = [directory_server.take_results(purchases, raw(purchase), NOW) for _ in range(3)]

    assert len({answer.body for answer in answers}) == 1
    assert (purchase.rreq_accepted, purchase.rreq_deliveries) == (1, 3)


@pytest.mark.parametrize(
    ("version", "code"), [("2.1.0", "301"), ("2.2.0", "301"), ("2.3.1", "312")]
)
def test_other_results_for_a_finished_transaction_are_refused(version: str, code: str) -> None:
    purchases, purchase = opened(version)
    directory_server.take_results(purchases, raw(purchase), NOW)
    answer = directory_server.take_results(purchases, raw(purchase, eci="06"), NOW)

    assert (refusal(answer)[0], purchase.rreq_accepted) == (code, 1)


@pytest.mark.parametrize(
    ("version", "code"), [("2.1.0", "301"), ("2.2.0", "301"), ("2.3.1", "313")]
)
def test_results_after_a_frictionless_answer_are_refused(version: str, code: str) -> None:
    purchases, purchase = opened(version, status="Y")
    answer = directory_server.take_results(purchases, raw(purchase), NOW)

    assert (refusal(answer)[0], purchase.rreq_accepted) == (code, 0)


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"transStatus": None}, "201", "transStatus"),
        ({"interactionCounter": None}, "201", "interactionCounter"),
        ({"authenticationType": None}, "201", "authenticationType"),
        ({"authenticationValue": None}, "201", "authenticationValue"),
        ({"authenticationValue": VALUE[:-1]}, "203", "authenticationValue"),
        ({"authenticationValue": "A" * 28}, None, None),
        ({"authenticationValue": "!" * 28}, "203", "authenticationValue"),
        ({"transStatus": "C"}, "203", "transStatus"),
        ({"transStatus": "N"}, "201", "transStatusReason"),
        ({"transStatus": "N", "transStatusReason": "27"}, "203", "transStatusReason"),
        ({"messageVersion": "2.1.0"}, "203", "messageVersion"),
        ({"messageVersion": "1.0.2"}, "102", "2.1.0,2.2.0,2.3.1"),
        ({"messageVersion": None}, "201", "messageVersion"),
        ({"messageType": "RRes"}, "101", "Only RReq and Erro are taken here"),
        ({"threeDSServerTransID": DS_TRANS_ID}, "301", "threeDSServerTransID"),
        ({"dsTransID": None}, "201", "dsTransID"),
        ({"interactionCounter": "1"}, "203", "interactionCounter"),
    ],
)
def test_bad_results_are_refused_by_name(
    changes: dict[str, object], code: str | None, detail: str | None
) -> None:
    purchases, purchase = opened()
    answer = directory_server.take_results(purchases, raw(purchase, **changes), NOW)

    assert refusal(answer) == (code, detail)


def test_a_time_out_has_to_say_which() -> None:
    purchases, purchase = opened()
    changes = {"transStatus": "N", "transStatusReason": "14", "authenticationValue": None}
    answer = directory_server.take_results(purchases, raw(purchase, **changes), NOW)

    assert refusal(answer) == ("201", "challengeCancel")


def test_refused_results_do_not_stand_in_the_way_of_good_ones() -> None:
    purchases, purchase = opened()
    directory_server.take_results(purchases, raw(purchase, transStatus=None), NOW)
    directory_server.take_results(purchases, raw(purchase), NOW)

    assert purchase.rreq_accepted == 1


def test_an_unknown_transaction_is_refused() -> None:
    _, purchase = opened()
    answer = directory_server.take_results(Purchases(), raw(purchase), NOW)

    assert refusal(answer)[0] == "301"


@pytest.mark.parametrize("bytes_", [b"", b"{", b"[]", b"\xff\xff", b"null"])
def test_what_is_no_message_is_refused(bytes_: bytes) -> None:
    answer = directory_server.take_results(Purchases(), bytes_, NOW)

    assert refusal(answer)[0] == "101"


def test_a_name_that_comes_twice_is_refused() -> None:
    answer = directory_server.take_results(Purchases(), b'{"a":1,"a":2}', NOW)

    assert refusal(answer) == ("204", "a")


def test_an_erro_is_taken_and_not_answered() -> None:
    purchases, purchase = opened()
    erro = {"messageType": "Erro", "errorCode": "402", "acsTransID": ACS_TRANS_ID}
    answer = directory_server.take_results(purchases, json.dumps(erro).encode(), NOW)

    assert (answer.body, purchase.events[-1].name) == (b"", "Erro")
