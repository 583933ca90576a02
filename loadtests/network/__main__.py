"""`python -m loadtests.network`: the payment network as a process of its own."""

import argparse
import logging
import sys
from pathlib import Path

from aiohttp import web

from loadtests.network.app import build

_SHUTDOWN_S = 2.0
_USAGE_ERROR = 2


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.network",
        description="The demo's payment network: shop, 3DS Server, Directory Server and phone.",
    )
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="default %(default)s"
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="where browsers and the Access Control Server reach it; default http://<listen>",
    )
    parser.add_argument(
        "--ds-edge",
        default="http://127.0.0.1:8081",
        metavar="URL",
        help="the Access Control Server's edge for Directory Servers; default %(default)s",
    )
    parser.add_argument(
        "--method-url",
        metavar="URL",
        help="the bank's 3DS Method, which the shop runs before an AReq; without it none is run",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("var/demo"),
        metavar="DIR",
        help="where the test cards are kept; default %(default)s",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; 0 after SIGTERM or SIGINT, 2 for a wrong option."""
    options = _arguments().parse_args(argv)
    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - a TCP port
        print(f"--listen {options.listen}: not HOST:PORT", file=sys.stderr)
        return _USAGE_ERROR
    # The starter may be gone, and with it the other end of our output: never die of a log line.
    logging.raiseExceptions = False
    logging.basicConfig(level=logging.WARNING)
    state = options.state.resolve()
    app = build(
        base_url=options.public_url or f"http://{options.listen}",
        ds_edge=options.ds_edge,
        state=state,
        method_url=options.method_url,
    )
    try:
        web.run_app(
            app,
            host=host.strip("[]"),
            port=int(port),
            access_log=None,  # its lines would hold phone numbers
            print=None,
            shutdown_timeout=_SHUTDOWN_S,
        )
    except OSError as error:
        print(f"Cannot listen on {options.listen}: {error.strerror}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
