"""The command line: serve, work, demo, migrate, seed, import, keys, audit, branch and others.

A wrong option or setting ends with a clear sentence and exit code 2; a database or key that is not
there with exit code 1. A command loads what it needs itself and no more: the whole service takes a
second or two.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# A hangup asks a supervisor for new workers. Until it has any there is nothing to do, for they read
# everything anew. But it must outlive that, also in the second that loading what follows takes.
if any(word.startswith("--workers") for word in sys.argv):
    signal.signal(signal.SIGHUP, lambda *_: None)

from acs import VERSION
from acs.command import Apart, Command

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2
SAYS = {
    "serve": "listen on the edges; with all of them, work too",
    "work": "deliver results and messages, run timers and housekeeping",
    "demo": "the whole service and a small payment network, seeded",
    "migrate": "bring the database to this version's schema",
    "check-config": "judge the settings, theme files and signing certificates without starting",
    "seed": "load card ranges from TOML; make up clients and payments",
    "consents": "load the words that clients agree to",
    "products": "load what card products allow",
    "keys": "make, add and list keys; never shows one",
    "audit": "verify the audit log's hashes and chain",
    "evidence": "show what a payment rests on",
    "import": "bring in persons, accounts, cards from a file",
    "show-tables": "print the challenge machine as Markdown",
    "branch": "do what a counter does for a client, over the enrolment API",
    "conformance": "run the conformance cases against an ACS, ours or another",
    "preview": "draw every challenge page of a theme into a folder",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    words = sys.argv[1:] if argv is None else argv
    named = next((word for word in words if word in SAYS), None)
    if named is None:
        parser().parse_args(words)  # ends with the help, the version or what is wrong
        return USAGE_ERROR
    command = _load(named)
    options = parser(named, command).parse_args(words)
    _open_what_is_closed()
    try:
        code = _run(command, options)
    except BrokenPipeError:  # whoever read what we say has gone, as `head` does
        from acs import terminal

        terminal.say_no_more()
        return terminal.NOT_NOW
    return code


def parser(named: str = "", command: Command | Apart | None = None) -> argparse.ArgumentParser:
    """Give the parser of all commands, with the options of the one that is named."""
    made = argparse.ArgumentParser(
        prog="acs", description="EMV 3-D Secure Access Control Server", allow_abbrev=False
    )
    made.add_argument("--version", action="version", version=f"acs {VERSION}")
    add = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, says in SAYS.items():
        one = add.add_parser(name, help=says, description=says, allow_abbrev=False)
        if command is None or name != named:
            continue
        if isinstance(command, Command):
            one.add_argument(
                "--config", type=Path, metavar="FILE", help="settings, TOML (or ACS_CONFIG)"
            )
        command.add_options(one)
    return made


def _load(name: str) -> Command | Apart:
    match name:
        case "serve" | "work" | "demo":
            from acs import serving

            return serving.COMMANDS[name]
        case "check-config":
            from acs import checking

            return Command(checking.judge)
        case "seed":
            from acs import stock

            return Command(stock.run, stock.add_options)
        case "import":
            from acs import importing

            return Command(importing.run, importing.add_options)
        case "branch":
            from acs.branch import command as branch
            from acs.clock import utc_now

            return Apart(lambda options: branch.main(options, utc_now), branch.add_options)
        case "conformance":
            from acs.conformance import command as conformance

            return Apart(conformance.main, conformance.add_options)
        case "preview":
            from acs import preview

            return Apart(preview.main, preview.add_options)
        case _:
            from acs import commands

            return commands.COMMANDS[name]


def _open_what_is_closed() -> None:
    """Let what is said have somewhere to go; else a socket might get the number of an output."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _run(command: Command | Apart, options: argparse.Namespace) -> int:
    from acs import config, terminal

    try:
        if isinstance(command, Apart):  # tells what it has to say at its end
            with contextlib.redirect_stdout(io.StringIO()) as said:
                code = command.run(options)
            terminal.put(said.getvalue())
        else:
            settings = config.read(options.config, os.environ, command.implies)
            code = command.run(options, settings)
    except config.ConfigError as error:
        for sentence in error.sentences:
            sys.stderr.write(f"acs: {sentence}\n")
        return USAGE_ERROR
    except terminal.NotNow as error:
        sys.stderr.write(f"acs: {error}\n")
        return terminal.NOT_NOW
    return code


if __name__ == "__main__":
    sys.exit(main())
