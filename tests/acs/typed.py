"""Commands as an operator types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def acs(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``acs`` with a data directory of its own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    return subprocess.run(
        [sys.executable, "-m", "acs", *words],
        env={**plain, "ACS_DATA_DIR": str(folder), "ACS_PROFILE": "demo", **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
