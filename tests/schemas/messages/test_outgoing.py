"""Outgoing: nothing leaves that breaks its own table."""

from __future__ import annotations

from itertools import product

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing
from schemas.versions import SUPPORTED
from tests import builders

CONTEXT = Context("2.2.0")


@pytest.mark.parametrize(
    ("version", "channel", "category"),
    list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES)),
)
def test_built_messages_of_ours_pass(version: str, channel: str, category: str) -> None:
    context = Context(version, channel, category)

    check_outgoing("ARes", builders.ares(version, channel, category), context)
    check_outgoing("Erro", builders.erro(version, channel), context)
    if channel != "03":
        check_outgoing("CRes", builders.cres(version, channel, category), context)
    if (version, channel) != ("2.1.0", "03"):
        check_outgoing("RReq", builders.rreq(version, channel, category), context)


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_nothing_empty_goes_out(empty: object) -> None:
    message = {**builders.ares(), "acsOperatorID": empty}

    with pytest.raises(OutgoingInvalid) as caught:
        check_outgoing("ARes", message, CONTEXT)

    assert caught.value.names == ("acsOperatorID",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unknown", "x"),
        ("trustListStatus", "Y"),  # of 2.3.1
        ("sdkTransID", builders.SDK_TRANS_ID),  # of the app
        ("messageVersion", "2.1.0"),  # of another transaction
        ("messageType", "RReq"),
    ],
)
def test_nothing_goes_out_that_the_context_does_not_know(name: str, value: str) -> None:
    with pytest.raises(OutgoingInvalid) as caught:
        check_outgoing("ARes", {**builders.ares(), name: value}, CONTEXT)

    assert caught.value.names == (name,)


def test_nothing_goes_out_without_what_is_required() -> None:
    message = builders.ares()
    names = builders.required_names("ARes", message, CONTEXT)
    refused = {}
    for name in names:
        with pytest.raises(OutgoingInvalid) as caught:
            check_outgoing("ARes", {k: v for k, v in message.items() if k != name}, CONTEXT)
        refused[name] = name in caught.value.names

    assert refused == dict.fromkeys(names, True)


def test_the_mistake_names_elements_but_no_values() -> None:
    with pytest.raises(OutgoingInvalid) as caught:
        check_outgoing("ARes", {**builders.ares(), "authenticationValue": "SECRET"}, CONTEXT)

    assert str(caught.value) == "ARes: authenticationValue"
    assert isinstance(caught.value, AssertionError)
