"""A SoftHSM2 token of the tests, brought up as a ceremony would, and its misbehaving twin.

Debian and Ubuntu have it as ``softhsm2``. Where it is missing these tests are skipped, unless
ACS_TEST_REQUIRE_HSM is set: then that is a failure.
"""

from __future__ import annotations

import hmac
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from acs.hsm.link import Place
from loadtests.hsm import softhsm as softhsm2
from loadtests.hsm.softhsm import Pins, Token
from tests import signing

if TYPE_CHECKING:
    from pathlib import Path

    from acs.crypto.signer import SigningKey

PIN, SO_PIN, TOKEN = "hsm-pin-6407", "hsm-so-pin-9911", "acs"
CVV_HEX = "0123456789ABCDEFFEDCBA9876543210"
HMAC_HEX = "B039878C1F96D212F509B2DC4CC8CD1B"
HMAC_KCV = hmac.digest(bytes.fromhex(HMAC_HEX), b"", "sha256")[:3].hex().upper()


def _des(label: str, halves: str, **attributes: bool) -> dict[str, object]:
    key = "".join({"a": CVV_HEX[:16], "b": CVV_HEX[16:]}[half] for half in halves)
    return softhsm2.des3(label, key, **attributes)


KEYS = (
    _des("cavv-1", "aba"),
    _des("cavv-1-first", "aaa"),
    _des("cavv-2", "aba"),
    _des("cavv-2-first", "aaa"),
    _des("loose", "aba", EXTRACTABLE=True),
    _des("loose-first", "aaa"),
    _des("torn", "aba"),
    _des("torn-first", "bbb"),
    _des("idle", "aba", ENCRYPT=False),
    _des("idle-first", "aaa"),
    softhsm2.mac("iav-1", HMAC_HEX),
    softhsm2.mac("twice", HMAC_HEX),
    softhsm2.mac("twice", HMAC_HEX),
)
"""What the token holds beside the signing keys ``ec`` and ``rsa``, and what is wrong with it."""


def value_file() -> dict[str, object]:
    """Give a file of authentication-value keys that leads to the token, right and wrong."""
    visa = {"kind": "3des", "state": "active", "kcv": "08d7b4", "kcv_first": "D5D44F"}
    mac = {"kind": "hmac", "state": "active", "kcv": HMAC_KCV}
    return {
        "keys": [
            {"id": "visa-1", "hsm": "cavv-1", **visa},
            {"id": "visa-2", "hsm": "cavv-1", **visa, "state": "staged"},
            {"id": "visa-0", "hsm": "cavv-1", **visa, "state": "verify-only"},
            {"id": "torn", "hsm": "torn", **visa},
            {"id": "other", "hsm": "cavv-2", **visa, "kcv": "000000"},
            {"id": "loose", "hsm": "loose", **visa},
            {"id": "mc-1", "hsm": "iav-1", **mac},
            {"id": "local", "kind": "hmac", "state": "active", "hex": HMAC_HEX},
        ]
    }


@dataclass(frozen=True)
class SoftHsm:
    """A token: its module, its folder, the file with its PIN."""

    module: Path
    folder: Path
    pin_file: Path

    @property
    def place(self) -> Place:
        """Say where it is, as the service wants to know it."""
        return Place(self.module, TOKEN, self.pin_file)

    def misbehaving(self, control: Path) -> Place:
        """Say where the same token is behind a module that does what a file says."""
        command = (sys.executable, "-m", "loadtests.hsm.misbehaving", str(control))
        return Place(self.module, TOKEN, self.pin_file, command)


@pytest.fixture
def softhsm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Give the token of this process; SOFTHSM2_CONF names it."""
    module = softhsm2.module()
    if module is None:
        if os.environ.get("ACS_TEST_REQUIRE_HSM"):
            pytest.fail("no SoftHSM2 here, and ACS_TEST_REQUIRE_HSM is set")
        pytest.skip("no SoftHSM2 here (Debian: softhsm2)")
    if module not in _MADE:
        _MADE[module] = _brought_up(module, tmp_path_factory.mktemp("softhsm"))
    made = _MADE[module]
    monkeypatch.setenv("SOFTHSM2_CONF", str(made.folder / "softhsm2.conf"))
    return made


_MADE: dict[Path, SoftHsm] = {}
"""What this process brought up: once is enough."""


def _brought_up(module: Path, folder: Path) -> SoftHsm:
    signs: dict[str, SigningKey] = {"ec": signing.ec_key(), "rsa": signing.rsa_key()}
    files = {label: folder / f"{label}.pem" for label in signs}
    for label, key in signs.items():
        files[label].write_bytes(signing.key_pem(key))
    token = Token(module, folder, TOKEN)
    softhsm2.bring_up(token, Pins(PIN, SO_PIN), KEYS, files)
    return SoftHsm(module, folder, token.pin_file)
