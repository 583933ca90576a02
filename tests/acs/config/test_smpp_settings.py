"""SMPP providers: what of their settings does not go together."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import ConfigError


def refused(**given: object) -> str:
    """Give the sentences that speak against the demo with these settings."""
    names = {"profile": "demo", **{name.replace("__", "."): v for name, v in given.items()}}
    with pytest.raises(ConfigError) as error:
        config.read(given=names)
    return "\n".join(error.value.sentences)


_SMSC = {"host": "smsc.example", "system_id": "bank", "password_file": "/run/secrets/smpp"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tls": False}, "tls is off: only to this machine, or with sms.smpp.one.private_line"),
        ({"tls": False, "private_line": True, "ca": "ca.pem"}, "ca and tls_cert mean nothing"),
        ({"tls_cert": "cert.pem"}, "tls_cert and tls_key come together"),
        ({"window": 0}, "window"),
        ({"system_id": "s" * 16}, "system_id"),
        ({"host": "smsc..example"}, "sms.smpp.one.host is smsc..example, which is no name"),
        ({"host": "smsc.example:2775"}, "sms.smpp.one.host is smsc.example:2775, which is no name"),
    ],
)
def test_an_smpp_provider_that_would_not_be_safe_is_refused(
    changes: dict[str, object], sentence: str
) -> None:
    assert sentence in refused(sms__smpp={"one": {**_SMSC, **changes}})


@pytest.mark.parametrize(
    "changes",
    [{}, {"tls": False, "private_line": True}, {"tls": False, "host": "127.0.0.1"}],
)
def test_an_smpp_provider_is_safe_by_tls_or_by_its_way(changes: dict[str, object]) -> None:
    provider = {**_SMSC, **changes}

    read = config.read(given={"profile": "demo", "sms.smpp": {"one": provider}})
    assert list(read.sms.smpp) == ["one"]


def test_a_provider_has_one_table_and_a_sender_that_smpp_can_write() -> None:
    http = {"url": "https://sms.example", "body": {"to": "{to}", "text": "{text}"}}
    said = refused(sms__smpp={"one": _SMSC}, sms__http={"one": http}, sms__sender="Żabka")

    assert "sms.http.one and sms.smpp.one have one name" in said
    assert "sms.sender must be ASCII" in said
