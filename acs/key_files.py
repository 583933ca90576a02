"""The keys of the service in files: read at the start, made once for a place that has none.

``<dir>/<purpose>/<key id>.key`` holds 64 hex digits and may be read by its owner only. A
rotation is one more file and, in ``keys.active``, the name of the one that makes new values.

Laws:
- A key is never shown: not in an error, not in a log, not by repr.
- Production makes no keys by itself; with a database that knows other keys, fresh ones would make
  every sealed value unreadable without a word.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from acs import log
from acs.config import ConfigError
from acs.secret_files import private
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from acs.config import Settings

_KEY_BYTES = 32
_FIRST_ID = "k1"
_SUFFIX = ".key"


def load_keys(settings: Settings) -> Keys:
    """Read every key ring; profile demo makes those that are missing. Raises ConfigError."""
    if settings.profile == "demo":
        generate_keys(settings.keys_dir)
    rings: dict[str, KeyRing] = {}
    faults: list[str] = []
    unknown = set(settings.keys.active) - set(Keys.PURPOSES)
    if unknown:
        faults.append(f"keys.active names {', '.join(sorted(unknown))}, which is no purpose")
    for purpose in Keys.PURPOSES:
        try:
            rings[purpose] = _ring(settings.keys_dir / purpose, purpose, settings.keys.active)
        except ConfigError as error:
            faults.extend(error.sentences)
        except OSError as error:  # such as a folder of another account's
            faults.append(f"{error.filename} cannot be read: {error.strerror}")
    if faults:
        raise ConfigError(tuple(faults))
    return Keys(**rings)


def generate_keys(folder: Path) -> list[str]:
    """Make one key for each purpose that has none; give the purposes. Others are left alone.

    Raises ConfigError where none can be made.
    """
    made: list[str] = []
    try:
        for purpose in Keys.PURPOSES:
            place = folder / purpose
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(place.glob(f"*{_SUFFIX}")):
                continue
            with contextlib.suppress(FileExistsError):  # another process was faster; its key counts
                add_key(place, _FIRST_ID)
                made.append(purpose)
        if made:
            folder.chmod(0o700)
    except OSError as error:
        sentence = f"keys.dir: {error.filename or folder}: {error.strerror}"
        raise ConfigError((sentence,)) from error
    if made:
        log.event("keys:generated", purpose=" ".join(made), folder=str(folder))
    return made


def add_key(place: Path, key_id: str) -> None:
    """Write a fresh key under an id; raises FileExistsError rather than overwrite one."""
    path = place / f"{key_id}{_SUFFIX}"
    draft = place / f"{key_id}.{secrets.token_hex(4)}.draft"
    # Secret: opened for its owner only from the first moment on, never widened.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)  # appears whole, or not at all when the name is taken
    finally:
        draft.unlink()


def _ring(place: Path, purpose: str, active: Mapping[str, str]) -> KeyRing:
    files = sorted(place.glob(f"*{_SUFFIX}"))
    if not files:
        message = f"no key for {purpose}: {place} is empty; `acs keys generate` makes one"
        raise ConfigError((message,))
    keys = {file.name.removesuffix(_SUFFIX): _key(file) for file in files}
    chosen = active.get(purpose)
    if chosen is None and len(keys) > 1:
        message = f"keys.active.{purpose} must say which of {', '.join(sorted(keys))} makes values"
        raise ConfigError((message,))
    chosen = chosen if chosen is not None else next(iter(keys))
    try:
        return KeyRing(chosen, keys)
    except ValueError as error:
        raise ConfigError((f"keys of {purpose}: {error}",)) from error


def _key(file: Path) -> bytes:
    content = private(file, "keys.dir")
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError((f"{file} does not hold {2 * _KEY_BYTES} hex digits",))
    return key
