"""What goes back to an SDK: its text is shown to nobody, a refusal names what was proved."""

from __future__ import annotations

import json

import pytest

from acs.flows.sdk_answers import Answer, refuse
from schemas.problems import Problem
from tests.acs.people import a_transaction
from tests.records import replace

SDK = "7f3e1b0c-5d2a-4e9b-8c6f-0a1b2c3d4e5f"


def test_an_answer_shows_nothing_of_the_message() -> None:
    assert repr(Answer(b"secret")) == "Answer(is_jose=False)"


@pytest.mark.parametrize(
    ("is_proved", "names"),
    [
        (True, {"threeDSServerTransID", "acsTransID", "dsTransID", "sdkTransID"}),
        (False, {"acsTransID"}),
    ],
)
def test_a_refusal_names_ids_to_whom_has_proved_to_have_the_key(
    is_proved: bool, names: set[str]
) -> None:
    transaction = replace(a_transaction(), sdk_trans_id=SDK)

    told = json.loads(refuse(Problem("302", "parts"), transaction, is_proved=is_proved).body)

    assert {name for name in told if name.endswith("TransID")} == names
