"""The same two statements sent by pgbench: PostgreSQL's own load generator, without Python.

pgbench knows numbers and texts only. So what belongs to an AReq is made of one random number by the
statement itself, what belongs to a card is taken from a list of constants by another, and every
other parameter is a text that PostgreSQL reads as what the service would have sent. Both numbers
are parameters of prepared statements, as the rest is.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from acs.store.postgres_binaries import NoPostgres, find
from loadtests.bench.statements import TRANSACTION, CardFacts, Mark, Place, Statement

_PLACE = re.compile(r"\$([0-9]+)")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_PROGRESS = re.compile(r"progress: ([0-9.]+) s, ([0-9.]+) tps")
_ID_MAX = 2**63 - 1
_SESSION = "-c plan_cache_mode=force_generic_plan -c jit=off"
"""As acs.store.pool sets it."""

_OF_NOW = (
    "(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')"
    " || '4' || left(md5((:id)::text), 3) || '8' || right(md5((:id)::text), 15))::uuid"
)
"""An id as acs.transaction.acs_trans_id_at makes it: 48 bits of time in front, the rest chance."""


class PgbenchFailed(Exception):
    """pgbench did not do its work; the message is its last words."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script of pgbench and the variables it is started with."""

    text: str
    variables: Mapping[str, str]


def program() -> Path | None:
    """Find pgbench: beside the PostgreSQL that is used, else on the path."""
    try:
        beside = find().folder / "pgbench"
    except NoPostgres:
        beside = Path()
    if beside.is_file():
        return beside
    found = shutil.which("pgbench")
    return None if found is None else Path(found)


def script(exchange: Sequence[Statement], cards: Sequence[CardFacts]) -> Script:
    """Write the statements of an AReq as a script that takes another card each time."""
    variables: dict[str, str] = {}
    lines = [f"\\set n random(1, {len(cards)})", f"\\set id random(1, {_ID_MAX})"]

    def said(place: Place, value: object, number: int, of: Statement) -> str:
        if place in of.marks:
            return _exchanged(of.marks[place], cards)
        if value is None:
            return "NULL"
        if value == "":
            return "''"  # pgbench takes no variable for it
        if isinstance(value, list | tuple) and any(key[: len(place)] == place for key in of.marks):
            parts = [said((*place, n), each, number, of) for n, each in enumerate(value)]
            # An array of rows: the type it is read as is written behind it.
            inner = ", ".join(parts)
            return f"ROW({inner})" if len(place) > 1 else f"ARRAY[{inner}]"
        name = f"s{number}p{'_'.join(map(str, place))}"
        variables[name] = text(value)
        return f":{name}"

    for number, statement in enumerate(exchange):
        sql = _COMMENT.sub("", statement.sql)

        def given(match: re.Match[str], number: int = number, of: Statement = statement) -> str:
            place = int(match.group(1)) - 1
            return said((place,), of.args[place], number, of)

        lines.append(f"{_PLACE.sub(given, sql)};")
    return Script("\n".join(lines) + "\n", variables)


def _exchanged(mark: Mark, cards: Sequence[CardFacts]) -> str:
    if mark.name in TRANSACTION:
        made = _OF_NOW if mark.name == "acs" else f"md5((:id)::text || '{mark.name}')::uuid"
    else:
        kind = "bytea" if mark.name == "pan_idx" else "uuid"
        every = text([getattr(card, mark.name) for card in cards])
        made = f"('{every}'::{kind}[])[(:n)::int]"
    return f"({made})::text" if mark.is_text else made


def text(value: object) -> str:
    """Write a value as PostgreSQL reads it where its type is known."""
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_element, value)) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(value)


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    escaped = text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def rate(
    pgbench: Path, dsn: str, made: Script, *, connections: int, seconds: float, folder: Path
) -> float:
    """Give how many runs of the script a second are done, the first second left out.

    In the first second each connection is made and each statement planned. Raises PgbenchFailed.
    """
    file = folder / "pgbench.sql"
    await asyncio.to_thread(file.write_text, made.text, "utf-8")
    options = [part for name, value in made.variables.items() for part in ("-D", f"{name}={value}")]
    whole = max(round(seconds), 1) + 1
    process = await asyncio.create_subprocess_exec(
        str(pgbench), "-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-P", "1",
        "-T", str(whole), "-f", str(file), *options, *_address(dsn),
        env=os.environ | {"PGOPTIONS": _SESSION},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode("utf-8", "replace")
    rates = [float(tps) for _, tps in _PROGRESS.findall(said)][1:]
    if process.returncode != 0 or not rates:
        raise PgbenchFailed(said[-1000:])
    return sum(rates) / len(rates)


def _address(dsn: str) -> list[str]:
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    found = {
        "-h": parts.hostname or query.get("host", [""])[0],
        "-p": str(parts.port or query.get("port", ["5432"])[0]),
        "-U": parts.username or "",
    }
    given = [part for name, value in found.items() if value for part in (name, value)]
    return [*given, parts.path.lstrip("/")]
