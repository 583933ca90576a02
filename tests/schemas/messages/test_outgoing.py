"""Outgoing: nothing leaves that breaks its own table."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import quick
from schemas.canonical import to_json
from schemas.compiler import Context
from schemas.messages import TABLES, OutgoingInvalid, check_outgoing, written
from schemas.values import ListStatus, TransStatus
from schemas.versions import SUPPORTED
from tests import builders

CONTEXT = Context("2.2.0")
CONTEXTS = [Context(*place) for place in product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES)]


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


@pytest.mark.parametrize("status", ["Y", "N", "C"])
@pytest.mark.parametrize("context", CONTEXTS)
def test_a_message_of_ours_is_written_as_it_was_checked(context: Context, status: str) -> None:
    given = "U" if status == "C" and context.channel == "03" else status
    place = (context.version, context.channel, context.category)
    message = builders.ares(*place, transStatus=given)

    found = written("ARes", message, context)

    assert found.raw == to_json(message)
    assert (found.values, found.context) == (message, context)
    way = quick.quick(TABLES["ARes"], *place)
    assert quick.is_without_fault(way, found.raw, {})


ARES_VALUES = [
    *(member.value for kind in (TransStatus, ListStatus) for member in kind),
    *(
        "",
        None,
        [],
        {},
        1,
        True,
        "80",
        "79",
        "05",
        "x" * 5000,
        "a:b",
        '"',
        "Żółw",
        ["02"],
        {"a": 1},
    ),
    *(builders.ACS_TRANS_ID, builders.ACS_TRANS_ID.upper(), "https://acs.example.com/challenge"),
]


@settings(max_examples=400)
@given(
    st.sampled_from(CONTEXTS),
    st.dictionaries(
        st.sampled_from([*{row.name for row in TABLES["ARes"].rows}, "unknown"]),
        st.sampled_from(ARES_VALUES),
        max_size=3,
    ),
    st.sampled_from("YNUACDRIS"),
    st.dictionaries(
        st.sampled_from(["threeDSRequestorChallengeInd", "threeDSRequestorDecReqInd", "dsTransID"]),
        st.sampled_from(["06", "05", "Y", "B", builders.DS_TRANS_ID.upper(), ["06"]]),
    ),
)
def test_a_message_is_written_exactly_if_the_table_has_no_objection(
    context: Context, changes: dict[str, Any], status: str, areq: dict[str, Any]
) -> None:
    place = (context.version, context.channel, context.category)
    message = {**builders.ares(*place, transStatus=status), **changes}
    asked = msgspec.structs.replace(context, earlier={"AReq": areq})
    objection = None
    try:
        check_outgoing("ARes", message, asked)
    except OutgoingInvalid as invalid:
        objection = invalid.names

    if objection is None:
        assert written("ARes", message, asked).raw == to_json(message)
    else:
        with pytest.raises(OutgoingInvalid) as caught:
            written("ARes", message, asked)
        assert caught.value.names == objection


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_type_of_ours_is_written_in_every_place(context: Context) -> None:
    place = (context.version, context.channel, context.category)
    messages = {"Erro": builders.erro(*place[:2])}
    if context.channel != "03":
        messages["CRes"] = builders.cres(*place)
        messages["RReq"] = builders.rreq(*place)

    for name, message in messages.items():
        assert written(name, message, context).raw == to_json(message)


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
