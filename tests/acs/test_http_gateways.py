"""From the settings of HTTP providers to gateways and doors for their reports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from acs import config, http_gateways
from acs.clock import utc_now
from otp.gateways.http import callback
from otp.gateways.port import Rejected

if TYPE_CHECKING:
    from pathlib import Path

SEND: dict[str, Any] = {
    "url": "https://sms.example/send",
    "body": {"to": "{to}", "text": "{text}", "notify": "{report_url}"},
}
REPORTS = {
    "format": "form",
    "sms_id": "?id",
    "state": ["state"],
    "states": {"DLV": "delivered"},
    "reply_body": "OK",
}
TOKEN = "t" * 22


def read(given: dict[str, Any]) -> config.Settings:
    return config.read(
        environ={
            "ACS_PROFILE": "demo",
            "ACS_SMS__PROVIDERS": '["carrier"]',
            "ACS_SMS__HTTP": json.dumps({"carrier": given}),
            "ACS_RECEIPTS__PUBLIC_URL": "https://acs.bank.example/in",
        }
    )


def made(given: dict[str, Any]) -> Any:
    return http_gateways.http_gateway(read(given), "carrier", utc_now)


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "reports"
    file.write_text(f"{TOKEN}\n")
    return str(file)


def test_a_provider_is_made_of_its_table() -> None:
    gateway = made({**SEND, "idempotent": True})

    assert (gateway.name, gateway.idempotent) == ("carrier", True)
    assert gateway._config.body == {"to": "{to}", "text": "{text}"}


def test_a_provider_that_no_authority_here_vouches_for_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    with pytest.raises(config.ConfigError, match="ca-certificates"):
        made({"url": "https://sms.example/", "body": {"to": "{to}", "text": "{text}"}})


def test_every_setting_reaches_the_gateway() -> None:
    given = {
        **SEND,
        "body_kind": "form",
        "headers": {"X-Own": "{account}"},
        "values": {"account": "a"},
        "sender": "+48500",
        "validity_min_s": 60,
        "validity_max_s": 600,
        "alphabets": {"ucs2": "unicode"},
        "success": [200],
        "permanent": [],
        "retryable": [400],
        "answer": [{"path": "s", "accepted": ["ok"], "permanent": ["no"], "retryable": ["later"]}],
        "id_path": "id",
        "connect_timeout_s": 1,
        "total_timeout_s": 2,
        "query": {
            "url": "https://sms.example/q/{id}",
            "answer": [{"path": "s", "accepted": ["ok"]}],
            "id_path": "q",
        },
    }

    made_of = made(given)._config

    assert (made_of.body_kind, made_of.sender, made_of.validity_min_s) == ("form", "+48500", 60)
    assert made_of.validity_max_s == 600
    assert (made_of.alphabets, made_of.headers) == ({"ucs2": "unicode"}, {"X-Own": "{account}"})
    assert (made_of.connect_timeout_s, made_of.total_timeout_s) == (1, 2)
    reading = made_of.reading
    assert (reading.success, reading.permanent, reading.retryable) == ({200}, set(), {400})
    assert (reading.rules[0].path, reading.rules[0].retryable, reading.id_path) == (
        *("s", {"later"}),
        "id",
    )
    assert (made_of.query.url, made_of.query.method) == ("https://sms.example/q/{id}", "GET")
    assert (made_of.query.reading.success, made_of.query.reading.id_path) == ({200}, "q")


@pytest.mark.parametrize(
    ("lists", "status", "retryable"),
    [
        ({}, 404, True),
        ({"permanent": [400, 404, 405]}, 404, False),
        ({"permanent": [400, 404, 405]}, 415, True),
        ({"retryable": [400, 429]}, 400, True),
        ({"retryable": [400, 429]}, 422, False),
    ],
)
def test_a_status_that_is_named_leaves_the_list_that_is_not_set(
    lists: dict[str, Any], status: int, *, retryable: bool
) -> None:
    outcome = made({**SEND, **lists})._config.reading.outcome(status, b"")

    assert outcome == Rejected(retryable, f"http_{status}")


def test_a_secret_is_read_from_its_file_and_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    given = {
        **SEND,
        "values": {"token": {"file": str(file)}},
        "headers": {"Authorization": {"file": str(file)}, "X-Token": "{token}"},
        "body": {**SEND["body"], "auth": {"keys": [{"file": str(file)}]}},
    }

    gateway = made(given)

    assert "s3cret" not in repr(gateway._config)
    assert gateway._headers(None) == {"Authorization": "s3cret", "X-Token": "s3cret"}
    file.unlink()
    with pytest.raises(config.ConfigError, match=r"sms\.http\.carrier: .*token cannot be read"):
        made(given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "http://sms.example/send"}, "carrier: the url must be https"),
        ({"values": {"x": 5}}, r"values\.x is neither a text nor a file"),
        ({"token_key": "key"}, r"values\.key is missing"),
        ({"retryable": [200]}, "a status stands on one list only"),
        ({"validity_min_s": 600, "validity_max_s": 300}, "validity_min_s is above"),
        ({"query": {"url": "https://sms.example/q"}}, "a query must have {id}"),
        ({"ca": "/nowhere/ca.pem"}, r"/nowhere/ca\.pem"),
    ],
)
def test_what_could_not_work_refuses_to_start(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(config.ConfigError, match=sentence):
        made({**SEND, **given})


def test_a_provider_that_is_asked_for_reports_learns_where_to_bring_them(token_file: str) -> None:
    given = {**SEND, "report_token_file": token_file, "reports": REPORTS}

    gateway = made(given)
    (door,) = http_gateways.doors(read(given))

    assert gateway._config.body["notify"] == "{report_url}"
    assert gateway._config.own_values()["report_url"] == (
        f"https://acs.bank.example/in/sms/reports/carrier/{TOKEN}"
    )
    assert TOKEN not in repr(gateway._config)
    assert TOKEN not in repr(door)
    assert (door.provider, door.opens(TOKEN), door.proof) == ("carrier", True, None)
    assert (door.reply_status, door.reply_body) == (204, "OK")
    assert door.shape.methods == {"POST"}


def test_without_a_token_there_is_no_door() -> None:
    assert http_gateways.doors(read({**SEND, "reports": REPORTS})) == ()


@pytest.mark.parametrize(
    ("proof", "made_of"),
    [
        ({"proof": "path"}, None),
        (
            {"proof": "basic", "proof_name": "me", "proof_secret": "{pw}"},
            callback.Basic,
        ),
        ({"proof": "header", "proof_name": "X-Key", "proof_secret": "{pw}"}, callback.Header),
        ({"proof": "twilio", "proof_secret": "{pw}"}, callback.UrlAndForm),
        ({"proof": "vonage", "proof_secret": "{pw}"}, callback.TokenAndHash),
    ],
)
def test_a_door_has_the_proof_that_is_set(
    token_file: str, proof: dict[str, str], made_of: type | None
) -> None:
    given = {
        **SEND,
        "values": {"pw": "p" * 32},
        "report_token_file": token_file,
        "reports": {**REPORTS, **proof},
    }

    (door,) = http_gateways.doors(read(given))

    assert type(door.proof) is (made_of or type(None))
    assert "pppp" not in repr(door)


@pytest.mark.parametrize(
    ("reports", "sentence"),
    [
        ({"format": None}, r"reports\.format is missing"),
        ({"states": {}}, "state and states must say"),
        ({"sms_id": None}, "sms_id or provider_id"),
        ({"proof": "vonage"}, r"reports\.proof_secret is missing"),
        ({"proof": "basic", "proof_secret": "x"}, r"reports\.proof_name is missing"),
        ({"proof": "twilio", "proof_secret": "{nothing}"}, "unknown place"),
        ({"proof": "vonage", "proof_secret": "short"}, "32 bytes or more"),
    ],
)
def test_a_door_that_could_not_work_refuses_to_start(
    token_file: str, reports: dict[str, Any], sentence: str
) -> None:
    shape = {name: value for name, value in {**REPORTS, **reports}.items() if value is not None}
    given = {**SEND, "report_token_file": token_file, "reports": shape}

    with pytest.raises(config.ConfigError, match=sentence):
        http_gateways.doors(read(given))
