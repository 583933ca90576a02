"""A template fills in what the table would pass, and refuses what the table refuses."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.canonical import to_json
from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, Written, masked, template, written
from schemas.versions import SUPPORTED
from tests import builders

PLACES = list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES))
FREE = {"threeDSServerTransID", "dsTransID", "acsTransID", "sdkTransID", "dsReferenceNumber",
        "authenticationValue"}  # fmt: skip
VALUE = "AAIBAzZ5kwAAADA5mFEjdQAAAAA="

texts = st.text(max_size=40) | st.sampled_from(
    [
        *("", "x", 'a"b', "a\\b", "a:b", "%s", "%", "Żółw", "a\0b", "\n", "\x7f", "x" * 33, VALUE),
        *(builders.DS_TRANS_ID, builders.DS_TRANS_ID.upper(), builders.ACS_TRANS_ID + "\n"),
        *(VALUE[:-1], VALUE + "=", "y" * 4000, "y" * 4001, builders.ACS_TRANS_ID.replace("-", "")),
    ]
)


def parts(place: tuple[str, str, str], status: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the fixed elements and the free texts of an ARes."""
    given = "U" if (status, place[1]) == ("C", "03") else status
    message = builders.ares(*place, transStatus=given)
    free = {name: message.pop(name) for name in FREE if name in message}
    return message, free


def told(attempt: Any) -> Written | tuple[str, ...]:
    try:
        found: Written = attempt()
    except OutgoingInvalid as invalid:
        return invalid.names
    return found


@pytest.mark.parametrize("status", ["Y", "N", "C"])
@pytest.mark.parametrize("place", PLACES)
def test_a_filled_template_is_the_message_that_was_checked(
    place: tuple[str, str, str], status: str
) -> None:
    fixed, free = parts(place, status)
    made = template("ARes", {**fixed, "acsOperatorID": "100 % us"}, free, Context(*place))

    found = made.filled(free, {})

    message = {**fixed, **free, "acsOperatorID": "100 % us"}
    assert found.raw == to_json(message)
    assert json.loads(found.masked) == masked("ARes", message)
    assert made.matches("\0".join(made.pick(free)))


@settings(max_examples=300)
@given(
    st.sampled_from(PLACES),
    st.sampled_from("YNC"),
    st.dictionaries(st.sampled_from([*sorted(FREE), "eci"]), texts, max_size=3),
    st.sampled_from([None, "eci", "acsTransID"]),
    st.dictionaries(
        st.sampled_from(["threeDSRequestorChallengeInd", "dsTransID", "messageVersion"]),
        st.sampled_from(["06", "05", builders.DS_TRANS_ID.upper(), builders.ACS_TRANS_ID, "2.2.0"]),
    ),
    st.booleans(),
)
def test_whatever_is_filled_in_gets_the_tables_verdict(
    place: tuple[str, str, str],
    status: str,
    changes: dict[str, str],
    without: str | None,
    areq: dict[str, Any],
    has_areq: bool,
) -> None:
    fixed, free = parts(place, status)
    asked = {name: text for name, text in free.items() if name in {"dsTransID", "sdkTransID"}}
    context = Context(*place, earlier={"AReq": asked})
    made = template("ARes", fixed, free, context)
    changed = {**free, **changes}
    changed.pop(without or "", None)
    earlier = {"AReq": {**asked, **areq}} if has_areq else {}

    now = msgspec.structs.replace(context, earlier=earlier)
    expected = told(lambda: written("ARes", {**fixed, **changed}, now))
    found = told(lambda: made.filled(changed, earlier))

    if isinstance(found, Written) and isinstance(expected, Written):
        assert found.raw == expected.raw
        assert json.loads(found.masked) == json.loads(expected.masked)
    else:
        assert found == expected


@pytest.mark.parametrize("name", ["transStatus", "acsDecConInd"])
def test_an_element_that_conditions_look_at_is_never_free(name: str) -> None:
    fixed, free = parts(("2.2.0", "02", "01"), "N")
    fixed = {**fixed, "acsDecConInd": "N"}

    with pytest.raises(AssertionError, match=name):
        template("ARes", fixed, {**free, name: fixed.pop(name)}, Context("2.2.0"))


def test_a_message_that_breaks_its_table_makes_no_template() -> None:
    fixed, free = parts(("2.2.0", "02", "01"), "N")

    with pytest.raises(OutgoingInvalid, match="ARes: eci"):
        template("ARes", {**fixed, "eci": "5"}, free, Context("2.2.0"))


def test_a_template_keeps_nothing_of_the_areq_but_what_conditions_look_at() -> None:
    fixed, free = parts(("2.2.0", "02", "01"), "N")
    areq = builders.areq("2.2.0")
    made = template("ARes", fixed, free, Context("2.2.0", earlier={"AReq": areq}))

    assert areq["acctNumber"] not in repr(made)
    assert {name for _, name, _ in made.rests_on} == {
        "threeDSRequestorChallengeInd",
        "threeDSRequestorDecReqInd",
        "threeDSRequestorSpcSupport",
    }
