"""The helper as a process, over a real token: what it finds, answers, and never says."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from acs.crypto import cavv
from acs.hsm.link import CHECKED, COMMAND
from tests import hsm
from tests.hsm import softhsm

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hsm import SoftHsm

__all__ = ["softhsm"]


def told(at: SoftHsm, keys: list[list[str]], *lines: object, **other: str) -> list[Any]:
    """Run the helper with what is wanted and questions; gives what it said, line by line."""
    wanted = {
        "module": str(at.module),
        "token": hsm.TOKEN,
        "pin_file": str(at.pin_file),
        "keys": keys,
        "digest": CHECKED.hex(),
        **other,
    }
    done = subprocess.run(
        COMMAND,
        input="".join(json.dumps(one) + "\n" for one in (wanted, *lines)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert hsm.PIN not in done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_kind_of_key_is_found_and_shows_what_only_it_can(softhsm: SoftHsm) -> None:
    keys = [["cavv-1", "3des"], ["iav-1", "hmac"], ["ec", "ec"], ["rsa", "rsa"]]
    (ready,) = told(softhsm, keys)
    assert ready["faults"] == {}
    assert ready["checks"]["cavv-1"].startswith("08d7b4")
    assert ready["checks"]["cavv-1"][16:].startswith("d5d44f")
    assert len(ready["checks"]["iav-1"]) == 64
    assert len(ready["checks"]["ec"]) == 128
    assert len(ready["checks"]["rsa"]) == 512


@pytest.mark.parametrize(
    ("pan", "four", "three", "digits"),
    [
        ("4123456789012345", "8701", "101", "561"),
        ("4999988887777000", "9105", "111", "245"),
        ("4666655554444111", "9206", "120", "664"),
        ("4333322221111222", "9307", "141", "382"),
        ("4123456789012345", "7993", "700", "972"),
        ("12344123456789012345", "7993", "700", "972"),
        ("412345678901234", "0001", "002", "201"),
        ("4123456789012345678", "0001", "002", "731"),
    ],
)
def test_published_digits(softhsm: SoftHsm, pan: str, four: str, three: str, digits: str) -> None:
    block = cavv.cvv_block(pan, four, three)
    _, (word, answer) = told(softhsm, [["cavv-1", "3des"]], ["cavv-1", block])
    assert word == "ok"
    assert cavv.decimalise(bytes.fromhex(answer)) == digits
    assert cavv.cvv(cavv.CvvKey(bytes.fromhex(hsm.CVV_HEX)), block) == digits


def test_a_published_hmac(softhsm: SoftHsm) -> None:
    message = "2226400099919520FFFF943C94EF4F2408402C1C0497"
    _, (word, answer) = told(softhsm, [["iav-1", "hmac"]], ["iav-1", message])
    published = "18620655A469C3EC4124E19BBD95733BD13A8ABFF63D7FF045E3B166649EC1E6"
    assert (word, answer.upper()) == ("ok", published)


def test_a_check_is_given_again(softhsm: SoftHsm) -> None:
    ready, (word, answer) = told(softhsm, [["iav-1", "hmac"]], ["iav-1", None])
    assert (word, answer) == ("ok", ready["checks"]["iav-1"])


@pytest.mark.parametrize(
    ("label", "kind", "says"),
    [
        ("nobody", "hmac", "the token holds no secret_key with the label nobody"),
        ("iav-1", "3des", "the token holds no secret_key with the label iav-1-first"),
        ("cavv-1", "ec", "the token holds no private_key with the label cavv-1"),
        ("loose", "3des", "loose may leave the HSM: it must be SENSITIVE and not EXTRACTABLE"),
        ("twice", "hmac", "the HSM refuses to use it (MultipleObjectsReturned)"),
        ("cavv-1", "hmac", "the HSM refuses to use it (KeyTypeInconsistent)"),
        ("idle", "3des", "idle must not be used so: it needs ENCRYPT"),
    ],
)
def test_a_key_at_fault_is_named_and_the_others_are_served(
    softhsm: SoftHsm, label: str, kind: str, says: str
) -> None:
    (ready,) = told(softhsm, [[label, kind], ["ec", "ec"]])
    assert ready["faults"] == {label: says}
    assert set(ready["checks"]) == {"ec"}


@pytest.mark.parametrize(
    ("other", "fault", "is_lasting"),
    [
        ({"module": "/nowhere/lib.so"}, "hsm.module is no PKCS#11 module", True),
        ({"token": "another"}, "the HSM shows no token with the label another", False),
        ({"pin_file": "/nowhere/pin"}, "hsm.pin_file cannot be read (FileNotFoundError)", True),
    ],
)
def test_what_stands_in_the_way_is_one_sentence(
    softhsm: SoftHsm, other: dict[str, str], fault: str, is_lasting: bool
) -> None:
    (said,) = told(softhsm, [], **other)
    assert said["fault"].startswith(fault)
    assert said["lasting"] is is_lasting


def test_a_refused_pin_is_lasting_and_not_told(softhsm: SoftHsm, tmp_path: Path) -> None:
    pin_file = tmp_path / "pin"
    pin_file.write_text("wrong-pin-3141")
    (said,) = told(replace(softhsm, pin_file=pin_file), [])
    assert said == {"fault": "the HSM refuses the PIN (PinIncorrect)", "lasting": True}


def test_what_a_module_prints_is_no_answer(softhsm: SoftHsm, tmp_path: Path) -> None:
    control = tmp_path / "mode"
    control.write_text("chatty")
    place = softhsm.misbehaving(control)
    wanted = {
        "module": str(place.module), "token": place.token, "pin_file": str(place.pin_file),
        "keys": [["iav-1", "hmac"]], "digest": CHECKED.hex(),
    }  # fmt: skip
    done = subprocess.run(
        place.command, input=json.dumps(wanted) + "\n", capture_output=True, text=True, check=True
    )
    assert [*json.loads(done.stdout)] == ["checks", "faults"]
    assert '["ok", "00"]' in done.stderr
