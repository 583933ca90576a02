"""``acs seed`` as an operator types it: how many, once, again, half-way, and not beside clients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acs.__main__ import main
from tests.story import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

ROOT = Path(__file__).resolve().parents[2]
ISSUER = ROOT / "loadtests" / "network" / "issuer.toml"
SMALL_CHUNKS = """
import sys
from acs import demo_keys, stock
from acs.__main__ import main
from acs.config import read
import os
settings = read(None, {k: v for k, v in os.environ.items() if k.startswith("ACS_")})
if not settings.values_file.exists():
    from acs.key_files import generate_keys
    generate_keys(settings.keys_dir)
    demo_keys.make_value_keys(settings.values_file)
stock._AT_ONCE = 50
sys.exit(main(sys.argv[1:]))
"""


def seed(folder: Path, dsn: str, *words: str) -> subprocess.Popen[str]:
    """Start ``acs seed`` with small chunks, and with keys of its own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    given = {"ACS_DATA_DIR": str(folder), "ACS_PROFILE": "demo", "ACS_DATABASE__URL": dsn}
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_CHUNKS, "seed", *words],
        env=plain | given,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(folder: Path, dsn: str, *words: str) -> tuple[int | None, str, str]:
    """Run it to its end: code, output, errors."""
    running = seed(folder, dsn, *words)
    said, wrong = running.communicate(timeout=300)
    return running.returncode, said, wrong


async def test_it_goes_on_where_it_was_when_it_was_killed(
    tmp_path: Path, dsn: str, owner: asyncpg.Connection
) -> None:
    wanted = ("--range", "visa-frictionless", "--cards", "250", "--transactions", "300")
    running = seed(tmp_path, dsn, str(ISSUER), *wanted)
    assert running.stdout is not None
    while " transactions," not in running.stdout.readline():
        assert running.poll() is None, running.communicate()[1]
    running.kill()
    running.communicate()
    done = "SELECT done FROM upkeep.stock WHERE what = 'transactions'"
    assert await owner.fetchval(done) >= 50
    code, _, wrong = ended(tmp_path, dsn, *wanted)
    assert (code, wrong, await owner.fetchval(done)) == (0, "", 300)
    counts = await owner.fetchrow(
        "SELECT (SELECT count(*) FROM enrollment.card), (SELECT count(*) FROM enrollment.phone),"
        " (SELECT count(*) FROM acs.transaction WHERE created_at < s.began_at),"
        " (SELECT count(*) FROM acs.known_areq WHERE acs_trans_id < upkeep.first_id(s.began_at))"
        " FROM upkeep.stock s WHERE s.what = 'transactions'"
    )
    assert tuple(counts) == (250, 250, 300, 300)
    assert ended(tmp_path, dsn, *wanted)[:2] == (0, "")


async def test_more_cards_are_added_to_those_that_are_there(
    tmp_path: Path, dsn: str, owner: asyncpg.Connection
) -> None:
    for count in (20, 70):
        code, said, _ = ended(
            tmp_path, dsn, str(ISSUER), "--range", "visa-frictionless", "--cards", str(count)
        )
        assert (code, f"{count} of {count} cards" in said) == (0, True)
        assert await owner.fetchval("SELECT count(*) FROM enrollment.card") == count


async def test_nobody_is_made_up_beside_clients_unless_it_is_asked_for(
    tmp_path: Path, dsn: str, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await people.enrol(owner, keys, now)
    words = (str(ISSUER), "--range", "visa-frictionless", "--cards", "5")
    code, _, wrong = ended(tmp_path, dsn, *words)
    assert code == 1
    assert "holds clients" in wrong
    assert await owner.fetchval("SELECT count(*) FROM enrollment.card") == 1
    assert ended(tmp_path, dsn, *words, "--beside-clients")[0] == 0
    assert await owner.fetchval("SELECT count(*) FROM enrollment.card") == 6


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "seed needs a file"),
        (("--transactions", "5"), "somebody must have paid"),
        (("--cards", "5"), "--cards needs --range"),
    ],
)
def test_what_is_not_whole_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.setenv("ACS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ACS_PROFILE", "demo")
    assert main(["seed", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"PROFILE": "demo", "DATA_DIR": str(tmp_path)}
    given |= {"DATABASE__URL": "postgresql://acs@127.0.0.1:1/acs"}
    for name, value in given.items():
        monkeypatch.setenv(f"ACS_{name}", value)

    assert main(["seed", "--cards", "5", "--range", "demo"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "acs: the database does not answer: ConnectionRefusedError"


async def test_a_range_must_be_there_and_have_room(tmp_path: Path, dsn: str) -> None:
    code, _, wrong = ended(tmp_path, dsn, "--cards", "5", "--range", "nowhere")
    assert code == 1
    assert "there is no card range nowhere" in wrong
    words = (str(ISSUER), "--range", "visa-frictionless", "--cards", "100000001")
    code, _, wrong = ended(tmp_path, dsn, *words)
    assert code == 1
    assert "has no room for 100000001 cards" in wrong
