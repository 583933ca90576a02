"""The HSM of a site: what is kept in it, how it misbehaves, and the laws of those who need it.

In it are Visa's key of authentication values and what signs for apps; Mastercard's key is a file.
So a browser's AReq for a Mastercard needs nothing of it. It is SoftHSM2 behind a module that does
what a file says.
"""

import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acs.crypto import cavv
from loadtests.chaos.laws import Law
from loadtests.chaos.parties import Ledger
from loadtests.chaos.squeeze import INSIDE
from loadtests.hsm import softhsm
from loadtests.network.purchases import Message

_VALUE_LABEL, _SIGN_LABEL = "cavv-1", "sdk-1"
_VISA, _APP, _V210 = "4", "01", "2.1.0"
_NO_SIGNATURE = "03"
_SAID = re.compile(rb'"event":"hsm:(ready|away|resting|answering)","pid":(\d+)')

Span = tuple[float, float]
"""From when to when the module was ill and nothing else was disturbed, monotonic seconds."""


@dataclass(slots=True)
class SiteHsm:
    """A token, its module, and when the module was ill."""

    token: softhsm.Token
    control: Path
    spans: list[Span] = field(default_factory=list)

    def behave(self, mode: str) -> None:
        """Say how the module behaves from its next call on: well, hang, error."""
        softhsm.behave(self.control, mode)

    @property
    def environment(self) -> dict[str, str]:
        """Give what a program must be started with that uses it."""
        return {
            "ACS_HSM__MODULE": str(self.token.module),
            "ACS_HSM__TOKEN": self.token.label,
            "ACS_HSM__PIN_FILE": str(self.token.pin_file),
            "ACS_HSM__SESSIONS": "2",
            "SOFTHSM2_CONF": str(self.token.config),
            "CHAOS_HSM": str(self.control),
            "PYTHONPATH": str(INSIDE),
        }


def move_in(module: Path, folder: Path, values: Path, environment: Mapping[str, str]) -> SiteHsm:
    """Bring a token up, put keys of the site into it, and take their bytes off the disk."""
    token = softhsm.Token(module, folder / "hsm", "chaos")
    content = json.loads(values.read_text(encoding="utf-8"))
    (visa,) = (one for one in content["keys"] if one["kind"] == "3des")
    key = str(visa.pop("hex"))
    left, right = key[:16], key[16:]
    visa |= {
        "hsm": _VALUE_LABEL,
        "kcv": cavv.check_value(cavv.CvvKey(bytes.fromhex(key))),
        "kcv_first": cavv.check_value(cavv.CvvKey(bytes.fromhex(left + left))),
    }
    (server,) = json.loads(environment["ACS_DS__DIRECTORY_SERVERS"])
    signing = Path(server["sdk_signing_key"])
    softhsm.bring_up(
        token,
        softhsm.Pins(secrets.token_hex(8), secrets.token_hex(8)),
        [
            softhsm.des3(_VALUE_LABEL, left + right + left),
            softhsm.des3(f"{_VALUE_LABEL}-first", left * 3),
        ],
        {_SIGN_LABEL: signing},
    )
    signing.unlink()
    values.write_text(json.dumps(content), encoding="utf-8")
    made = SiteHsm(token, folder / "hsm" / "mode")
    made.behave("well")
    return made


def with_hsm(environment: Mapping[str, str], hsm: SiteHsm) -> dict[str, str]:
    """Give the settings of a program whose keys are in the HSM."""
    (server,) = json.loads(environment["ACS_DS__DIRECTORY_SERVERS"])
    server["sdk_signing_key"] = f"pkcs11:{_SIGN_LABEL}"
    servers = {"ACS_DS__DIRECTORY_SERVERS": json.dumps([server])}
    return {**environment, **servers, **hsm.environment}


def needs_it(areq: Message) -> bool:
    """Tell whether an AReq may need a key of the HSM."""
    return str(areq["acctNumber"]).startswith(_VISA) or areq["deviceChannel"] == _APP


def is_felt(ledger: Ledger, first: int, began: float) -> bool:
    """Tell whether an illness had its effect and no other: asks from the `first` on are looked at.

    Somebody who needs a key was told U, and somebody who needs none was answered as ever; both
    asked after it began, and it is not over.
    """
    told = [
        (needs_it(ledger.asked[one.key]), ledger.answered[one.key][0]["transStatus"] == "U")
        for one in ledger.asks[first:]
        if one.began >= began and one.told == "ARes"
    ]
    return (True, True) in told and (False, False) in told


def said(log: bytes) -> Iterable[tuple[int, str]]:
    """Find in a log what processes of the service say of the HSM: their ids, and the word."""
    return ((int(one[2]), one[1].decode()) for one in _SAID.finditer(log))


def is_used(words: Sequence[str]) -> bool:
    """Tell by what a process said, oldest first, whether it asks the HSM and is answered."""
    reached = [one for one in words if one in {"ready", "away"}]
    rests = [one for one in words if one in {"resting", "answering"}]
    return reached[-1:] == ["ready"] and rests[-1:] != ["resting"]


# The laws.


def unharmed(ledger: Ledger, spans: Sequence[Span]) -> Law:
    """See that nobody who needs no key of the HSM is told U for it, or an error."""
    free = {key for key, areq in ledger.asked.items() if not needs_it(areq)}
    broken = [f"{key}: U" for key in free if _status(ledger, key) == "U"]
    broken += _errors(ledger, spans, free)
    return Law("who needs no key of the HSM does not notice its faults", len(free), broken)


def told_why(ledger: Ledger, spans: Sequence[Span]) -> Law:
    """See that who needs a key is answered as the protocol has it: U and its reason, no error."""
    bound = {key for key, areq in ledger.asked.items() if needs_it(areq)}
    broken = []
    for key in bound:
        ares = ledger.answered[key][0] if _status(ledger, key) == "U" else {}
        if ares and ares.get("transStatusReason") not in _reasons(ledger.asked[key]):
            broken.append(f"{key}: U, reason {ares.get('transStatusReason')}")
    broken += _errors(ledger, spans, bound)
    return Law("who needs a key of the HSM gets it, or U with its reason", len(bound), broken)


def used_again(words: Mapping[int, Sequence[str]], alive: Collection[int]) -> Law:
    """See that whoever lost the HSM and lives has it again: it was never started anew."""
    lost = [pid for pid in alive if {"away", "resting"} & set(words.get(pid, ()))]
    broken = [f"process {pid}: {words[pid][-1]}" for pid in lost if not is_used(words[pid])]
    return Law("who lost the HSM has it again, without a restart", len(lost), broken)


def _status(ledger: Ledger, key: str) -> object:
    return ledger.answered[key][0]["transStatus"] if key in ledger.answered else None


def _reasons(areq: Message) -> set[str]:
    value = "07" if areq["messageVersion"] == _V210 else "22"
    return {value, _NO_SIGNATURE} if areq["deviceChannel"] == _APP else {value}


def _errors(ledger: Ledger, spans: Sequence[Span], keys: Collection[str]) -> list[str]:
    """Find errors that were told while nothing but the HSM was ill."""
    return [
        f"{one.key}: {one.told}"
        for one in ledger.asks
        if one.key in keys
        and one.told.startswith("Erro")
        and any(begin <= one.began and one.ended <= end for begin, end in spans)
    ]
