"""Commands as an operator types them, each in a process of its own.

To load the service takes a second, and most of what is typed here ends soon after. So each process
is a fork of one that has it loaded. What a command loads by itself is shown in test___main__.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from acs.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
_WITHIN_S = 300.0
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(["acs.serving", "acs.commands", "acs.stock", "acs.importing"])


def acs(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``acs`` with a data directory of its own."""
    return fed(b"", folder, *words, **environ)


def fed(
    given: bytes, folder: Path, *words: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run it with something on its standard input."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    own = {**plain, "ACS_DATA_DIR": str(folder), "ACS_PROFILE": "demo", **environ}
    with tempfile.TemporaryDirectory() as place:
        streams = heard, said, cried = [Path(place, str(number)) for number in range(3)]
        heard.write_bytes(given)
        process = _LOADED.Process(target=_command, args=(words, own, streams))
        process.start()
        process.join(_WITHIN_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, _WITHIN_S, said.read_bytes(), cried.read_bytes())
        return subprocess.CompletedProcess(
            words, process.exitcode, said.read_text(), cried.read_text()
        )


def _command(words: Sequence[str], environ: Mapping[str, str], streams: Sequence[Path]) -> None:
    """Be the process: what ``python -m acs`` does with its command line, once it is loaded."""
    for number, file in enumerate(streams):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = os.fdopen(0)  # a child of multiprocessing has none
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    sys.argv = ["acs", *words]
    sys.exit(main(words))
