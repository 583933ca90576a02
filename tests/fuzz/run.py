"""`make fuzz`: made-up bytes against the readers, for a while, from the corpus kept here.

With atheris in the environment the bytes are guided by the code they reach; without it they are
blind mutations of the corpus, by a seed that is printed. What breaks an invariant is left in
`var/fuzz` and belongs into the corpus once it is repaired.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
FOUND = Path("var") / "fuzz"
TARGETS = (
    "areq",
    "creq",
    "rres",
    "erro",
    "base64url",
    "form_token",
    "jwe",
    "json_reader",
    "sdk_form",
)
_BYTES_MAX = 1 << 16
_TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"null",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"\xff",
)


def check_of(target: str) -> Callable[[bytes], None]:
    """Give the invariant of a target: a function that raises when bytes break it."""
    check: Callable[[bytes], None] = importlib.import_module(f"tests.fuzz.targets.{target}").check
    return check


def seeds(target: str) -> list[bytes]:
    """Give the corpus of a target, in the order of its names."""
    return [file.read_bytes() for file in sorted((CORPUS / target).iterdir())]


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Give some bytes made from the corpus by a few changes."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(data))
        end = min(len(data), at + chance.choice((0, 1, 1, 4, 32)))
        other = chance.choice(corpus)
        start = chance.randint(0, len(other))
        data[at:end] = chance.choice(
            (
                b"",
                bytes([chance.randrange(256)]),
                chance.choice(_TOKENS),
                bytes(data[at:end]) * 2,
                other[start : start + chance.choice((1, 8, 64))],
            )
        )
    return bytes(data[:_BYTES_MAX])


def blindly(target: str, seconds: float, seed: int) -> int:
    """Run without guidance; give how many inputs were tried."""
    check, corpus, chance = check_of(target), seeds(target), random.Random(seed)
    tried, stop_at = 0, time.monotonic() + seconds
    while time.monotonic() < stop_at:
        data = mutated(chance, corpus)
        try:
            check(data)
        except Exception:
            FOUND.mkdir(parents=True, exist_ok=True)
            file = FOUND / f"{target}-{seed}-{tried}"
            file.write_bytes(data)
            print(f"{target}: broken by {file} (seed {seed})")  # noqa: T201 - its report
            raise
        tried += 1
    return tried


def guided(target: str, seconds: float) -> int:
    """Run one target under atheris in a process of its own, which atheris ends itself."""
    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", target, str(folder)]
    command += [str(CORPUS / target), f"-max_total_time={seconds:.0f}", f"-max_len={_BYTES_MAX}"]
    command += ["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1"]
    return subprocess.run([*command, f"-artifact_prefix={folder}-"], check=False).returncode


def main() -> int:
    """Run the targets one after the other; 1 when an invariant broke."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=TARGETS, help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=30.0, help="per target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    is_guided = importlib.util.find_spec("atheris") is not None
    for target in options.targets:
        if is_guided:
            if guided(target, options.seconds):
                return 1
            continue
        tried = blindly(target, options.seconds, options.seed)
        print(f"{target}: {tried} inputs, seed {options.seed}, unguided")  # noqa: T201 - its report
    return 0


if __name__ == "__main__":
    sys.exit(main())
