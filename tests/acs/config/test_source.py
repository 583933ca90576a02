"""Settings are read from the file and the environment; whatever is not known refuses to start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acs import config
from acs.config import ConfigError, Listen
from acs.config.source import leaves, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO: Mapping[str, object] = {"profile": "demo"}


def sentences(tmp_path: Path, toml: str = "", environ: Mapping[str, str] | None = None) -> str:
    """Give what reading these settings is refused with."""
    file = tmp_path / "acs.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError) as refused:
        config.read(file, environ or {}, DEMO)
    return "\n".join(refused.value.sentences)


def test_without_anything_the_defaults_of_the_contract_hold() -> None:
    settings = config.read(given=DEMO)

    assert settings.ds.listen == Listen("127.0.0.1", 8081)
    assert settings.cardholder.listen == Listen("127.0.0.1", 8082)
    assert settings.enrollment.listen == Listen("127.0.0.1", 8083)
    assert settings.portal.listen == Listen("127.0.0.1", 8084)
    assert settings.ops.listen == Listen("127.0.0.1", 8085)
    assert settings.demo.listen == Listen("127.0.0.1", 8080)
    assert settings.cardholder.public_url == "http://127.0.0.1:8082"
    assert settings.data_dir == Path("var")
    assert settings.database.url is None
    assert settings.sms_providers == ("inbox",)


def test_the_file_sets_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "acs.toml"
    file.write_text("[otp]\nlifetime_s = 120\nattempts_max = 2\n")
    settings = config.read(file, {"ACS_OTP__LIFETIME_S": "180"}, DEMO)

    assert (settings.otp.lifetime_s, settings.otp.attempts_max) == (180, 2)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[otp]\nlifetime_s = 120\n")

    assert config.read(None, {"ACS_CONFIG": str(file)}, DEMO).otp.lifetime_s == 120


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ACS_DATA_DIR", "/srv/acs", Path("/srv/acs")),
        ("ACS_DS__LISTEN", "[::1]:9081", Listen("::1", 9081)),
        ("ACS_OTP__RESEND_WAITS_S", "[10, 20]", (10, 20)),
        ("ACS_SMS__SENDER", "12345", "12345"),
        ("ACS_ENROLLMENT__COPY_ON_REPLACE", "false", False),
        ("ACS_WORK__POLL_S", "0.5", 0.5),
        ("ACS_KEYS__ACTIVE", '{"otp": "k2"}', {"otp": "k2"}),
    ],
)
def test_a_variable_is_read_as_its_setting_is_typed(name: str, text: str, value: object) -> None:
    settings: object = config.read(None, {name: text}, DEMO)
    for part in name.removeprefix("ACS_").lower().split("__"):
        settings = getattr(settings, part)

    assert settings == value


def test_tables_come_from_the_environment_as_json() -> None:
    text = '[{"id": "one", "schemes": ["visa"], "hosts": ["127.0.0.1:8080"]}]'
    settings = config.read(None, {"ACS_DS__DIRECTORY_SERVERS": text}, DEMO)

    assert settings.ds.directory_servers[0].hosts == ("127.0.0.1:8080",)


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [variable(name) for name, _ in leaves()]

    assert len(set(variables)) == len(variables)
    assert variable("otp.lifetime_s") == "ACS_OTP__LIFETIME_S"


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("colour = 'red'", "colour names no setting"),
        ("[otp]\nlifetime = 5", "otp.lifetime names no setting"),
        ("[otp]\nlifetime_s = '5'", "otp.lifetime_s: expected `int`, got `str`"),
        ("[otp]\nattempts_max = 6", "otp.attempts_max: expected `int` <= 5"),
        ("[[ds.directory_servers]]\nid = 'a'", "ds.directory_servers[0].schemes is missing"),
        ("[ds]\nlisten = 'here'", "ds.listen: 'here' is not host:port"),
        ("[ds\n", "is not TOML"),
    ],
)
def test_a_fault_in_the_file_is_a_sentence_with_its_name(
    tmp_path: Path, toml: str, sentence: str
) -> None:
    assert sentence in sentences(tmp_path, toml)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("ACS_OTP__LIFETIME", "5", "ACS_OTP__LIFETIME names no setting"),
        ("ACS_OTP_LIFETIME_S", "300", "ACS_OTP_LIFETIME_S names no setting"),
        ("ACS_OPS__PORT", "8085", "ACS_OPS__PORT names no setting"),
        ("ACS_OTP__LIFETIME_S", "soon", "ACS_OTP__LIFETIME_S: expected `int`, got `str`"),
        ("ACS_OTP__RESEND_WAITS_S", "[1,", "ACS_OTP__RESEND_WAITS_S: "),
    ],
)
def test_a_fault_in_the_environment_names_the_variable(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    assert sentence in sentences(tmp_path, "", {name: text})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = sentences(tmp_path, "colour = 'red'\n[otp]\nattempts_max = 6\n")

    assert len(said.splitlines()) == 2


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(tmp_path / "none.toml", {}, DEMO)


def test_what_is_said_to_the_test_suite_is_no_setting() -> None:
    assert config.read(None, {"ACS_TEST_REQUIRE_BROWSER": "1"}, DEMO).profile == "demo"


def test_a_password_in_the_url_is_not_shown() -> None:
    settings = config.read(None, {"ACS_DATABASE__URL": "postgresql://u:canary@h/d"}, DEMO)

    assert "canary" not in repr(settings)
    assert settings.database.url is not None
    assert settings.database.url.reveal() == "postgresql://u:canary@h/d"


def test_what_kubernetes_tells_of_a_service_named_acs_is_none_of_ours() -> None:
    told = {
        f"{service}_{name}": "tcp://10.0.0.1:8081"
        for service in ("ACS", "ACS_DS")
        for name in (
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_HTTPS",
            "PORT",
            "PORT_8081_TCP",
            "PORT_8081_TCP_PROTO",
            "PORT_8081_TCP_PORT",
            "PORT_8081_TCP_ADDR",
        )
    }

    assert config.read(environ={**told, "ACS_PROFILE": "demo"}).profile == "demo"
