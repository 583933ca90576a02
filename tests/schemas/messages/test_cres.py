"""CRes: final ones hold nothing else; screens hold what their kind needs."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing
from schemas.versions import SUPPORTED
from tests import builders


def verdict(message: dict[str, Any], context: Context) -> tuple[str, ...]:
    try:
        check_outgoing("CRes", message, context)
    except OutgoingInvalid as error:
        return error.names
    return ()


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("status", ["Y", "N"])
def test_the_browser_gets_a_final_one(version: str, status: str) -> None:
    message = builders.cres(version, transStatus=status)

    assert verdict(message, Context(version)) == ()
    assert message.keys() == {
        "threeDSServerTransID",
        "acsTransID",
        "challengeCompletionInd",
        "messageType",
        "messageVersion",
        "transStatus",
    }


@pytest.mark.parametrize("status", ["U", "A", "R", "C", "D", "I", "S", ""])
def test_a_final_one_says_yes_or_no(status: str) -> None:
    message = {**builders.cres(), "transStatus": status}

    assert verdict(message, Context("2.2.0")) == ("transStatus",)


def test_the_completion_mark_may_be_left_out_in_the_browser_only() -> None:
    for channel, expected in (("02", ()), ("01", ("challengeCompletionInd",))):
        message = builders.cres("2.2.0", channel, challengeCompletionInd=None)

        assert verdict(message, Context("2.2.0", channel, flow="final")) == expected


def test_a_final_one_is_complete() -> None:
    message = {**builders.cres(), "challengeCompletionInd": "N"}

    assert verdict(message, Context("2.2.0")) == ("challengeCompletionInd",)


def test_a_final_one_in_the_app_holds_nothing_of_a_screen() -> None:
    message = {**builders.cres("2.2.0", "01"), "acsUiType": "01", "challengeInfoText": "x"}

    assert set(verdict(message, Context("2.2.0", "01"))) == {"acsUiType", "challengeInfoText"}


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("kind", ["01", "02", "03", "04", "05"])
def test_a_screen_built_from_the_table_passes(version: str, kind: str) -> None:
    message = builders.cres(version, "01", flow="non-final", acsUiType=kind)

    assert verdict(message, Context(version, "01")) == ()


def test_a_screen_has_no_status() -> None:
    message = {**builders.cres("2.2.0", "01", flow="non-final"), "transStatus": "Y"}

    assert verdict(message, Context("2.2.0", "01")) == ("transStatus",)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("01", "submitAuthenticationLabel"),
        ("02", "challengeSelectInfo"),
        ("03", "challengeInfoHeader"),
        ("04", "oobContinueLabel"),
        ("05", "acsHTML"),
    ],
)
def test_a_screen_needs_what_its_kind_shows(kind: str, name: str) -> None:
    message = builders.cres("2.2.0", "01", flow="non-final", acsUiType=kind)
    del message[name]

    assert verdict(message, Context("2.2.0", "01")) == (name,)


def test_a_label_and_its_text_travel_together() -> None:
    message = builders.cres("2.2.0", "01", flow="non-final", whyInfoLabel="Why?")

    assert verdict(message, Context("2.2.0", "01")) == ("whyInfoLabel",)
    assert verdict({**message, "whyInfoText": "So."}, Context("2.2.0", "01")) == ()


@pytest.mark.parametrize(
    ("version", "options", "allowed"),
    [
        ("2.2.0", [{"sms": "Text message"}, {"app": "App"}], True),
        ("2.2.0", [{"a,b": "x"}], False),
        ("2.2.0", [{"a": "x", "b": "y"}], False),
        ("2.2.0", [{"a": ""}], False),
        ("2.2.0", [{"a": 1}], False),
        ("2.2.0", ["a"], False),
        ("2.3.1", [{"abcd": "x"}] * 8, True),
        ("2.3.1", [{"abcde": "x"}], False),
        ("2.3.1", [{"abcd": "x"}] * 9, False),
    ],
)
def test_choices_have_one_key_and_one_label(
    version: str, options: list[object], allowed: bool
) -> None:
    message = builders.cres(
        version, "01", flow="non-final", acsUiType="02", challengeSelectInfo=options
    )

    assert verdict(message, Context(version, "01")) == (() if allowed else ("challengeSelectInfo",))


def test_a_screen_never_goes_to_the_browser() -> None:
    message = builders.cres("2.2.0", "02", flow="non-final", acsUiType=None)
    names = verdict(message, Context("2.2.0", "02", flow="non-final"))

    assert "messageType" in names


def test_the_ids_are_those_of_the_transaction() -> None:
    context = Context("2.2.0", earlier={"ARes": {"acsTransID": builders.SDK_TRANS_ID}})

    assert verdict(builders.cres(), context) == ("acsTransID",)
