"""The command line: serve, work, demo, migrate, seed, import, keys, audit, branch and others.

A wrong option or setting ends with a clear sentence and exit code 2; a database or key that is not
there with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# A hangup asks a supervisor for new workers. Until it has any there is nothing to do, for they read
# everything anew. But it must outlive that, also in the second that loading what follows takes.
if any(word.startswith("--workers") for word in sys.argv):
    signal.signal(signal.SIGHUP, lambda *_: None)

from acs import VERSION, app, checking, commands, config, importing, preview, stock
from acs.branch import command as branch
from acs.conformance import command as conformance
from schemas.api import uuid_of
from schemas.counter_api import STAFF_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from acs.config import Settings

USAGE_ERROR = 2
_CLIENTS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None]], ...] = (
    ("branch", "do what a counter does for a client, over the enrolment API", branch.add_options),
    (
        "conformance",
        "run the conformance cases against an ACS, ours or another",
        conformance.add_options,
    ),
    ("preview", "draw every challenge page of a theme into a folder", preview.add_options),
)

# They need none of our settings.
_APART: dict[str, Callable[[argparse.Namespace], int]] = {
    "branch": lambda options: branch.main(options, app.utc_now),
    "conformance": conformance.main,
    "preview": preview.main,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    options = _parser().parse_args(argv)
    apart = _APART.get(options.command)
    if apart is not None:
        return apart(options)
    run: Callable[[argparse.Namespace, Settings], int] = options.run
    try:
        settings = config.read(options.config, os.environ, options.implies)
    except config.ConfigError as error:
        for sentence in error.sentences:
            sys.stderr.write(f"acs: {sentence}\n")
        return USAGE_ERROR
    try:
        return run(options, settings)
    except config.ConfigError as error:
        for sentence in error.sentences:
            sys.stderr.write(f"acs: {sentence}\n")
        return USAGE_ERROR
    except commands.NotNow as error:
        sys.stderr.write(f"acs: {error}\n")
        return commands.NOT_NOW


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="acs", description="EMV 3-D Secure Access Control Server", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"acs {VERSION}")
    every = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    every.add_argument("--config", type=Path, metavar="FILE", help="settings, TOML (or ACS_CONFIG)")
    add = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str,
        says: str,
        run: Callable[[argparse.Namespace, Settings], int],
        implies: dict[str, object] | None = None,
    ) -> argparse.ArgumentParser:
        one = add.add_parser(name, help=says, description=says, parents=[every], allow_abbrev=False)
        one.set_defaults(run=run, implies=implies or {})
        return one

    _serve_options(
        command("serve", "listen on the edges; with all of them, work too", commands.serve)
    )
    says = "deliver results and messages, run timers and housekeeping"
    _work_options(command("work", says, commands.work))
    command(
        "demo",
        "the whole service and a small payment network, seeded",
        commands.demo,
        {"profile": "demo"},
    )
    _migrate_options(
        command("migrate", "bring the database to this version's schema", commands.migrate)
    )
    command(
        "check-config",
        "judge the settings, theme files and signing certificates without starting",
        checking.judge,
    )
    stock.add_options(
        command("seed", "load card ranges from TOML; make up clients and payments", stock.run)
    )
    _loaded_options(command("consents", "load the words that clients agree to", commands.consents))
    _products_options(command("products", "load what card products allow", commands.products))
    keys = command("keys", "make, add and list keys; never shows one", commands.keys)
    keys.add_argument("action", choices=("generate", "add", "list"), help="what to do")
    keys.add_argument("purpose", nargs="?", help="with add: the purpose, such as pan_index")
    keys.add_argument("key_id", nargs="?", help="with add: the id of the new key")
    audit = command("audit", "verify the audit log's hashes and chain", commands.audit)
    audit.add_argument("action", choices=("verify",), help="what to do")
    audit.add_argument(
        "--expect", metavar="SEQ:HEX", help="a link kept elsewhere, which must still be there"
    )
    _evidence_options(command("evidence", "show what a payment rests on", commands.show_evidence))
    importing.add_options(
        command("import", "bring in persons, accounts, cards from a file", importing.run)
    )
    command("show-tables", "print the challenge machine as Markdown", commands.show_tables)
    for name, says, add_options in _CLIENTS:
        add_options(add.add_parser(name, help=says, description=says, allow_abbrev=False))
    return parser


def _evidence_options(evidence: argparse.ArgumentParser) -> None:
    evidence.add_argument("action", choices=("show",), help="what to do")
    evidence.add_argument("acs_trans_id", type=_uuid, metavar="ACSTRANSID", help="which one")


def _migrate_options(migrate: argparse.ArgumentParser) -> None:
    migrate.add_argument(
        "--pre",
        action="store_true",
        help="only what the version before runs on as well: before a roll-out",
    )


def _loaded_options(loaded: argparse.ArgumentParser) -> None:
    loaded.add_argument("action", choices=("load",), help="what to do")
    loaded.add_argument("file", type=Path, help="the TOML file")


def _products_options(products: argparse.ArgumentParser) -> None:
    _loaded_options(products)
    products.add_argument(
        "--staff", type=_staff, required=True, help="who loads it, for the audit log"
    )


def _work_options(work: argparse.ArgumentParser) -> None:
    work.add_argument(
        "--edge",
        action="append",
        choices=("ops",),
        metavar="ops",
        help="ops, to answer the operators on ops.listen; without it nobody sees what it counts",
    )
    work.add_argument(
        "--restored",
        action="store_true",
        help="the database was brought back to an earlier state: first end what was open then",
    )


def _serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--edge",
        action="append",
        choices=commands.EDGES,
        metavar="NAME",
        help=f"one of {', '.join(commands.EDGES)}; several times if need be; default: all;"
        " receipts is left out where no provider reports",
    )
    serve.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes under a supervisor that replaces them at SIGHUP; default: one, without it",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:  # noqa: PLR2004 - more cores than any box
        message = f"{text} is not a number from 1 to 64"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _staff(text: str) -> str:
    if not re.fullmatch(STAFF_PATTERN, text):
        message = f"{text} is no member of staff: letters, digits and . _ : @ -, at most 64"
        raise argparse.ArgumentTypeError(message)
    return text


def _uuid(text: str) -> UUID:
    found = uuid_of(text)
    if found is None:
        message = f"{text} is not an acsTransID"
        raise argparse.ArgumentTypeError(message)
    return found


if __name__ == "__main__":
    sys.exit(main())
