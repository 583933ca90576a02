"""What holds at the end of every story, whatever happened in it.

One outcome per challenge, told once; a Y only after a code that was used; never more attempts than
allowed; the limits' counters are the sum of what is held and counted; the shop's screen never says
more than the network knows; nobody's number, code or PIN lies anywhere in clear.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.chaos.tables import AT_ANY_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.story.world import World

_FRACTION = re.compile(r"\.\d+(e[+-]\d+)?$", re.MULTILINE)
SCHEMAS = ("acs", "otp", "enrollment", "audit")
OPEN = frozenset({"400551", "400000", "020301", "020200", "360000", "900000"})
"""Six digits that messages say openly, of names and of amounts: a code may be one by chance."""


async def broken(world: World) -> list[str]:
    """Name every law that does not hold in a world, with the first thing that breaks it."""
    found = list(world.directory.faults)
    for law, query in AT_ANY_TIME.items():
        row = await world.db.fetchrow(query)
        if row is not None:
            found.append(f"{law}: {row[0]}")
    found += await _told_as_decided(world)
    found += _told_the_shop(world)
    found += await in_clear(world)
    return found


async def _told_as_decided(world: World) -> list[str]:
    """See that the Directory Server accepted what was decided, and nothing else."""
    rows = await world.db.fetch(
        "SELECT acs_trans_id::text, outcome_status, outcome_reason, outcome_cancel, cres_status"
        " FROM acs.transaction WHERE trans_status = 'C'"
    )
    decided = {row[0]: row for row in rows}
    found = []
    for acs_trans_id, raw in world.directory.accepted.items():
        row, told = decided[acs_trans_id], json.loads(raw)
        said = (told["transStatus"], told.get("transStatusReason"), told.get("challengeCancel"))
        if said != tuple(row)[1:4]:
            found.append(f"told {said}, decided {tuple(row)[1:4]}: {acs_trans_id}")
    for acs_trans_id, row in decided.items():
        confirmed = acs_trans_id in world.directory.accepted
        if row["cres_status"] == "Y" and not (confirmed and row["outcome_status"] == "Y"):
            found.append(f"the shop was shown a Y the network does not have: {acs_trans_id}")
    return found


def _told_the_shop(world: World) -> list[str]:
    """See that every final page of a challenge carried the same message."""
    return [
        f"different final messages: {acs_trans_id}"
        for acs_trans_id, messages in world.finals.items()
        if any(message != messages[0] for message in messages)
    ]


async def in_clear(world: World) -> list[str]:
    """Name every secret of the world's people that lies in the database, logs or metrics."""
    secrets = list(world.secrets())
    found = []
    for place, text in [*await dump(world), *world.told()]:
        found += [f"{one.kind} in {place}" for one in secrets if one.is_in(text)]
    return found


async def dump(world: World) -> list[tuple[str, str]]:
    """Give every table of every schema as text; binary columns also as the text they would be."""
    tables = await world.db.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)", SCHEMAS
    )
    found = []
    for schema, table in tables:
        rows = await world.db.fetch(f'SELECT t::text FROM "{schema}"."{table}" t')
        text = "\n".join(row[0] for row in rows)
        found.append((f"{schema}.{table}", text))
        raw = b" ".join(bytes.fromhex(one) for one in re.findall(r"\\x((?:[0-9a-f]{2})+)", text))
        found.append((f"{schema}.{table} (bytes)", raw.decode("latin-1")))
    return found


@dataclass(frozen=True)
class Trace:
    """A text that would betray a secret; ``bounded``: not as a part of a longer number."""

    kind: str
    text: str
    bounded: bool = False

    def is_in(self, text: str) -> bool:
        """Tell whether it is there."""
        if self.text not in text:
            return False
        return not self.bounded or _bounded(self.text).search(text) is not None


def traces(kind: str, secret: str) -> Iterator[Trace]:
    """Give what would betray a secret: itself, and in the usual disguises."""
    raw = secret.encode()
    yield Trace(kind, secret, bounded=True)
    yield Trace(f"{kind} in hex", raw.hex())
    for shift in range(3):  # base64 has three looks, by where the text begins
        coded = base64.b64encode(bytes(shift) + raw)[shift and shift + 1 :].rstrip(b"=").decode()
        yield Trace(f"{kind} in base64", coded[:-1] if (len(raw) + shift) % 3 else coded)


def told_by_metrics(text: str) -> str:
    """Give metrics without the fractions of samples: six digits of a time look like a code."""
    return _FRACTION.sub("", text)


def _bounded(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9a-fA-F]){re.escape(text)}(?![0-9a-fA-F])")
