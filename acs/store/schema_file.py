"""The whole schema as one file to read: ``schemas/db/schema.sql``, written by ``make schema``.

It is what ``pg_dump`` says of a database made by all migrations, without what differs between two
releases of that program. A test loads it and demands the same database again.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

import asyncpg

from acs.store import migrate
from acs.store.embedded import EmbeddedPostgres
from acs.store.postgres_binaries import find

FILE = migrate.FOLDER.parent / "schema.sql"
"""Where the schema is written to."""

_HEAD = """\
-- The whole schema: the sum of the migrations, written by `make schema`. Do not edit; to change the
-- schema add a migration. Grants are in roles.sql.

"""
_SESSION = re.compile(r"^(SET |SELECT pg_catalog\.set_config|\\).*\n", re.MULTILINE)
_REMARKS = re.compile(r"^--.*\n", re.MULTILINE)


def dump(dsn: str) -> str:
    """Give the schema of a database as SQL; raises CalledProcessError."""
    command: list[str | Path] = [
        find().folder / "pg_dump",
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        "--exclude-table=public.schema_migration",
        "--exclude-table=*.*_p[0-9][0-9][0-9][0-9]_[0-9][0-9]",  # months: they come and go
        f"--dbname={dsn}",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    text = _REMARKS.sub("", _SESSION.sub("", answer.stdout))
    return _HEAD + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


async def _migrated(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await migrate.apply(conn)
    finally:
        await conn.close()


def main() -> None:
    """Write the file from a database made for it."""
    with tempfile.TemporaryDirectory(prefix="acs-schema-") as folder:
        place = Path(folder)
        place.chmod(0o711)  # as root PostgreSQL runs under another account
        server = EmbeddedPostgres.start(place)
        try:
            asyncio.run(_migrated(server.dsn))
            FILE.write_text(dump(server.dsn), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
