"""From settings to the keys of the authentication values, and to those of them that an HSM holds.

A start looks at the HSM once, before anybody listens. What only a person can change refuses to
start; an HSM that is away does not, for a process that comes back meanwhile has others to answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from acs import log
from acs.config import ConfigError
from acs.crypto.software import BadKeyFile, SoftwareKey, SoftwareKeys
from acs.hsm.driver import Hsm
from acs.hsm.keys import HsmSigner, HsmValueKeys, wanted
from acs.hsm.link import NotReached, Place, probe
from acs.hsm.session import Patience
from acs.secret_files import refuse_if_open

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acs.config import Settings
    from acs.crypto.software import KeyInHsm
    from acs.hsm.link import HsmKey

_VALUES = "keys.authentication_values"


def value_keys(settings: Settings) -> SoftwareKeys:
    """Read the keys of the authentication values; without a file there are none, and no Y."""
    try:
        is_there = settings.values_file.exists()
    except OSError as error:  # such as a folder of another account's
        sentence = f"{_VALUES}: {settings.values_file} cannot be read: {error.strerror}"
        raise ConfigError((sentence,)) from error
    if not is_there:
        if settings.keys.authentication_values is not None:
            sentence = f"{_VALUES}: {settings.values_file} is not there"
            raise ConfigError((sentence,))
        log.event("keys:missing", level=logging.WARNING, purpose="authentication_values")
        return SoftwareKeys(())
    try:
        values = SoftwareKeys.from_file(settings.values_file)
    except BadKeyFile as error:
        raise ConfigError((f"{_VALUES}: {settings.values_file}: {error}",)) from error
    if any(isinstance(key, SoftwareKey) for key in values.listed()):
        refuse_if_open(settings.values_file, _VALUES)
    return values


@dataclass(frozen=True, slots=True)
class HsmUse:
    """Where the HSM is, and what it is wanted for."""

    place: Place
    patience: Patience
    in_file: tuple[KeyInHsm, ...]
    signers: tuple[HsmSigner, ...]

    @property
    def keys(self) -> tuple[HsmKey, ...]:
        """Give what is looked for."""
        signing = {one.label: one.key() for one in self.signers}
        return (*(wanted(one) for one in self.in_file), *signing.values())

    def open(self) -> tuple[Hsm, HsmValueKeys]:
        """Make this process's way to the HSM, not yet begun, and the value keys behind it."""
        hsm = Hsm(self.place, self.keys, self.patience)
        for signer in self.signers:
            signer.reach(hsm)
        return hsm, HsmValueKeys(hsm, self.in_file)

    def faults(self) -> dict[str, str]:
        """Look at the HSM once; gives what is wrong with keys, by label. Raises NotReached."""
        return probe(self.place, self.keys, self.patience.start_s)

    def judge(self, *, must_be_there: bool) -> None:
        """Raise ConfigError for what is wrong; an HSM that is away only if it must be there."""
        try:
            faults = self.faults()
        except NotReached as failure:
            if must_be_there or failure.is_lasting:
                raise ConfigError((f"the HSM cannot be used: {failure}",)) from failure
            log.event("hsm:away", level=logging.ERROR, reason=str(failure))
            return
        if faults:
            raise ConfigError(
                tuple(f"key {label} of the HSM: {why}" for label, why in faults.items())
            )


def hsm_files(settings: Settings) -> None:
    """Judge the files that reach the HSM, before any key lives in it too. Raises ConfigError."""
    module, pin_file = settings.hsm.module, settings.hsm.pin_file
    if module is None or pin_file is None:
        return
    faults = []
    if not module.is_absolute():
        faults.append(f"hsm.module is {module}: what gets the PIN is named by its whole path")
    for name, file in {"hsm.module": module, "hsm.pin_file": pin_file}.items():
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            faults.append(f"{name}: {file} cannot be read: {error.strerror}")
    if faults:
        raise ConfigError(tuple(faults))
    refuse_if_open(pin_file, "hsm.pin_file")


def hsm_use(settings: Settings, values: SoftwareKeys, signers: Iterable[object]) -> HsmUse | None:
    """Give what the HSM is wanted for; None where it is for nothing. Raises ConfigError.

    ``signers`` are all that sign towards SDKs; those in the HSM are found among them.
    """
    given = settings.hsm
    in_file = values.in_hsm()
    signing = tuple(one for one in signers if isinstance(one, HsmSigner))
    if not in_file and not signing:
        return None
    if given.module is None or given.token is None or given.pin_file is None:
        names = ", ".join([*(one.key_id for one in in_file), *(one.label for one in signing)])
        raise ConfigError((f"keys in the HSM are named ({names}), but hsm.module names none",))
    labels = [*(one.label for one in in_file), *{one.label for one in signing}]
    if len(set(labels)) != len(labels):
        raise ConfigError(("two keys have one label in the HSM",))
    if find_spec("pkcs11") is None:
        raise ConfigError(("hsm.module needs the package python-pkcs11: see docs/operate/hsm.md",))
    refuse_if_open(given.pin_file, "hsm.pin_file")
    return HsmUse(
        Place(given.module, given.token, given.pin_file),
        Patience(
            ask_s=given.timeout_ms / 1000,
            start_s=given.start_s,
            queue_max=given.queue_max,
            sessions=given.sessions,
        ),
        in_file,
        signing,
    )
