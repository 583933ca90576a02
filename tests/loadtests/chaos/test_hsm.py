"""Each law of those who need the HSM finds what breaks it; the module is spoilt in its helper."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from acs.crypto.software import SoftwareKeys
from acs.hsm.link import CHECKED, COMMAND
from loadtests.chaos import hsm
from loadtests.chaos.parties import Ask, Ledger
from tests import signing
from tests.hsm import softhsm
from tests.tidy.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loadtests.chaos.laws import Law
    from tests.hsm import SoftHsm

__all__ = ["softhsm"]
SPANS = [(10.0, 20.0)]
VISA, MASTERCARD, IN_APP, OLD = "visa", "mastercard", "app", "old"
AREQS: dict[str, dict[str, object]] = {
    VISA: {"acctNumber": "4000001", "deviceChannel": "02", "messageVersion": "2.2.0"},
    MASTERCARD: {"acctNumber": "5200001", "deviceChannel": "02", "messageVersion": "2.2.0"},
    IN_APP: {"acctNumber": "5200001", "deviceChannel": "01", "messageVersion": "2.3.1"},
    OLD: {"acctNumber": "4000001", "deviceChannel": "02", "messageVersion": "2.1.0"},
}


def well() -> Ledger:
    """Give what the world knows after an illness in which everybody was told what is due."""
    ledger = Ledger()
    ledger.asked |= AREQS
    tell(ledger, VISA, "U", "22")
    tell(ledger, MASTERCARD, "Y")
    tell(ledger, IN_APP, "U", "03")
    tell(ledger, OLD, "U", "07")
    return ledger


def tell(ledger: Ledger, key: str, status: str, reason: str | None = None) -> None:
    ledger.answered[key] = [{"transStatus": status, "transStatusReason": reason}]
    ledger.asks.append(Ask(key, 11.0, 12.0, "ARes"))


def erro(key: str, began: float, ended: float) -> Callable[[Ledger], None]:
    return lambda ledger: ledger.asks.append(Ask(key, began, ended, "Erro 403"))


BREAKS: dict[str, tuple[Callable[..., Law], Callable[[Ledger], None]]] = {
    "U without need": (hsm.unharmed, lambda ledger: tell(ledger, MASTERCARD, "U", "22")),
    "an error without need": (hsm.unharmed, erro(MASTERCARD, 13.0, 14.0)),
    "an error for who needs it": (hsm.told_why, erro(VISA, 13.0, 14.0)),
    "another reason": (hsm.told_why, lambda ledger: tell(ledger, VISA, "U", "03")),
    "a reason of later versions": (hsm.told_why, lambda ledger: tell(ledger, OLD, "U", "22")),
    "no reason": (hsm.told_why, lambda ledger: tell(ledger, IN_APP, "U")),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_breaks_a_law_is_found(what: str) -> None:
    look, spoil = BREAKS[what]
    assert look(well(), SPANS).broken == []
    assert look(well(), SPANS).cases > 0
    ledger = well()
    spoil(ledger)
    assert look(ledger, SPANS).broken != []


@pytest.mark.parametrize("law", [hsm.unharmed, hsm.told_why])
@pytest.mark.parametrize(("began", "ended"), [(9.0, 12.0), (19.0, 21.0), (21.0, 22.0)])
def test_an_error_in_other_troubles_is_not_the_hsms(
    law: Callable[..., Law], began: float, ended: float
) -> None:
    ledger = well()
    for key in AREQS:
        erro(key, began, ended)(ledger)
    assert law(ledger, SPANS).broken == []


@pytest.mark.parametrize(
    ("words", "is_well"),
    [
        (["ready", "away", "ready"], True),
        (["ready", "resting", "away", "ready", "answering"], True),
        (["ready", "away"], False),
        (["ready", "away", "away"], False),
        (["ready", "resting", "away", "ready"], False),
    ],
)
def test_who_does_not_have_it_again_is_found(words: list[str], *, is_well: bool) -> None:
    assert (hsm.used_again({7: words, 8: ["ready"]}, [7, 8]).broken == []) is is_well
    assert hsm.used_again({7: words, 8: ["ready"]}, [7, 8]).cases == 1
    assert hsm.used_again({7: words, 8: ["ready"]}, [8]).cases == 0


def test_who_never_had_it_does_not_use_it() -> None:
    assert not hsm.is_used([])


def test_what_processes_say_is_found_in_the_log() -> None:
    log = (
        b'{"at":"x","level":"info","event":"hsm:ready","pid":7}\n'
        b'{"at":"x","level":"error","event":"hsm:away","pid":8,"reason":"its process ended"}\n'
        b'{"at":"x","level":"warning","event":"hsm:failed","error":"DeviceError"}\n'
    )
    assert list(hsm.said(log)) == [(7, "ready"), (8, "away")]


def test_an_illness_is_felt_by_those_who_need_the_hsm_and_no_others() -> None:
    ledger = Ledger()
    ledger.asked |= AREQS
    tell(ledger, MASTERCARD, "Y")
    assert not hsm.is_felt(ledger, 0, 10.0)
    tell(ledger, VISA, "Y")
    assert not hsm.is_felt(ledger, 0, 10.0)
    tell(ledger, OLD, "U", "07")
    assert hsm.is_felt(ledger, 0, 10.0)
    assert not hsm.is_felt(ledger, 0, 11.5)  # asked before it began
    assert not hsm.is_felt(ledger, 1, 10.0)


def a_site(softhsm: SoftHsm, folder: Path) -> tuple[hsm.SiteHsm, Path, Path]:
    """Give an HSM with the keys of a site, the file of keys, and where the signing key was."""
    values, signs = folder / "values.json", folder / "acs.key"
    keys: list[dict[str, Any]] = [
        {"id": "visa-1", "kind": "3des", "state": "active", "hex": "0123456789ABCDEF" * 2},
        {"id": "mastercard-1", "kind": "hmac", "state": "active", "hex": "00" * 32},
    ]
    values.touch(0o600)
    values.write_text(json.dumps({"keys": keys}))
    signs.write_bytes(signing.key_pem(signing.ec_key()))
    server = {"id": "chaos", "sdk_signing_key": str(signs)}
    settings = {"ACS_DS__DIRECTORY_SERVERS": json.dumps([server])}
    return hsm.move_in(softhsm.module, folder, values, settings), values, signs


def helped(made: hsm.SiteHsm) -> dict[str, Any]:
    """Start the service's own helper as a process of the site does; gives what it says."""
    wanted = {
        "module": str(made.token.module), "token": made.token.label,
        "pin_file": str(made.token.pin_file), "keys": [["cavv-1", "3des"], ["sdk-1", "ec"]],
        "digest": CHECKED.hex(),
    }  # fmt: skip
    given = {**os.environ, **made.environment}
    environment = {name: value for name, value in given.items() if not name.startswith("ACS_")}
    done = subprocess.run(
        COMMAND, input=json.dumps(wanted) + "\n", env=environment, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def test_keys_move_into_the_hsm_and_their_module_can_be_ill(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    made, values, signs = a_site(softhsm, tmp_path)

    assert not signs.exists()
    assert "0123456789ABCDEF" not in values.read_text()
    (visa,) = SoftwareKeys.from_file(values).in_hsm()
    told = helped(made)
    assert told["faults"] == {}
    assert told["checks"]["cavv-1"].upper().startswith(visa.check_value)
    made.behave("error")
    assert "DeviceError" in helped(made)["fault"]
    made.behave("well")
    assert helped(made) | {"checks": {}} == {"checks": {}, "faults": {}}


def test_a_token_that_a_killed_login_left_empty_is_found_again(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    made, _, _ = a_site(softhsm, tmp_path)
    (token,) = made.token.folder.glob("tokens/*/token.object")
    whole = token.read_bytes()
    token.write_bytes(b"")

    assert helped(made)["faults"] == {}
    assert len(token.read_bytes()) == len(whole)


def test_a_program_is_told_where_its_keys_are(softhsm: SoftHsm, tmp_path: Path) -> None:
    made, _, signs = a_site(softhsm, tmp_path)
    before = {"A": "1", "ACS_DS__DIRECTORY_SERVERS": json.dumps([{"sdk_signing_key": str(signs)}])}
    told = hsm.with_hsm(before, made)

    assert told["A"] == "1"
    assert json.loads(told["ACS_DS__DIRECTORY_SERVERS"])[0]["sdk_signing_key"] == "pkcs11:sdk-1"
    assert told["ACS_HSM__MODULE"] == str(softhsm.module)
