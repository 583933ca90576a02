"""``acs check-config`` as an operator types it: every fault is a sentence, and nothing starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import trustme

from tests.acs.typed import acs
from tests.revocation import HOUR, NOW, revoked
from tests.signing import ec_key, key_pem, leaf, pem

if TYPE_CHECKING:
    from pathlib import Path


def test_check_config_starts_nothing(tmp_path: Path) -> None:
    ended = acs(tmp_path, "check-config")

    assert (ended.returncode, ended.stdout) == (0, "the settings fit\n")
    assert list(tmp_path.iterdir()) == []


def test_check_config_judges_the_keys_where_there_are_any(tmp_path: Path) -> None:
    """With a second key and none chosen nothing starts, not even a worker that died."""
    acs(tmp_path, "keys", "generate")
    before = acs(tmp_path, "check-config")
    acs(tmp_path, "keys", "add", "otp", "k2")
    after = acs(tmp_path, "check-config")

    assert (before.returncode, before.stderr) == (0, "")
    assert after.returncode == 2
    assert after.stderr == "acs: keys.active.otp must say which of k1, k2 makes values\n"


def test_check_config_judges_the_themes(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[light]\nink = '#cccccc'\n", encoding="utf-8")

    ended = acs(tmp_path, "check-config", ACS_CARDHOLDER__THEMES=f'{{"bad": "{bad}"}}')

    assert ended.returncode == 2
    assert f"acs: cardholder.themes: {bad}: light: ink on sheet has a contrast of" in ended.stderr


def test_check_config_judges_the_signing_certificates(tmp_path: Path) -> None:
    key, certs = tmp_path / "acs.key", tmp_path / "acs.pem"
    key.write_bytes(key_pem(ec_key()))
    key.chmod(0o600)
    certs.write_bytes(pem(leaf(ec_key("another"))))
    network = {"id": "visa", "schemes": ["visa"], "hosts": ["ds.example"]}
    network |= {"sdk_signing_key": str(key), "sdk_signing_certs": str(certs)}

    ended = acs(tmp_path, "check-config", ACS_DS__DIRECTORY_SERVERS=json.dumps([network]))

    assert ended.returncode == 2
    assert "visa: sdk_signing_key" in ended.stderr
    assert "the first certificate belongs to another key" in ended.stderr


def test_check_config_judges_every_file_that_a_start_reads(tmp_path: Path) -> None:
    named = {
        "ACS_DATABASE__URL_FILE": "dsn",
        "ACS_CARDHOLDER__TLS_CERT": "acs.crt",
        "ACS_CARDHOLDER__TLS_KEY": "acs.key",
        "ACS_OPS__TLS_CERT": "ops.crt",
        "ACS_OPS__TLS_KEY": "ops.key",
    }
    networks = [
        {"id": one, "schemes": [one], "ca": str(tmp_path / one), "hosts": ["ds.example"]}
        for one in ("visa", "mastercard")
    ]
    provider = {"url": "https://sms.example/", "body": {"to": "{to}", "text": "{text}"}}
    provider["headers"] = {"Authorization": {"file": str(tmp_path / "token")}}
    ended = acs(
        tmp_path,
        "check-config",
        ACS_SMS__PROVIDERS='["carrier"]',
        ACS_SMS__HTTP=json.dumps({"carrier": provider}),
        ACS_DS__DIRECTORY_SERVERS=json.dumps(networks),
        **{name: str(tmp_path / file) for name, file in named.items()},
    )

    assert ended.returncode == 2
    assert f"database.url_file: {tmp_path / 'dsn'} cannot be read: No such file" in ended.stderr
    assert f"{tmp_path / 'acs.crt'} and {tmp_path / 'acs.key'} are no cert" in ended.stderr
    assert f"{tmp_path / 'ops.crt'} and {tmp_path / 'ops.key'} are no cert" in ended.stderr
    assert f"visa: ca: {tmp_path / 'visa'} holds no" in ended.stderr
    assert f"mastercard: ca: {tmp_path / 'mastercard'} holds no" in ended.stderr
    assert f"sms.http.carrier: {tmp_path / 'token'} cannot be read" in ended.stderr


def test_check_config_judges_revocation_lists(tmp_path: Path) -> None:
    own, visa, core = trustme.CA(), trustme.CA(), trustme.CA()
    pem = tmp_path / "acs.pem"
    own.issue_cert("acs.example").private_key_and_cert_chain_pem.write_to_path(pem)
    pem.chmod(0o400)
    tls = {"TLS_CERT": "acs.pem", "TLS_KEY": "acs.pem"}
    given: dict[str, str] = {}
    for edge, authority in (("DS", visa), ("ENROLLMENT", core)):
        authority.cert_pem.write_to_path(tmp_path / f"{edge}.pem")
        named = {**tls, "CLIENT_CA": f"{edge}.pem", "CLIENT_CRL": f"{edge}.crl"}
        given |= {f"ACS_{edge}__{name}": str(tmp_path / file) for name, file in named.items()}
    (tmp_path / "DS.crl").write_bytes(revoked(visa, end=NOW - HOUR / 2))
    (tmp_path / "ENROLLMENT.crl").write_bytes(revoked(visa))
    ended = acs(tmp_path, "check-config", **given)
    (tmp_path / "DS.crl").write_bytes(revoked(visa))
    (tmp_path / "ENROLLMENT.crl").write_bytes(revoked(core))
    good = acs(tmp_path, "check-config", **given)

    assert (ended.returncode, good.returncode, good.stderr) == (2, 0, "")
    assert f"acs: ds.client_crl: {tmp_path / 'DS.crl'}: the list of OU=" in ended.stderr
    assert f" ended on {NOW - HOUR / 2}\n" in ended.stderr
    assert "no authority of enrollment.client_ca has signed the list of OU=" in ended.stderr


def test_check_config_warns_of_a_password_that_everybody_may_read(
    open_folder: Path, tmp_path: Path
) -> None:
    config = open_folder / "acs.toml"
    config.write_text('[database]\nurl = "postgresql://acs:canary@h/d"\n')
    config.chmod(0o644)
    ended = acs(tmp_path, "check-config", "--config", str(config))

    assert (ended.returncode, ended.stdout) == (0, "the settings fit\n")
    assert ended.stderr.startswith(f"acs: warning: the settings: {config} holds a password")
    assert "canary" not in ended.stderr


def test_check_config_judges_the_way_to_an_hsm_that_holds_no_key_yet(tmp_path: Path) -> None:
    """Else it is the first key, on the day of its ceremony, that finds out."""
    (tmp_path / "pin").write_text("1234")
    (tmp_path / "pin").chmod(0o644)
    given = {"ACS_HSM__TOKEN": "acs", "ACS_HSM__PIN_FILE": str(tmp_path / "pin")}
    away = acs(tmp_path, "check-config", ACS_HSM__MODULE=str(tmp_path / "lib.so"), **given)
    near = acs(tmp_path, "check-config", ACS_HSM__MODULE="lib.so", **given)
    (tmp_path / "lib.so").touch()
    loose = acs(tmp_path, "check-config", ACS_HSM__MODULE=str(tmp_path / "lib.so"), **given)
    (tmp_path / "pin").chmod(0o600)
    good = acs(tmp_path, "check-config", ACS_HSM__MODULE=str(tmp_path / "lib.so"), **given)

    assert [one.returncode for one in (away, near, loose, good)] == [2, 2, 2, 0]
    assert f"hsm.module: {tmp_path / 'lib.so'} cannot be read: No such file" in away.stderr
    assert "hsm.module is lib.so: what gets the PIN is named by its whole path" in near.stderr
    assert f"hsm.pin_file: {tmp_path / 'pin'} is open to others" in loose.stderr
