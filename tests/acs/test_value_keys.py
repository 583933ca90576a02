"""From settings to keys: what is wrong is one sentence, and an HSM that is away stops nobody."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest

from acs import checking, commands, config, terminal
from acs.config import ConfigError
from acs.hsm.keys import HsmSigner
from acs.key_files import generate_keys
from acs.parts import prepare
from acs.value_keys import hsm_use, value_keys
from tests import hsm as tokens
from tests import signing
from tests.hsm import softhsm
from tests.story.conftest import log_lines

if TYPE_CHECKING:
    from pathlib import Path

    from acs.value_keys import HsmUse
    from tests.hsm import SoftHsm

__all__ = ["log_lines", "softhsm"]
GOOD = ("visa-1", "mc-1", "local")


def settings_for(token: SoftHsm, folder: Path, *ids: str, **given: object) -> config.Settings:
    """Write a file with keys of the token, and settings that lead there."""
    rows: Any = tokens.value_file()["keys"]
    chosen = [row for row in rows if row["id"] in (ids or GOOD)]
    (folder / "values.json").touch(0o600)
    (folder / "values.json").write_text(json.dumps({"keys": chosen}))
    return config.read(
        given={
            "profile": "demo",
            "data_dir": str(folder),
            "keys.authentication_values": str(folder / "values.json"),
            "hsm.module": str(token.module),
            "hsm.token": tokens.TOKEN,
            "hsm.pin_file": str(token.pin_file),
            **{name.replace("__", "."): value for name, value in given.items()},
        }
    )


def use_of(settings: config.Settings, *signers: HsmSigner) -> HsmUse | None:
    return hsm_use(settings, value_keys(settings), signers)


def refused(settings: config.Settings, *signers: HsmSigner) -> tuple[str, ...]:
    """Give the sentences that refuse a start."""
    with pytest.raises(ConfigError) as error:
        found = use_of(settings, *signers)
        assert found is not None
        found.judge(must_be_there=False)
    return error.value.sentences


def signer(label: str = "ec", name: str = "acs") -> HsmSigner:
    return HsmSigner(label, [signing.leaf(signing.ec_key(name)), signing.root()])


def with_mode(folder: Path, mode: int, row: dict[str, str]) -> config.Settings:
    file = folder / "values.json"
    file.write_text(json.dumps({"keys": [row]}))
    file.chmod(mode)
    return config.read(
        given={
            "profile": "demo",
            "data_dir": str(folder),
            "keys.authentication_values": str(file),
        }
    )


@pytest.mark.parametrize("state", ["active", "staged", "verify-only"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_with_keys_that_others_may_read_is_refused(
    tmp_path: Path, mode: int, state: str
) -> None:
    row = {
        "id": "visa-1",
        "kind": "3des",
        "state": state,
        "hex": "0123456789ABCDEFFEDCBA9876543210",
    }
    settings = with_mode(tmp_path, mode, row)

    with pytest.raises(ConfigError) as error:
        value_keys(settings)

    where = f"keys.authentication_values: {tmp_path}/values.json"
    assert error.value.sentences == (f"{where} is open to others: its mode must be 0400 or 0600",)
    assert value_keys(with_mode(tmp_path, 0o600, row)).state("visa-1") == state


def test_a_file_that_only_names_keys_in_the_hsm_may_be_read(tmp_path: Path) -> None:
    row = {"id": "mc", "kind": "hmac", "state": "active", "hsm": "iav", "kcv": "012345"}

    assert value_keys(with_mode(tmp_path, 0o644, row)).state("mc") == "active"


def test_what_is_there_and_right_is_found(softhsm: SoftHsm, tmp_path: Path) -> None:
    found = use_of(settings_for(softhsm, tmp_path), signer(), signer())
    assert found is not None
    assert [key.label for key in found.keys] == ["iav-1", "cavv-1", "ec"]
    assert found.faults() == {}
    found.judge(must_be_there=True)


def test_the_patience_is_that_of_the_settings(softhsm: SoftHsm, tmp_path: Path) -> None:
    given = {"hsm__timeout_ms": 120, "hsm__queue_max": 7, "hsm__start_s": 3}
    found = use_of(settings_for(softhsm, tmp_path, **given))
    assert found is not None
    patience = found.patience
    assert (patience.ask_s, patience.queue_max, patience.start_s) == (0.12, 7, 3)


def test_without_keys_in_it_no_hsm_is_used(softhsm: SoftHsm, tmp_path: Path) -> None:
    assert use_of(settings_for(softhsm, tmp_path, "local")) is None


def test_keys_in_an_hsm_that_nobody_named_are_refused(tmp_path: Path) -> None:
    (tmp_path / "values.json").touch(0o600)
    (tmp_path / "values.json").write_text(json.dumps(tokens.value_file()))
    settings = config.read(
        given={
            "profile": "demo",
            "data_dir": str(tmp_path),
            "keys.authentication_values": str(tmp_path / "values.json"),
        }
    )
    (sentence,) = refused(settings)
    assert sentence.startswith("keys in the HSM are named (loose, mc-1, other, torn, visa-0")
    assert sentence.endswith("but hsm.module names none")


def test_every_key_at_fault_is_told_at_once(softhsm: SoftHsm, tmp_path: Path) -> None:
    settings = settings_for(softhsm, tmp_path, "torn", "other", "loose", "mc-1")
    loose, other, torn, signing_key = refused(settings, signer(name="another"))
    says = "its check value is"
    assert loose.endswith("loose may leave the HSM: it must be SENSITIVE and not EXTRACTABLE")
    assert other.endswith(f"{says} 08D7B4 and D5D44F, the file says 000000 and D5D44F")
    assert torn.endswith(f"{says} 08D7B4 and A68CDC, the file says 08D7B4 and D5D44F")
    assert signing_key == "key ec of the HSM: it is not the key of the certificate"


def test_two_keys_under_one_label_are_refused(softhsm: SoftHsm, tmp_path: Path) -> None:
    settings = settings_for(softhsm, tmp_path, "visa-1", "visa-2")
    assert refused(settings) == ("two keys have one label in the HSM",)


def test_a_pin_that_others_may_read_is_refused(softhsm: SoftHsm, tmp_path: Path) -> None:
    pin_file = tmp_path / "pin"
    where = f"hsm.pin_file: {pin_file}"
    settings = settings_for(softhsm, tmp_path, hsm__pin_file=str(pin_file))
    assert refused(settings) == (f"{where} cannot be read: No such file or directory",)
    pin_file.write_text(tokens.PIN)
    pin_file.chmod(0o640)
    (sentence,) = refused(settings)
    assert sentence == f"{where} is open to others: its mode must be 0400 or 0600"


def test_a_refused_pin_refuses_to_start(softhsm: SoftHsm, tmp_path: Path) -> None:
    pin_file = tmp_path / "pin"
    pin_file.write_text("wrong-pin-3141")
    pin_file.chmod(0o400)
    settings = settings_for(softhsm, tmp_path, hsm__pin_file=str(pin_file))
    assert refused(settings) == ("the HSM cannot be used: the HSM refuses the PIN (PinIncorrect)",)


def test_a_module_that_is_none_refuses_to_start(softhsm: SoftHsm, tmp_path: Path) -> None:
    settings = settings_for(softhsm, tmp_path, hsm__module="/nowhere/lib.so")
    (sentence,) = refused(settings)
    assert "hsm.module is no PKCS#11 module that can be loaded" in sentence


def test_an_hsm_that_is_away_is_told_and_waited_for(
    softhsm: SoftHsm, tmp_path: Path, log_lines: list[str]
) -> None:
    found = use_of(settings_for(softhsm, tmp_path, hsm__token="another"))
    assert found is not None
    found.judge(must_be_there=False)
    assert any('"hsm:away"' in line for line in log_lines)
    with pytest.raises(ConfigError, match="the HSM shows no token with the label another"):
        found.judge(must_be_there=True)


def test_without_the_package_a_start_says_which(
    softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acs.value_keys.find_spec", lambda _: None)
    (sentence,) = refused(settings_for(softhsm, tmp_path))
    assert sentence.startswith("hsm.module needs the package python-pkcs11")


def test_a_process_that_needs_no_key_of_it_does_not_look(softhsm: SoftHsm, tmp_path: Path) -> None:
    settings = settings_for(softhsm, tmp_path, hsm__module="/nowhere/lib.so")
    generate_keys(settings.keys_dir)
    assert prepare(settings, ("portal", "ops")).hsm is None
    for edges in ((), ("ds",), ("cardholder",)):
        with pytest.raises(ConfigError, match="no PKCS#11 module"):
            prepare(settings, edges)


def test_the_commands_look_too(
    softhsm: SoftHsm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(softhsm, tmp_path)
    options = Namespace(action="list", config=None)
    assert checking.judge(options, settings) == 0
    generate_keys(settings.keys_dir)
    commands.keys(options, settings)
    said = capsys.readouterr().out
    assert "value visa-1: 3des, active, in the HSM as cavv-1, check value 08D7B4" in said
    assert "hsm cavv-1: 3des, found and right" in said
    assert "hsm iav-1: hmac, found and right" in said
    away = settings_for(softhsm, tmp_path, hsm__token="another")
    with pytest.raises(terminal.NotNow, match="the HSM cannot be used"):
        commands.keys(options, away)
    with pytest.raises(ConfigError, match="the HSM cannot be used"):
        checking.judge(options, away)
