"""What docs/operate/hsm.md tells an operator to type at a trial does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.acs.typed import ROOT, acs
from tests.hsm import softhsm

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hsm import SoftHsm

__all__ = ["softhsm"]

PAGE = (ROOT / "docs" / "operate" / "hsm.md").read_text(encoding="utf-8")
PYTHON, MODULE = "/opt/acs/bin/python3 -", "/usr/lib/softhsm/libsofthsm2.so"


def block(beginning: str) -> str:
    """Give the one block of the page that begins so."""
    (found,) = re.findall(
        rf"^```\w*\n({re.escape(beginning)}.*?)^```", PAGE, re.DOTALL | re.MULTILINE
    )
    return str(found)


def test_the_trial_as_printed_makes_the_keys_of_the_printed_file(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    script = block("printf 'directories.tokendir")
    assert script.count(PYTHON) == script.count(MODULE) == 1
    script = script.replace(PYTHON, f"{sys.executable} -").replace(MODULE, str(softhsm.module))
    (tmp_path / "values.json").write_text(block('{"keys"'), encoding="utf-8")

    subprocess.run(["/bin/bash", "-euc", script], cwd=tmp_path, check=True, capture_output=True)
    listed = acs(
        tmp_path,
        "keys",
        "list",
        SOFTHSM2_CONF=str(tmp_path / "softhsm2.conf"),
        ACS_KEYS__AUTHENTICATION_VALUES=str(tmp_path / "values.json"),
        ACS_HSM__MODULE=str(softhsm.module),
        ACS_HSM__TOKEN="acs",
        ACS_HSM__PIN_FILE=str(tmp_path / "pin"),
    )

    assert listed.returncode == 0, listed.stderr
    for line in block("value visa-1: 3des").splitlines():
        assert line in listed.stdout.splitlines()
