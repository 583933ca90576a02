"""`python -m loadtests.chaos`: break the service for a while, heal it, count the laws."""

import argparse
import asyncio
import contextlib
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.chaos.run import WORST_S, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 when a law is broken."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of faults under load, at most")
    parser.add_argument("--faults", type=int, default=None, help="end after so many")
    parser.add_argument("--kills", type=int, help="end after so many kill -9 of processes")
    parser.add_argument("--crashes", type=int, default=0, help="and so many of PostgreSQL")
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--each", action="store_true", help="first every fault once")
    parser.add_argument(
        "--kinds", action="store_true", help="every fault once, until it was felt; with --clocks"
    )
    parser.add_argument("--clocks", action="store_true", help="clocks step by an hour; hurries")
    parser.add_argument("--rate", type=float, help="further AReqs a second that need no challenge")
    parser.add_argument("--share", type=float, help="the same, of the saturation, found first")
    parser.add_argument("--least", type=int, default=20, help="payments answered, at least")
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--lanes", type=int, default=10, help="payments at the same time")
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument(
        "--disk-mb", type=int, help="a disk for the database that gets full (Linux, as root)"
    )
    parser.add_argument("--hurry", action="store_true", help="put the database's clocks forward")
    parser.add_argument(
        "--soak",
        type=Path,
        metavar="DIR",
        help="write soak.jsonl and soak.svg; one process of each kind is spared",
    )
    parser.add_argument("--calm", type=float, default=1.0, help="pauses between faults, times so")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    options = parser.parse_args(argv)
    options.clocks |= options.kinds
    if options.seed is None:
        options.seed = int(time.time())
    if isinstance(sys.stdout, io.TextIOWrapper):  # a run that is broken off has told so far
        sys.stdout.reconfigure(line_buffering=True)
    print(f"seed {options.seed}")
    print(
        f"load for {options.seconds:.0f} s at most; its end and the laws: {WORST_S:.0f} s at most"
    )
    folder = Path(tempfile.mkdtemp(prefix="acs-chaos-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    broken = True
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        laws = asyncio.run(run(options, folder))
        broken = any(law.broken for law in laws)
        print(f"\nseed {options.seed}: {'a law is BROKEN' if broken else 'every law holds'}")
    if options.keep or broken:
        print(f"logs in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
