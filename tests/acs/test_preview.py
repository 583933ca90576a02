"""`acs preview` as somebody who makes a theme types it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


def test_it_fills_a_folder_and_says_what_to_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theme.toml").write_text('name = "Plum Bank"\n', encoding="utf-8")
    out = tmp_path / "a" / "gallery"

    ended = main(["preview", "--out", str(out), "--theme", str(tmp_path / "theme.toml")])

    assert ended == 0
    assert f"open {out / 'index.html'}" in capsys.readouterr().out
    assert "Plum Bank" in (out / "pl-dark-code.html").read_text(encoding="utf-8")
    assert (out / "light" / "pages.css").exists()


def test_a_bad_theme_ends_with_its_faults_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theme.toml").write_text("[light]\nink = '#cccccc'\n", encoding="utf-8")

    ended = main(["preview", "--out", str(tmp_path), "--theme", str(tmp_path / "theme.toml")])

    assert ended == 2
    assert "ink on sheet has a contrast of" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_ends_with_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert main(["preview", "--out", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_without_a_folder_there_is_nothing_to_do() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["preview"])
    assert ended.value.code == 2
