"""The book of purchases stays within its bounds."""

from __future__ import annotations

from loadtests.network.purchases import Purchases
from tests.loadtests.network.test_directory_server import opened


def test_the_oldest_purchase_leaves_a_full_book() -> None:
    _, first = opened()
    _, second = opened()
    book = Purchases(capacity=1)
    book.add(first)
    book.add(second)

    assert (book.by_id(first.id), book.by_id(second.id)) == (None, second)


def test_a_purchase_that_left_is_not_found_by_its_ids() -> None:
    _, first = opened()
    _, second = opened()
    book = Purchases(capacity=1)
    book.add(first)
    book.add(second)

    assert book.by_message({"threeDSServerTransID": first.areq["threeDSServerTransID"]}) is None


def test_ids_are_compared_without_case() -> None:
    book, purchase = opened()
    trans_id = str(purchase.areq["threeDSServerTransID"]).upper()

    assert book.by_message({"threeDSServerTransID": trans_id}) is purchase


def test_a_cres_without_results_is_no_success() -> None:
    _, purchase = opened()
    purchase.cres = {"messageType": "CRes", "transStatus": "Y"}

    assert purchase.result()["outcome"] == "unconfirmed"
