"""The commands that stay: what they refuse to start with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.acs.typed import acs

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wrong_option_ends_with_a_sentence_and_code_2(tmp_path: Path) -> None:
    ended = acs(tmp_path, "serve", "--workers", "many")

    assert ended.returncode == 2
    assert "many is not a number" in ended.stderr


def test_an_unknown_edge_ends_with_code_2(tmp_path: Path) -> None:
    ended = acs(tmp_path, "serve", "--edge", "nowhere")

    assert ended.returncode == 2
    assert "nowhere" in ended.stderr


def test_more_processes_than_a_carrier_lets_bind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass-9X")
    table = {"host": "127.0.0.1", "tls": False, "system_id": "bank", "binds": 2}
    table["password_file"] = str(tmp_path / "password")
    smpp = {"ACS_SMS__PROVIDERS": '["one"]', "ACS_SMS__SMPP": json.dumps({"one": table})}
    ended = acs(tmp_path, "serve", "--workers", "3", **smpp)

    assert ended.returncode == 2
    assert "--workers 3: sms.smpp.one.binds is 2" in ended.stderr
    assert not (tmp_path / "postgres").exists()


def test_the_edge_for_reports_alone_is_refused_where_nobody_reports(tmp_path: Path) -> None:
    ended = acs(tmp_path, "serve", "--edge", "receipts")

    assert ended.returncode == 2
    assert "none that does" in ended.stderr
