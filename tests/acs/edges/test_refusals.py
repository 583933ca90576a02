"""A refusal is told in the caller's own language and holds nothing of the inside."""

from __future__ import annotations

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from acs.edges.refusals import Refusal, answers
from acs.edges.written import BODY
from tests import builders

_REASONS = ("cut", "encoded", "failed", "method", "too_large", "too_slow", "unavailable", "unknown")
_REQUEST = make_mocked_request("POST", "/")


@pytest.mark.parametrize("edge", ["ds", "cardholder", "enrollment", "portal", "ops"])
@pytest.mark.parametrize("reason", _REASONS)
def test_every_edge_has_an_answer_for_every_reason(edge: str, reason: str) -> None:
    answer = answers(edge)(_REQUEST, Refusal(503, reason))

    assert answer.body


@pytest.mark.parametrize("reason", ["failed", "unavailable"])
def test_a_directory_server_hears_of_our_own_fault_by_an_erro(reason: str) -> None:
    answer = answers("ds")(_REQUEST, Refusal(503, reason))
    assert isinstance(answer.body, bytes)
    message = json.loads(answer.body)

    assert (answer.status, message["messageType"], message["errorCode"]) == (200, "Erro", "403")
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize("reason", ["failed", "unavailable"])
@pytest.mark.parametrize("version", ["2.1.0", "2.2.0", "2.3.1"])
def test_that_erro_is_in_the_version_and_about_the_ids_of_the_areq(
    reason: str, version: str
) -> None:
    request = make_mocked_request("POST", "/")
    areq = builders.areq(version)
    request[BODY] = json.dumps(areq).encode()
    answer = answers("ds")(request, Refusal(500, reason))
    assert isinstance(answer.body, bytes)
    message = json.loads(answer.body)

    assert (message["messageVersion"], message["errorMessageType"]) == (version, "AReq")
    for name in ("threeDSServerTransID", "dsTransID"):
        assert message[name] == areq[name]


def test_it_is_so_for_an_areq_with_the_longest_device_data() -> None:
    request = make_mocked_request("POST", "/")
    areq = {**builders.areq("2.1.0", channel="01"), "deviceInfo": "A" * 64_000}
    request[BODY] = json.dumps(areq).encode()
    answer = answers("ds")(request, Refusal(500, "failed"))
    assert isinstance(answer.body, bytes)
    message = json.loads(answer.body)

    assert message["messageVersion"] == "2.1.0"
    for name in ("threeDSServerTransID", "dsTransID", "sdkTransID"):
        assert message[name] == areq[name]


def test_an_erro_that_we_fail_at_is_answered_by_nothing() -> None:
    request = make_mocked_request("POST", "/")
    request[BODY] = b'{"messageType": "Erro", "messageVersion": "2.2.0"}'
    answer = answers("ds")(request, Refusal(500, "failed"))

    assert (answer.status, answer.body) == (200, b"")


def test_a_body_over_the_limit_is_413_for_a_directory_server() -> None:
    assert answers("ds")(_REQUEST, Refusal(413, "too_large")).status == 413


@pytest.mark.parametrize("edge", ["cardholder", "portal"])
def test_people_get_a_page_in_every_language(edge: str) -> None:
    page = answers(edge)(_REQUEST, Refusal(503, "unavailable")).text

    assert page is not None
    assert "<p>Go back and start again." in page
    assert '<p lang="pl">Wróć' in page
    assert '<p lang="de">Gehen Sie zurück' in page
    assert '<p lang="uk">Поверніться' in page


def test_a_system_gets_a_problem_with_a_stable_code() -> None:
    answer = answers("enrollment")(_REQUEST, Refusal(413, "too_large"))
    assert isinstance(answer.body, bytes)

    assert json.loads(answer.body)["error"] == {
        "code": "too_large",
        "message_key": "http.too_large",
    }
