"""The programs of other projects that a failover needs, where they are, and what is missing."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDERS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_PGBOUNCER_LEAST = (1, 21)  # keeps prepared statements apart since then
_PATRONI_LEAST = (3, 1)
"""Older ones write their lock without looking: a primary that stood still takes it back from its
successor, and with it what that one had acknowledged (patroni/patroni#2689)."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where each one is; `pgbouncer` is None where none is new enough."""

    etcd: str
    patroni: str
    haproxy: str
    postgres: Path
    """The folder of PostgreSQL's programs."""
    pgbouncer: str | None


class Missing(Exception):
    """Programs that are not installed; the text says what to do."""


def find() -> Tools:
    """Find them; ETCD, PATRONI, HAPROXY, PGBOUNCER name others. Raises Missing."""
    names = ("etcd", "patroni", "haproxy")
    found = {name: _which(name) for name in names}
    postgres = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_rewind"), key=lambda one: int(one.parts[4])
    )
    absent = [name for name, place in found.items() if place is None]
    if not postgres:
        absent.append("postgresql")
    patroni = found["patroni"]
    if patroni is not None and not _is_new(patroni, _PATRONI_LEAST):
        absent.append("patroni 3.1 or newer")
    if absent:
        message = (
            f"not installed: {', '.join(absent)}. Debian 13: apt-get install haproxy patroni "
            "etcd-server postgresql, all with --no-install-recommends. For Debian 12 Patroni is "
            "in PyPI (patroni[etcd3], psycopg[binary]); PATRONI=/path/to/patroni names it"
        )
        raise Missing(message)
    places = {name: str(place) for name, place in found.items()}
    return Tools(**places, postgres=postgres[-1].parent, pgbouncer=pgbouncer())


def _which(name: str) -> str | None:
    return shutil.which(os.environ.get(name.upper(), name), path=FOLDERS)


def pgbouncer() -> str | None:
    """Find one that keeps prepared statements apart."""
    place = _which("pgbouncer")
    return place if place is not None and _is_new(place, _PGBOUNCER_LEAST) else None


def _is_new(place: str, least: tuple[int, int]) -> bool:
    said = subprocess.run(  # noqa: S603 - a program found above
        [place, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= least
