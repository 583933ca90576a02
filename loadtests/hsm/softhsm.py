"""A SoftHSM2 token, brought up as a ceremony would.

Debian and Ubuntu have it as ``softhsm2``. It is software and protects nothing.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_MODULES = (
    "/usr/lib/softhsm",
    "/usr/lib/*/softhsm",
    "/usr/local/lib/softhsm",
    "/opt/*/lib/softhsm",
)

_KEPT = ".kept"


def module() -> Path | None:
    """Find the module; None where it, its tool or python-pkcs11 is missing."""
    found = [path for one in _MODULES for path in Path("/").glob(f"{one[1:]}/libsofthsm2.so")]
    is_whole = shutil.which("softhsm2-util") is not None and find_spec("pkcs11") is not None
    return found[0] if found and is_whole else None


@dataclass(frozen=True, slots=True)
class Token:
    """A token in a folder of its own."""

    module: Path
    folder: Path
    label: str

    @property
    def pin_file(self) -> Path:
        """Give the file with its user's PIN."""
        return self.folder / "pin"

    @property
    def config(self) -> Path:
        """Give what SOFTHSM2_CONF must name."""
        return self.folder / "softhsm2.conf"


@dataclass(frozen=True, slots=True)
class Pins:
    """The PINs of a token's user and of its security officer."""

    user: str
    officer: str


def bring_up(
    token: Token,
    pins: Pins,
    secret: Sequence[Mapping[str, object]],
    signing: Mapping[str, Path],
) -> None:
    """Make a token: ``secret`` keys as `ceremony` reads them, ``signing`` ones in PEM by label."""
    (token.folder / "tokens").mkdir(parents=True)
    token.config.write_text(
        f"directories.tokendir = {token.folder}/tokens\nobjectstore.backend = file\n"
    )
    token.pin_file.write_text(f"{pins.user}\n")
    token.pin_file.chmod(0o400)
    environment = {**os.environ, "SOFTHSM2_CONF": str(token.config)}

    def util(*arguments: str) -> None:
        subprocess.run(  # noqa: S603 - our own arguments
            [shutil.which("softhsm2-util") or "", *arguments, "--pin", pins.user],
            env=environment, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    util("--init-token", "--free", "--label", token.label, "--so-pin", pins.officer)
    for number, (label, pem) in enumerate(signing.items(), 1):
        util("--import", str(pem), "--token", token.label, "--label", label, "--id", f"0{number}")
    told = {
        "module": str(token.module), "token": token.label, "pin": pins.user, "keys": [*secret],
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "loadtests.hsm.ceremony"],
        input=json.dumps(told), text=True, env=environment, check=True,
    )  # fmt: skip

    keep(token.folder)


def keep(folder: Path) -> None:
    """Keep a copy of each token of ``folder``, for `put_back`."""
    for token in _files(folder):
        shutil.copyfile(token, token.with_suffix(_KEPT))


def put_back(folder: Path) -> None:
    """Put back what SoftHSM lost, before it reads its tokens; where nothing was kept, do nothing.

    It writes a token's file anew at every login. Killed while it does, it leaves the file empty,
    and nobody finds the token any more: no HSM of a bank forgets its keys for that.
    """
    for token in _files(folder):
        kept = token.with_suffix(_KEPT)
        if kept.exists() and token.stat().st_size != kept.stat().st_size:
            draft = token.with_suffix(f".{os.getpid()}")
            shutil.copyfile(kept, draft)
            draft.rename(token)


def _files(folder: Path) -> list[Path]:
    return [*folder.glob("tokens/*/token.object")]


def behave(control: Path, mode: str) -> None:
    """Say how a module of `misbehaving` behaves from its next call on."""
    draft = control.with_suffix(".draft")
    draft.write_text(mode)
    draft.rename(control)


def des3(label: str, key_hex: str, **attributes: bool) -> dict[str, object]:
    """Say how a 3DES key of three parts is put in."""
    return {"label": label, "kind": "des3", "hex": key_hex, "attributes": attributes}


def mac(label: str, key_hex: str) -> dict[str, object]:
    """Say how an HMAC key is put in: filled with zeros to 32 bytes."""
    return {"label": label, "kind": "hmac", "hex": key_hex.ljust(64, "0"), "attributes": {}}
