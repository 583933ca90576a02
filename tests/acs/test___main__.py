"""The command line: every command explains itself, and loads no more than it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from acs.__main__ import SAYS, main
from tests.acs.typed import ROOT, acs

if TYPE_CHECKING:
    from pathlib import Path


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    names = re.findall(r"^    ([a-z-]+)\s", capsys.readouterr().out, re.MULTILINE)

    assert ended.value.code == 0
    assert names == [*SAYS]
    for name in names:
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert f"acs {name}" in capsys.readouterr().out


def test_an_unknown_setting_ends_with_its_name_and_code_2(tmp_path: Path) -> None:
    ended = acs(tmp_path, "serve", ACS_OTP__ATTEMPTS="3")

    assert ended.returncode == 2
    assert "ACS_OTP__ATTEMPTS" in ended.stderr


def test_no_command_loads_what_only_others_need() -> None:
    """The help is there at once; what asks the database does not load the pages and the edges."""
    script = (
        "import sys\n"
        "from acs.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )

    def loaded(*words: str) -> set[str]:
        ended = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return set(ended.stderr.split())

    assert not {"asyncpg", "acs.config", "acs.app"} & loaded("--help")
    assert not {"aiohttp", "jinja2", "acs.app"} & loaded("migrate", "--help")
    assert not {"acs.app", "acs.config"} & loaded("branch", "--help")
    assert "acs.app" in loaded("serve", "--help")


def test_a_command_that_does_not_exist_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bake", "serve"])

    assert ended.value.code == 2
    assert "bake" in capsys.readouterr().err
