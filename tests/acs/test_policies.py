"""Settings become the values the packages decide by, none lost on the way."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from acs import config, demo_keys, policies
from acs.clock import utc_now
from enrollment.host import HttpHost
from enrollment.policy import Activation, NonresidentNumbers, PortalRaise
from enrollment.ports import NoHost
from otp.gateways.router import Route
from schemas.messages import Additions
from tests.signing import certificate, ec_key, key_pem, leaf, pem, root


def read(**environ: str) -> config.Settings:
    return config.read(environ={"ACS_PROFILE": "demo", **environ})


def test_the_challenge_is_as_patient_as_the_settings_say() -> None:
    made = policies.challenge_policy(
        read(
            ACS_CHALLENGE__FIRST_CREQ_S="20",
            ACS_CHALLENGE__INTERACTION_S="120",
            ACS_CHALLENGE__CAP_S="900",
            ACS_OTP__ATTEMPTS_MAX="2",
        )
    )

    assert made.first_creq == timedelta(seconds=20)
    assert made.interaction == timedelta(seconds=120)
    assert made.cap == timedelta(seconds=900)
    assert made.attempts_max == 2


def test_every_limit_of_the_code_is_a_setting() -> None:
    made = policies.otp_policy(read(ACS_OTP__PHONE_HOUR="9", ACS_OTP__DESTINATIONS='["48", "49"]'))

    assert made.phone_hour == 9
    assert made.destinations == ("48", "49")


def test_use_is_counted_unless_switched_off() -> None:
    assert policies.policies(read()).counts_use
    assert not policies.policies(read(ACS_LIMITS__USAGE_SOURCE="off")).counts_use


def test_who_is_over_a_limit_is_told_where_the_issuer_wants() -> None:
    assert not policies.policies(read()).tells_over_limit
    assert policies.policies(read(ACS_LIMITS__NOTIFY="true")).tells_over_limit


def test_whether_clients_raise_limits_is_the_issuer_s_choice() -> None:
    raises = read(ACS_LIMITS__PORTAL_RAISE="up_to_branch")

    assert policies.enrollment_policy(read()).portal_raise is PortalRaise.NEVER
    assert policies.enrollment_policy(raises).portal_raise is PortalRaise.UP_TO_BRANCH


def test_the_worker_activates_cards_as_the_api_does() -> None:
    automatic = read(ACS_ENROLLMENT__ACTIVATION="automatic")

    assert policies.policies(read()).enrollment.activation is Activation.PER_CARD
    assert policies.policies(automatic).enrollment.activation is Activation.AUTOMATIC


def test_the_challenge_page_is_where_the_public_address_says() -> None:
    made = policies.policies(read(ACS_CARDHOLDER__PUBLIC_URL="https://acs.bank.example/pay"))

    assert made.challenge_url == "https://acs.bank.example/pay/challenge"


def test_the_pages_have_the_themes_of_the_settings() -> None:
    file = Path(__file__).parents[2] / "loadtests" / "network" / "theme" / "bank.toml"
    made = policies.pages(read(ACS_CARDHOLDER__THEMES=json.dumps({"bank": str(file)})))

    assert "theme-bank.css" in made.static_files


def test_a_bad_theme_refuses_to_start_with_every_fault(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("logo = 'none.svg'\n[help]\nxx = 'x'\n")
    given = json.dumps({"bad": str(tmp_path / "bad.toml"), "gone": str(tmp_path / "gone.toml")})

    with pytest.raises(config.ConfigError) as caught:
        policies.pages(read(ACS_CARDHOLDER__THEMES=given))
    assert len(caught.value.sentences) == 3
    assert all(one.startswith("cardholder.themes: ") for one in caught.value.sentences)


def test_a_directory_server_keeps_its_names_and_hosts() -> None:
    network = {
        "id": "visa",
        "schemes": ["visa"],
        "hosts": ["Results.Visa.Example"],
        "client_subject": "ds.visa.example",
        "acs_reference_number": "REF-1",
        "recognised_extensions": ["TEST-1"],
        "values": {"acctType": ["80", "81"]},
    }

    (made,) = policies.directory_servers(read(ACS_DS__DIRECTORY_SERVERS=json.dumps([network])))

    assert made.ds_id == "visa"
    assert made.is_listed("https://results.visa.example/rreq")
    assert made.client_subject == "ds.visa.example"
    assert made.acs_reference_number == "REF-1"
    assert made.additions == Additions(frozenset({"TEST-1"}), {"acctType": frozenset({"80", "81"})})


def test_two_directory_servers_that_one_certificate_could_speak_for_are_refused(
    tmp_path: Path,
) -> None:
    ours, theirs = root(), certificate("theirs", ec_key("theirs"), usage="key_cert_sign")
    files = {"ours": [ours], "copy": [ours], "both": [theirs, ours], "theirs": [theirs]}
    for name, certificates in files.items():
        (tmp_path / name).write_bytes(pem(*certificates))
    both = {"schemes": ["visa"], "hosts": ["ds.example"], "client_subject": "ds"}

    def built(ca: str, *, subject: str = "ds") -> list[str]:
        first = {**both, "id": "visa", "client_ca": str(tmp_path / "ours")}
        other = {**both, "id": "other", "client_ca": str(tmp_path / ca), "client_subject": subject}
        settings = read(
            ACS_DS__DIRECTORY_SERVERS=json.dumps([first, other]),
            ACS_DS__TLS_CERT="c.pem",
            ACS_DS__TLS_KEY="k.pem",
        )
        return [one.ds_id for one in policies.directory_servers(settings)]

    assert built("theirs") == built("copy", subject="ds.other") == ["visa", "other"]
    for ca in ("ours", "copy", "both"):
        with pytest.raises(config.ConfigError, match="other: its certificate is that of visa"):
            built(ca)


def signing(
    folder: Path, ds_id: str, *, certified: str = "acs", mode: int = 0o600
) -> dict[str, object]:
    """Give a Directory Server whose signing key and certificates lie in a folder."""
    key, certs = folder / f"{ds_id}.key", folder / f"{ds_id}.pem"
    key.write_bytes(key_pem(ec_key()))
    key.chmod(mode)
    certs.write_bytes(pem(leaf(ec_key(certified)), root()))
    return {
        "id": ds_id,
        "schemes": ["visa"],
        "hosts": ["ds.example"],
        "sdk_signing_key": str(key),
        "sdk_signing_certs": str(certs),
    }


def test_a_directory_server_has_the_signer_of_its_settings(tmp_path: Path) -> None:
    plain = {"id": "plain", "schemes": ["jcb"], "hosts": ["ds.example"]}
    given = json.dumps([signing(tmp_path, "visa"), plain])

    first, second = policies.directory_servers(read(ACS_DS__DIRECTORY_SERVERS=given))

    assert first.signer is not None
    assert first.signer.algorithm == "ES256"
    assert second.signer is None


def test_every_fault_of_signing_files_is_told_in_a_sentence(tmp_path: Path) -> None:
    gone = {**signing(tmp_path, "gone"), "sdk_signing_certs": str(tmp_path / "none.pem")}
    keyless = {**signing(tmp_path, "keyless"), "sdk_signing_key": str(tmp_path / "none.key")}
    given = [
        signing(tmp_path, "open", mode=0o640),
        signing(tmp_path, "other", certified="another"),
        gone,
        keyless,
    ]

    with pytest.raises(config.ConfigError) as caught:
        policies.directory_servers(read(ACS_DS__DIRECTORY_SERVERS=json.dumps(given)))

    where, only = "ds.directory_servers", "its mode must be 0400 or 0600"
    away = "No such file or directory"
    pair = f"sdk_signing_key {tmp_path}/other.key and sdk_signing_certs {tmp_path}/other.pem"
    assert caught.value.sentences == (
        f"{where}: open: sdk_signing_key: {tmp_path}/open.key is open to others: {only}",
        f"{where}: other: {pair}: the first certificate belongs to another key",
        f"{where}: gone: sdk_signing_certs: {tmp_path}/none.pem cannot be read: {away}",
        f"{where}: keyless: sdk_signing_key: {tmp_path}/none.key cannot be read: {away}",
    )


def test_the_demo_sends_to_its_own_phone() -> None:
    (gateway,) = policies.gateways(read(ACS_DEMO__LISTEN="127.0.0.1:9999"), utc_now)

    assert gateway.name == "inbox"
    assert gateway.idempotent


@pytest.mark.parametrize("alphabet", ["gsm7_strip", "ucs2"])
def test_texts_are_written_in_the_alphabet_of_the_settings(alphabet: str) -> None:
    assert policies.otp_policy(read(ACS_SMS__ALPHABET=alphabet)).alphabet == alphabet


def test_the_routes_are_those_of_the_settings() -> None:
    given = [{"prefix": "4860", "providers": {"inbox": 3}}]

    assert policies.routes(read(ACS_SMS__ROUTES=json.dumps(given))) == (
        Route("4860", {"inbox": 3}),
    )


def test_gateways_stand_in_the_order_of_preference() -> None:
    carrier = {"url": "https://sms.example/send", "body": {"to": "{to}", "text": "{text}"}}

    made = policies.gateways(
        read(
            ACS_SMS__PROVIDERS='["second", "inbox", "first"]',
            ACS_SMS__HTTP=json.dumps({"first": carrier, "second": carrier}),
        ),
        utc_now,
    )

    assert [gateway.name for gateway in made] == ["second", "inbox", "first"]


def test_attempts_and_activation_are_the_issuer_s_choice() -> None:
    made = policies.enrollment_policy(
        read(ACS_SCA__MAX_CONSECUTIVE_FAILURES="4", ACS_ENROLLMENT__ACTIVATION="automatic")
    )

    assert made.attempts.failures_max == 4
    assert made.activation is Activation.AUTOMATIC


def test_a_bank_s_own_numbers_for_nonresidents_are_its_choice() -> None:
    made = policies.enrollment_policy(
        read(
            ACS_ENROLLMENT__NONRESIDENT_SHAPES='["A99999999"]',
            ACS_ENROLLMENT__NONRESIDENT_CHECK="none",
        )
    )

    assert made.nonresident == NonresidentNumbers(("A99999999",), is_luhn=False)


def test_two_keys_of_one_issuer_are_one_caller(tmp_path: Path) -> None:
    entries = demo_keys.make_callers(read(ACS_DATA_DIR=str(tmp_path)))
    second = {**entries[0], "kid": "portal-2"}

    made = policies.callers(read(ACS_ENROLLMENT__CALLERS=json.dumps([*entries, second])))

    first = made.key_of(entries[0]["iss"], entries[0]["kid"])
    other = made.key_of(entries[0]["iss"], "portal-2")
    assert first is not None
    assert other is not None
    assert first[0] is other[0]


@pytest.mark.parametrize("name", [None, "portal.example"])
def test_a_caller_shows_the_certificate_that_the_settings_name(
    tmp_path: Path, name: str | None
) -> None:
    entry = demo_keys.make_callers(read(ACS_DATA_DIR=str(tmp_path)))[0]
    given = entry if name is None else entry | {"client_san": name}
    tls = {"TLS_CERT": "cert.pem", "TLS_KEY": "key.pem", "CLIENT_CA": "ca.pem"}

    made = policies.callers(
        read(
            ACS_ENROLLMENT__CALLERS=json.dumps([given]),
            **{f"ACS_ENROLLMENT__{variable}": file for variable, file in tls.items()},
        )
    )

    known = made.key_of(entry["iss"], entry["kid"])
    assert known is not None
    assert known[0].client_san == name


def test_a_caller_without_a_readable_key_refuses_to_start(tmp_path: Path) -> None:
    entry = {
        "name": "portal",
        "iss": "https://portal.example",
        "kid": "1",
        "sub": "portal",
        "public_key": str(tmp_path / "missing.pem"),
        "scopes": ["card:read"],
    }

    with pytest.raises(config.ConfigError, match="portal"):
        policies.callers(read(ACS_ENROLLMENT__CALLERS=json.dumps([entry])))


def test_the_ways_into_the_portal_are_the_issuer_s_choice() -> None:
    made = policies.enrollment_policy(
        read(
            ACS_REGISTRATION__MODE="legacy",
            ACS_REGISTRATION__SMS_LIFETIME_S="3600",
            ACS_REGISTRATION__ACTIVATION_CODE_DAYS="7",
            ACS_PORTAL__SESSION_IDLE_S="60",
            ACS_PORTAL__PHONE_COOLING_S="0",
            ACS_PORTAL__FORBIDDEN_WORDS='["Kartolina"]',
        )
    )

    assert made.registration.mode == "legacy"
    assert made.registration.sms_lifetime == timedelta(hours=1)
    assert made.registration.activation_code_life == timedelta(days=7)
    assert made.portal.session_idle == timedelta(minutes=1)
    assert made.portal.phone_cooling == timedelta(0)
    assert made.portal.forbidden_words == ("Bank", "Kartolina")


def test_without_an_address_there_is_no_card_host() -> None:
    with_host = policies.card_host(read(ACS_PORTAL__HOST_URL="https://host.example/block"))

    assert isinstance(policies.card_host(read()), NoHost)
    assert isinstance(with_host, HttpHost)
