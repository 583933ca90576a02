"""The database's log as one that has stood for a while has it: files at hand, to be used again.

While PostgreSQL makes a new file of its log every commit waits. A database that was just made has
to make all of them; one that is kept as docs/operate/production.md says, hardly any.
"""

import asyncpg

KEPT = "min_wal_size=2GB"
"""What production.md asks for at this pace."""
_MESSAGE_BYTES = 1 << 20


async def at_hand(dsn: str) -> int:
    """Write as much log as is kept and have it set free; gives the files that are there then.

    ``dsn``: of a role that may make a checkpoint.
    """
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            "SELECT count(pg_logical_emit_message(false, 'bench', repeat('-', $1::integer)))"
            " FROM generate_series(1, pg_size_bytes(current_setting('min_wal_size')) / $1)",
            _MESSAGE_BYTES,
        )
        await conn.execute("CHECKPOINT")
        files: int = await conn.fetchval("SELECT count(*) FROM pg_ls_waldir()")
    finally:
        await conn.close()
    return files
