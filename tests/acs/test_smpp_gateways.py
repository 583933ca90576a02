"""SMPP providers as the settings name them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acs import config, policies
from acs.clock import utc_now
from acs.smpp_gateways import refuse_too_many_binds
from otp.gateways.smpp.gateway import SmppGateway

if TYPE_CHECKING:
    from pathlib import Path

    from otp.gateways.port import SmsGateway


def gateways(settings: config.Settings) -> tuple[SmsGateway, ...]:
    return policies.gateways(settings, utc_now)


def _smpp(file: Path, **changes: object) -> config.Settings:
    table = {"host": "smsc.example", "system_id": "bank", "password_file": str(file), **changes}
    environ = {
        "ACS_PROFILE": "demo",
        "ACS_SMS__PROVIDERS": '["carrier"]',
        "ACS_SMS__SMPP": json.dumps({"carrier": table}),
    }
    return config.read(environ=environ)


def test_an_smpp_provider_is_made_of_its_table(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pass-9X\n")

    (gateway,) = gateways(_smpp(file, window=3, long_messages="udh"))

    assert isinstance(gateway, SmppGateway)
    made = gateway._config
    assert (made.name, made.window, made.long_messages) == ("carrier", 3, "udh")
    assert made.address.password.reveal() == "pass-9X"
    assert "pass-9X" not in repr(made)
    assert made.address.tls is not None
    assert made.address.tls.check_hostname


def test_an_smpp_provider_on_this_machine_may_be_without_tls(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pass-9X")

    (gateway,) = gateways(_smpp(file, host="127.0.0.1", tls=False))

    assert isinstance(gateway, SmppGateway)
    assert gateway._config.address.tls is None


def test_a_password_that_smpp_cannot_carry_is_a_sentence_without_it(tmp_path: Path) -> None:
    file = tmp_path / "password"
    with pytest.raises(
        config.ConfigError, match=r"sms\.smpp\.carrier\.password_file: .* cannot be read"
    ):
        gateways(_smpp(file))
    file.write_text("much-too-long")
    with pytest.raises(config.ConfigError, match="password is at most 8") as told:
        gateways(_smpp(file))

    assert "much-too-long" not in str(told.value)


@pytest.mark.parametrize(("binds", "is_refused"), [(1, True), (2, False), (3, False)])
def test_no_more_processes_bind_than_the_carrier_allows(
    tmp_path: Path, binds: int, is_refused: bool
) -> None:
    settings = _smpp(tmp_path / "password", binds=binds)
    if is_refused:
        with pytest.raises(config.ConfigError, match=r"--workers 2: .* is 1,"):
            refuse_too_many_binds(settings, 2)
    else:
        refuse_too_many_binds(settings, 2)
