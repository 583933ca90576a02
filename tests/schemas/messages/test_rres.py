"""RRes: the confirmation of a result."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import read_rres
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders


def answer(message: dict[str, Any], context: Context) -> str:
    try:
        read_rres(builders.raw(message), context)
    except ProtocolError as error:
        return f"{error.problem.code} {error.problem.detail}"
    return "accepted"


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("status", ["01", "02", "03"])
def test_every_results_status_is_a_confirmation(version: str, status: str) -> None:
    message = builders.rres(version, resultsStatus=status)

    assert read_rres(builders.raw(message), Context(version)).values == message


@pytest.mark.parametrize(
    ("version", "changes", "expected"),
    [
        ("2.2.0", {"resultsStatus": "04"}, "203 resultsStatus"),
        ("2.3.1", {"resultsStatus": "04"}, "207 resultsStatus"),
        ("2.2.0", {"resultsStatus": None}, "201 resultsStatus"),
        ("2.2.0", {"dsTransID": None, "resultsStatus": "x"}, "201 dsTransID"),
        ("2.2.0", {"messageVersion": "2.1.0"}, "203 messageVersion"),
        ("2.2.0", {"messageVersion": "2.0.0"}, "102 2.1.0,2.2.0,2.3.1"),
        ("2.2.0", {"messageType": "Erro"}, "101 Invalid message for the receiving component"),
        ("2.2.0", {"sdkTransID": "x"}, "accepted"),
    ],
)
def test_what_is_wrong_is_named(version: str, changes: dict[str, Any], expected: str) -> None:
    assert answer({**builders.rres(version), **changes}, Context(version)) == expected


def test_the_app_s_id_may_be_left_out() -> None:
    message = builders.rres("2.2.0", "01")

    assert "sdkTransID" not in message
    assert answer(message, Context("2.2.0", "01")) == "accepted"


def test_ids_are_those_of_the_request() -> None:
    rreq = builders.rreq(acsTransID=builders.SDK_TRANS_ID)
    context = Context("2.2.0", earlier={"RReq": rreq})

    assert answer(builders.rres(), context) == "301 acsTransID"
