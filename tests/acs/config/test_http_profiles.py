"""Profiles of known providers, with the operator's own settings over them."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from acs import config
from acs.config.http_profiles import complete, faults, profile
from acs.config.http_settings import HttpProvider
from acs.config.source import decode

NAMES = sorted(
    file.name.removesuffix(".toml")
    for file in resources.files("otp.gateways").joinpath("profiles").iterdir()
)


def provider(**given: Any) -> HttpProvider:
    return msgspec.convert(given, HttpProvider, dec_hook=decode)


def test_every_profile_that_there_is_may_be_named() -> None:
    kind, _ = get_args(get_type_hints(HttpProvider)["profile"])

    assert sorted(get_args(kind)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_whole_but_for_what_it_needs(name: str) -> None:
    known = profile(name)

    sentences = list(faults("x", provider(profile=name)))

    assert len(sentences) == len(known.needs)
    assert list(faults("x", provider(profile=name, values=dict(known.needs)))) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_gives_the_message_a_validity(name: str) -> None:
    """A code that is not valid any more must not arrive (otp.md 8.6)."""
    body = str(complete(provider(profile=name)).body)

    assert "{validity_s}" in body or "{expires_epoch}" in body


def test_no_profile_asks_for_a_longer_validity_than_its_provider_takes() -> None:
    """A notice is worth a day, which Twilio refuses (error 21624)."""
    longest = {name: complete(provider(profile=name)).validity_max_s for name in NAMES}

    assert longest == {"infobip": None, "smsapi": 42_600, "twilio": 36_000, "vonage": None}


def test_one_id_makes_one_message_only_where_the_provider_promises_it() -> None:
    assert [name for name in NAMES if complete(provider(profile=name)).idempotent] == ["smsapi"]


def test_own_settings_go_over_those_of_the_profile() -> None:
    whole = complete(
        provider(
            profile="smsapi",
            values={"token": {"file": "/t"}, "base_url": "https://api.smsapi.com"},
            body={"udh": "x", "details": "0"},
            success=[200, 202],
            reports={"joined": ";"},
            answer=[{"path": "x", "accepted": ["y"]}],
        )
    )
    known = profile("smsapi").provider

    assert whole.url == known.url
    assert whole.values == {"token": {"file": "/t"}, "base_url": "https://api.smsapi.com"}
    assert whole.body == {**(known.body or {}), "udh": "x", "details": "0"}
    assert whole.success == frozenset({200, 202})
    assert whole.reports is not None
    assert (whole.reports.joined, whole.reports.sms_id) == (";", "idx")
    assert [rule.path for rule in whole.answer or ()] == ["x"]


def test_what_a_file_holds_replaces_a_value_whole() -> None:
    whole = complete(provider(profile="smsapi", values={"base_url": {"file": "/url"}}))

    assert (whole.values or {})["base_url"] == {"file": "/url"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "sms.http.x.url is missing"),
        ({"url": "https://a.example"}, "sms.http.x.body is missing"),
        ({"profile": "smsapi"}, "sms.http.x.values.token is missing: an OAuth token"),
        (
            {"profile": "twilio", "report_token_file": "t"},
            "sms.http.x.values.auth_token is missing",
        ),
        (
            {"url": "https://a.example", "body": {}, "report_token_file": "t"},
            "sms.http.x.reports is missing",
        ),
        ({"tls_cert": "c"}, "tls_cert and tls_key come together"),
    ],
)
def test_what_is_missing_is_said(given: dict[str, Any], sentence: str) -> None:
    assert any(sentence in one for one in faults("x", provider(**given)))


def test_the_operator_s_guide_shows_settings_that_fit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operate" / "sms.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    tree = tomllib.loads("\n".join(blocks))
    tree["sms"]["providers"] = sorted(tree["sms"]["http"])
    for provider_name in tree["sms"]["http"]:
        tree["sms"]["http"][provider_name].setdefault("report_token_file", "/run/secrets/reports")

    settings = config.read(
        given={
            "profile": "demo",
            "sms": tree["sms"],
            "receipts.public_url": tree["receipts"]["public_url"],
        }
    )

    assert settings.reporting_providers == ("carrier", *NAMES)
