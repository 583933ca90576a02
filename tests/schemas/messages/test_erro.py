"""Erro: a peer's is read for what is usable."""

from __future__ import annotations

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing, read_erro
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_good_one_is_read_whole(version: str) -> None:
    message = builders.erro(version)

    assert read_erro(builders.raw(message)).values == message


def test_what_is_malformed_is_left_out_and_the_rest_is_kept() -> None:
    message = {**builders.erro(), "errorCode": "999", "dsTransID": 5, "errorDetail": ""}
    values = read_erro(builders.raw(message)).values

    assert values["errorComponent"] == "D"
    assert not {"errorCode", "dsTransID", "errorDetail"} & values.keys()


def test_an_unknown_version_is_read_as_the_highest() -> None:
    message = {**builders.erro("2.3.1"), "errorCode": "312", "messageVersion": "9.9.9"}
    reading = read_erro(builders.raw(message))

    assert reading.context.version == "2.3.1"
    assert reading.values["errorCode"] == "312"


def test_the_sdk_s_id_is_kept() -> None:
    message = {**builders.erro(), "sdkTransID": builders.SDK_TRANS_ID}

    assert read_erro(builders.raw(message)).values["sdkTransID"] == builders.SDK_TRANS_ID


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"messageType":"RRes"}'])
def test_anything_else_is_none(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_erro(raw)


@pytest.mark.parametrize(
    ("version", "code"), [("2.2.0", "207"), ("2.2.0", "312"), ("2.3.1", "401"), ("2.1.0", "406")]
)
def test_a_code_that_the_version_does_not_know_never_goes_out(version: str, code: str) -> None:
    with pytest.raises(OutgoingInvalid):
        check_outgoing("Erro", {**builders.erro(version), "errorCode": code}, Context(version))
