"""The SDK holds a challenge as SDKs do: its own key, counters, ids, and nothing forgiven."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.network.jose import CBC, GCM, read_envelope
from loadtests.network.sdk import JOSE, JSON, REFERENCE_NUMBER, Refused, Sdk
from tests.loadtests.network.app_acs import NOW, URL, AppAcs, authority, signed

AREQ = {
    "messageVersion": "2.2.0",
    "threeDSServerTransID": "11111111-1111-4111-8111-111111111111",
    "sdkTransID": "22222222-2222-4222-8222-222222222222",
}
ACS_TRANS_ID = "33333333-3333-4333-8333-333333333333"
IDS = AREQ | {"acsTransID": ACS_TRANS_ID}


class Dialogue:
    """An SDK and an ACS that have agreed."""

    def __init__(self) -> None:
        self.sdk = Sdk(REFERENCE_NUMBER, authority().root_pem)
        self.acs = AppAcs(self.sdk.public_jwk, REFERENCE_NUMBER)
        ares = {"acsTransID": ACS_TRANS_ID, "acsSignedContent": self.acs.signed_content}
        self.sdk.accept(ares, AREQ, NOW)

    def cres(self, **elements: Any) -> bytes:
        whole = {"messageType": "CRes", **IDS, "acsCounterAtoS": "000"} | elements
        return self.acs.sealed(
            {name: value for name, value in whole.items() if value is not None}, kid=ACS_TRANS_ID
        )


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue()


def test_it_takes_its_address_from_the_signed_content(dialogue: Dialogue) -> None:
    assert dialogue.sdk.acs_url == URL
    assert dialogue.sdk.is_ready


@pytest.mark.parametrize("enc", [CBC, GCM])
def test_the_acs_reads_its_creqs_which_count_and_carry_the_ids(
    dialogue: Dialogue, enc: str
) -> None:
    first, second = dialogue.sdk.creq(enc=enc), dialogue.sdk.creq(enc=enc, challengeDataEntry="1")

    assert dialogue.acs.opened(first) == {"messageType": "CReq", **IDS, "sdkCounterStoA": "000"}
    assert dialogue.acs.opened(second) == {
        "messageType": "CReq", **IDS, "sdkCounterStoA": "001", "challengeDataEntry": "1",
    }  # fmt: skip


def test_its_ivs_are_the_counter_in_gcm_and_never_the_same_in_cbc(dialogue: Dialogue) -> None:
    gcm = [read_envelope(dialogue.sdk.creq().decode()).iv for _ in range(2)]
    cbc = {read_envelope(dialogue.sdk.creq(enc=CBC).decode()).iv for _ in range(4)}

    assert gcm == [bytes(12), bytes(11) + b"\x01"]
    assert len(cbc) == 4


@pytest.mark.parametrize("enc", [CBC, GCM])
def test_it_reads_the_answer_to_its_creq(dialogue: Dialogue, enc: str) -> None:
    dialogue.sdk.creq(enc=enc)
    cres = {"messageType": "CRes", **IDS, "acsCounterAtoS": "000", "challengeInfoText": "Kod ż"}
    body = dialogue.acs.sealed(cres, kid=ACS_TRANS_ID, enc=enc)

    assert dialogue.sdk.read(body, JOSE) == cres


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"acsCounterAtoS": "001"}, "302"),
        ({"acsCounterAtoS": 0}, "302"),
        ({"sdkTransID": None}, "301"),
        ({"acsTransID": "44444444-4444-4444-8444-444444444444"}, "301"),
        ({"messageVersion": "2.1.0"}, "102"),
        ({"messageType": "CReq"}, "101"),
    ],
)
def test_an_answer_that_is_not_to_its_creq_is_refused(
    dialogue: Dialogue, elements: dict[str, Any], code: str
) -> None:
    dialogue.sdk.creq()

    with pytest.raises(Refused) as refused:
        dialogue.sdk.read(dialogue.cres(**elements), JOSE)

    assert refused.value.objection.code == code


def test_an_answer_under_another_kid_or_key_is_refused(dialogue: Dialogue) -> None:
    dialogue.sdk.creq()
    other_kid = dialogue.acs.sealed({}, kid="44444444-4444-4444-8444-444444444444")

    for body in (other_kid, Dialogue().cres(), b"<html>", b"\xff.a.b.c.d"):
        with pytest.raises(Refused, match="302"):
            dialogue.sdk.read(body, JOSE)


def test_an_erro_comes_in_plain_json(dialogue: Dialogue) -> None:
    erro = {"messageType": "Erro", "errorCode": "302"}

    assert dialogue.sdk.read(json.dumps(erro).encode(), "application/json") == erro
    with pytest.raises(Refused, match="101"):
        dialogue.sdk.read(b'{"messageType": "CRes"}', "application/json")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda acs: None, id="none"),
        pytest.param(lambda acs: signed(acs.payload, authority(name="x")), id="another root"),
        pytest.param(
            lambda acs: AppAcs(Sdk("x", None).public_jwk, "x").signed_content,
            id="another SDK's key",
        ),
    ],
)
def test_content_it_cannot_trust_begins_no_challenge(content: Any) -> None:
    sdk = Sdk(REFERENCE_NUMBER, authority().root_pem)
    acs = AppAcs(sdk.public_jwk, REFERENCE_NUMBER)

    with pytest.raises(Refused, match="acsSignedContent"):
        sdk.accept({"acsTransID": ACS_TRANS_ID, "acsSignedContent": content(acs)}, AREQ, NOW)

    assert (sdk.is_ready, sdk.acs_url) == (False, None)


def test_its_erro_names_the_transaction(dialogue: Dialogue) -> None:
    erro = json.loads(dialogue.sdk.erro("402", "Challenge timed out", errorMessageType=None))

    assert erro.items() >= IDS.items()
    assert (erro["errorCode"], erro["errorComponent"]) == ("402", "C")
    assert "errorMessageType" not in erro
    assert JSON.lower().startswith("application/json")
