"""`python -m loadtests.import_cards`: make a file of cards, import it, report time and memory.

Run by hand. Each card has a person with identification number and phone, and an account of its
own, which is the dearest case: three lines a card. The import is the command an operator runs, as
a process of its own, on an embedded PostgreSQL with its durable settings; the time is that of the
whole process, the start of the database included, and whatever else the machine does meanwhile
counts as well: the processor time tells how much was the import's. The memory is the most that the
process ever held.
With `--kill` the process is killed (SIGKILL) half-way and the same command is run again.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.network.identifiers import pan, pesel

_TARGET_CARDS, _TARGET_S, _TARGET_MB = 1_000_000, 300.0, 300.0
_POLL_S = 0.05
_RANGE = "40000010"
_SEED = """\
[[issuer]]
id = "load"
name = "Load test bank"
phone = "+48 22 000 00 00"
default_language = "pl"

[[card_range]]
id = "load"
low = "40000010"
high = "40000010"
scheme = "visa"
issuer = "load"
policy = { elements = "otp", default = "challenge" }
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """How a process ended, how long it took, the most memory it held (MB of 10^6 bytes).

    ``processor_s`` counts the process and the database it started.
    """

    code: int
    seconds: float
    megabytes: float
    processor_s: float


def lines(cards: int) -> Iterator[dict[str, object]]:
    """Give the lines of so many cards, each with a person and an account."""
    for number in range(cards):
        yield {"kind": "person", "ref": f"p-{number}", "body": _person(number)}
        people = [{"person_ref": f"p-{number}", "role": "owner"}]
        yield {
            "kind": "account",
            "ref": f"a-{number}",
            "body": {"currency": "PLN", "people": people},
        }
        card = {
            "pan": pan(_RANGE, number),
            "exp": "3112",
            "product": "Debit classic",
            "person_ref": f"p-{number}",
            "account_ref": f"a-{number}",
        }
        yield {"kind": "card", "ref": f"c-{number}", "body": card}


def _person(number: int) -> dict[str, object]:
    rest, serial = divmod(number, 10_000)
    rest, day = divmod(rest, 28)
    year, month = divmod(rest, 12)
    return {
        "identifier": pesel(year % 100, month + 1, day + 1, serial),
        "phone": f"+4860{number:07d}",
        "language": "pl",
    }


def write(path: Path, cards: int) -> None:
    """Write the file."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in lines(cards))


def measure(words: Sequence[str], folder: Path, kill_after_s: float | None = None) -> Measured:
    """Run one command to its end, or kill it after a while."""
    begun, used = time.perf_counter(), _children_s()
    process = subprocess.Popen([sys.executable, "-m", "acs", *words], env=_environ(folder))  # noqa: S603 - our own command
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _peak_megabytes(process.pid))
        if kill_after_s is not None and time.perf_counter() - begun > kill_after_s:
            process.send_signal(signal.SIGKILL)
            process.wait()
            break
        time.sleep(_POLL_S)
    return Measured(process.returncode, time.perf_counter() - begun, peak, _children_s() - used)


def _children_s() -> float:
    """Give the processor time of all processes started from here that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _peak_megabytes(pid: int) -> float:
    """Read the high-water mark of a process's resident memory; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _environ(folder: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    return {**plain, "ACS_DATA_DIR": str(folder / "data"), "ACS_PROFILE": "demo"}


def main(argv: list[str] | None = None) -> int:
    """Measure; 0 when the file was imported within the targets, scaled to its size."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.import_cards", description=__doc__)
    parser.add_argument("--cards", type=int, default=100_000, metavar="N", help="at most 1000000")
    parser.add_argument("--kill", action="store_true", help="kill it half-way and run it again")
    parser.add_argument("--again", action="store_true", help="import the same file a second time")
    parser.add_argument("--only-write", type=Path, metavar="FILE", help="write the file, no more")
    options = parser.parse_args(argv)
    if not 1 <= options.cards <= _TARGET_CARDS:
        parser.error(f"--cards is 1 to {_TARGET_CARDS}")
    if options.only_write is not None:
        write(options.only_write, options.cards)
        return 0
    folder = Path(tempfile.mkdtemp(prefix="acs-import-"))
    folder.chmod(0o711)  # as root PostgreSQL runs as nobody, who must be able to walk in
    try:
        return _run(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, options: argparse.Namespace) -> int:
    file, seed = folder / "cards.ndjson", folder / "seed.toml"
    seed.write_text(_SEED, encoding="ascii")
    write(file, options.cards)
    print(f"{options.cards} cards in {file.stat().st_size / 1e6:.0f} MB")
    for words in (("keys", "generate"), ("seed", str(seed))):
        done = measure(words, folder)
        assert done.code == 0, words
    allowed = _TARGET_S * options.cards / _TARGET_CARDS
    if options.kill:
        killed = measure(("import", str(file)), folder, max(5.0, allowed / 4))
        print(f"killed after {killed.seconds:.1f} s, {killed.megabytes:.0f} MB")
    found = measure(("import", str(file)), folder)
    _tell("imported", found, options.cards)
    if options.again:
        _tell("imported again", measure(("import", str(file)), folder), options.cards)
    is_good = found.code == 0 and found.megabytes <= _TARGET_MB
    return 0 if is_good and found.seconds <= max(allowed, 10.0) else 1


def _tell(what: str, found: Measured, cards: int) -> None:
    rate = cards / found.seconds
    print(
        f"{what}: exit code {found.code}, {found.seconds:.1f} s ({rate:.0f} cards/s, "
        f"{_TARGET_CARDS / rate:.0f} s for a million at this rate), {found.megabytes:.0f} MB, "
        f"processor {found.processor_s:.1f} s with its database"
    )


if __name__ == "__main__":
    sys.exit(main())
