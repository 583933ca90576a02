"""The programs of other projects that a failover needs, where they are, and what is missing."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PGBOUNCER_LEAST = (1, 21)  # keeps prepared statements apart since then


@dataclass(frozen=True, slots=True)
class Tools:
    """Where each one is; `pgbouncer` is None where none is new enough."""

    etcd: str
    patroni: str
    patronictl: str
    haproxy: str
    postgres: Path
    """The folder of PostgreSQL's programs."""
    pgbouncer: str | None


class Missing(Exception):
    """Programs that are not installed; the text says what to do."""


def find() -> Tools:
    """Find them; ETCD, PATRONI, PATRONICTL, HAPROXY, PGBOUNCER name others. Raises Missing."""
    names = ("etcd", "patroni", "patronictl", "haproxy")
    found = {name: _which(name) for name in names}
    postgres = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_rewind"), key=lambda one: int(one.parts[4])
    )
    absent = [name for name, place in found.items() if place is None]
    if not postgres:
        absent.append("postgresql")
    if absent:
        message = (
            f"not installed: {', '.join(absent)}. Debian: apt-get install --no-install-recommends "
            "haproxy patroni etcd-server postgresql"
        )
        raise Missing(message)
    places = {name: str(place) for name, place in found.items()}
    return Tools(**places, postgres=postgres[-1].parent, pgbouncer=_pgbouncer())


def _which(name: str) -> str | None:
    folders = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which(os.environ.get(name.upper(), name), path=folders)


def _pgbouncer() -> str | None:
    place = _which("pgbouncer")
    if place is None:
        return None
    said = subprocess.run(  # noqa: S603 - a program found above
        [place, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"(\d+)\.(\d+)", said)
    is_new = version is not None and (int(version[1]), int(version[2])) >= _PGBOUNCER_LEAST
    return place if is_new else None
