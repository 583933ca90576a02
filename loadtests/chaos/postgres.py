"""`python -m loadtests.chaos.postgres DIR [NAME=VALUE]...`: a PostgreSQL that may be killed.

Starts the server of DIR with these settings, prints its socket and its process id, and stops it
when its standard input closes. A process of its own, because the server ends with the thread that
started it, and because starting blocks.
"""

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from acs.store.embedded import EmbeddedPostgres

_START_S = 240.0


def main() -> int:
    """Run it."""
    given = dict(one.split("=", 1) for one in sys.argv[2:])
    settings = {"max_connections": "200"} | given
    server = EmbeddedPostgres.start(Path(sys.argv[1]), settings, timeout_s=_START_S)
    try:
        folder = parse_qs(urlsplit(server.dsn).query)["host"][0]
        print(f"{folder}/.s.PGSQL.5432 {server.pid}", flush=True)
        sys.stdin.read()
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
