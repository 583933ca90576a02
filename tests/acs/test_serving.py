"""The commands that stay: what they refuse to start with, and how they are told to go."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.acs.typed import ROOT, acs

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


def test_a_start_that_waits_for_the_database_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """As at `docker stop`, which kills after ten seconds."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    own |= {"ACS_DATA_DIR": str(tmp_path), "ACS_PROFILE": "demo", "ACS_OPS__LISTEN": "127.0.0.1:0"}
    manager = tmp_path / "notify"
    own |= {"NOTIFY_SOCKET": str(manager), "WATCHDOG_USEC": "60000000"}
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard,
    ):
        heard.bind(str(manager))
        own["ACS_DATABASE__URL"] = f"postgresql://acs@127.0.0.1:{silent.getsockname()[1]}/acs"
        command = [sys.executable, "-m", "acs", "serve", "--edge", "ops"]
        with subprocess.Popen(command, env=own, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            asked, _ = silent.accept()
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(10) == 0
            finally:
                process.kill()
                asked.close()
        assert [heard.recv(100) for _ in range(2)] == [b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("command", [("work",), ("import", "/dev/null")])
async def test_a_policy_that_this_version_does_not_know_is_a_sentence(
    command: tuple[str, ...], dsn: str, tmp_path: Path
) -> None:
    """As a later version may have stored it before somebody went back."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(
        "INSERT INTO acs.issuer (issuer_id, name, phone, default_language)"
        " VALUES ('bank', 'Bank', '1', 'pl');"
        "INSERT INTO acs.card_range (range_id, low, high, scheme, issuer_id, policy)"
        """ VALUES ('gold', 1, 2, 'visa', 'bank', '{"to_come": true}');"""
        "UPDATE acs.policy_version SET version = version + 1"
    )
    await conn.close()
    ended = acs(tmp_path, *command, ACS_DATABASE__URL=dsn)

    said = "the policy of the card range gold cannot be read: unknown members of a range policy"
    assert ended.returncode == 1
    assert f"{said}: to_come" in ended.stderr
    assert "Traceback" not in ended.stderr
