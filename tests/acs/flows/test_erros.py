"""Erro messages: each is counted by its code, one that nobody knows as none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from acs import metrics
from acs.flows import erros
from schemas.problems import naming
from tests.acs.people import a_transaction
from tests.records import replace


def counted(direction: str, code: str) -> float:
    return float(metrics.ERRO.labels(direction, code)._value.get())


@pytest.mark.parametrize(
    ("given", "told"), [("402", "402"), ("999", "none"), (None, "none"), (["402"], "none")]
)
def test_an_erro_that_came_in_is_counted_by_a_code_that_is_known(given: object, told: str) -> None:
    before = counted("in", told)

    assert erros.heard({"errorCode": given}) == told
    assert counted("in", told) == before + 1


def test_an_erro_that_goes_out_is_counted() -> None:
    before = counted("out", "305")

    assert json.loads(erros.sent({"errorCode": "305"})) == {"errorCode": "305"}
    assert counted("out", "305") == before + 1


@pytest.mark.parametrize("sdk_trans_id", [None, "7f3e1b0c-5d2a-4e9b-8c6f-0a1b2c3d4e5f"])
def test_an_erro_names_the_ids_that_the_transaction_has(sdk_trans_id: str | None) -> None:
    transaction = replace(a_transaction(), sdk_trans_id=sdk_trans_id)

    error: dict[str, Any] = dict(
        erros.creq_refused(transaction, naming("203", ("challengeDataEntry",)), "CReq").error
    )

    assert error["errorDetail"] == "challengeDataEntry"
    assert error["errorMessageType"] == "CReq"
    assert error["acsTransID"] == str(transaction.acs_trans_id)
    assert error.get("sdkTransID") == sdk_trans_id
