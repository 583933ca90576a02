"""What an SDK demands of a CRes: screens and the final one, and the document it shows."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.network import screens
from loadtests.network.checks import Objection
from tests.loadtests.network.fake_screens import DOCUMENT, document, encoded, native

ID = "7d0f6d0a-4f7a-4c0e-9a52-6f6f1f2b8c01"
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


def areq(version: str) -> dict[str, object]:
    return {
        "messageVersion": version, "threeDSServerTransID": ID, "sdkTransID": ID,
        "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "05"]},
    }  # fmt: skip


def ares(interface: str) -> dict[str, object]:
    rendering = {"acsInterface": interface, "acsUiTemplate": "01"}
    return {"acsTransID": ID, "acsRenderingType": rendering}


def cres(version: str, **elements: Any) -> dict[str, object]:
    ids = ("threeDSServerTransID", "acsTransID", "sdkTransID")
    whole = {
        "messageType": "CRes", "messageVersion": version, "acsCounterAtoS": "000",
        "challengeCompletionInd": "N", **dict.fromkeys(ids, ID), **elements,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def faults(version: str, elements: dict[str, Any], interface: str = "01") -> list[Objection]:
    return screens.check_answer(cres(version, **elements), areq(version), ares(interface))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_whole_screen_a_document_and_an_end_have_no_faults(version: str) -> None:
    assert faults(version, native(version, is_wrong=True)) == []
    assert faults(version, document(), "02") == []
    assert faults(version, {"challengeCompletionInd": "Y", "transStatus": "N"}) == []


@pytest.mark.parametrize(
    ("elements", "objection"),
    [
        ({"acsCounterAtoS": ...}, Objection("201", "acsCounterAtoS")),
        ({"acsCounterAtoS": "1"}, Objection("203", "acsCounterAtoS")),
        ({"sdkTransID": ...}, Objection("201", "sdkTransID")),
        ({"challengeInfoHeader": ...}, Objection("201", "challengeInfoHeader")),
        ({"challengeInfoLabel": "x" * 46}, Objection("203", "challengeInfoLabel")),
        ({"challengeInfoText": "x" * 351}, Objection("203", "challengeInfoText")),
        ({"challengeInfoTextIndicator": "x"}, Objection("203", "challengeInfoTextIndicator")),
        ({"submitAuthenticationLabel": ...}, Objection("201", "submitAuthenticationLabel")),
        ({"whyInfoText": ...}, Objection("203", "whyInfoLabel")),
        ({"expandInfoLabel": ...}, Objection("203", "expandInfoText")),
        ({"resendInformationLabel": ""}, Objection("203", "resendInformationLabel (empty)")),
        ({"acsUiType": "02"}, Objection("203", "acsUiType")),
        ({"acsUiType": "05", **document()}, Objection("203", "acsUiType")),
        ({"challengeCompletionInd": "Y"}, Objection("203", "challengeCompletionInd")),
        ({"transStatusReason": "01"}, Objection("203", "transStatusReason (not in this CRes)")),
        ({"trustListInfoText": "x"}, Objection("203", "trustListInfoText (not in this CRes)")),
        ({"issuerImage": {"high": "http://x"}}, Objection("203", "issuerImage")),
    ],
)
def test_a_fault_of_a_screen_is_named(elements: dict[str, Any], objection: Objection) -> None:
    assert objection in faults("2.2.0", native("2.2.0", is_wrong=False) | elements)


def test_2_3_1_needs_the_entrys_box_with_a_label() -> None:
    screen = native("2.3.1", is_wrong=False)

    assert faults("2.3.1", screen | {"challengeEntryBox": ...}) == [
        Objection("201", "challengeEntryBox")
    ]
    assert faults("2.3.1", screen | {"challengeEntryBox": {"x": "y"}}) == [
        Objection("203", "challengeEntryBox")
    ]


def test_the_end_says_nothing_else() -> None:
    found = faults("2.2.0", {"challengeCompletionInd": "Y", "transStatus": "Y", "acsUiType": "01"})

    assert found == [Objection("203", "acsUiType (not in this CRes)")]


@pytest.mark.parametrize(
    "html",
    [
        DOCUMENT.replace("HTTPS://EMV3DS", "https://bank.example"),
        DOCUMENT.replace("GET", "POST"),
        DOCUMENT.replace("<form", "<div").replace("</form", "</div"),
        DOCUMENT + "<script>1</script>",
        DOCUMENT + '<img src="https://bank.example/logo.png">',
        DOCUMENT + '<a href="https://bank.example">help</a>',
        DOCUMENT + '<p style="background:url(https://x.example)">',
        DOCUMENT + '<p onclick="x()">',
        DOCUMENT + '<link rel="stylesheet" href="x.css">',
        DOCUMENT + "x" * 100_000,
    ],
)
def test_a_document_that_needs_the_world_is_refused(html: str) -> None:
    assert faults("2.2.0", document(html), "02") == [Objection("203", "acsHTML")]


def test_images_inside_the_document_are_fine() -> None:
    html = DOCUMENT + '<img alt="" src="data:image/png;base64,AA=="><p style="x:url(data:,)">'

    assert faults("2.2.0", document(html), "02") == []


@pytest.mark.parametrize("value", ["a=", "ż", "_w", 7, None])
def test_what_is_no_base64url_of_utf8_is_no_document(value: object) -> None:
    assert screens.document(value) is None


def test_forms_are_caught_and_nothing_else_is_changed() -> None:
    html = screens.document(encoded(DOCUMENT)) or ""

    caught = screens.intercepted(html, {"method": "post", "action": "/here", "target": "_top"})

    assert '<form method="post" action="/here" target="_top"><label' in caught
    assert "EMV3DS" not in caught
    assert caught.replace('method="post" action="/here" target="_top"', "") == DOCUMENT.replace(
        'method="GET" action="HTTPS://EMV3DS/challenge"', ""
    )
