"""Commands as an operator types them: what they print and how they end."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from acs import demo_keys
from acs.__main__ import main
from tests.acs.store.rows import proved
from tests.acs.typed import ROOT, acs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acs.store.embedded import EmbeddedPostgres

_FULL = Path("/dev/full")


def test_a_range_of_a_theme_that_nobody_has_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "seed.toml"
    file.write_text(
        "[[issuer]]\nid = 'b'\nname = 'B'\nphone = '1'\ndefault_language = 'pl'\n"
        "[[card_range]]\nid = 'r'\nlow = '400'\nhigh = '400'\nscheme = 'visa'\nissuer = 'b'\n"
        "policy = { theme = 'gold' }\n"
    )

    ended = acs(tmp_path, "seed", str(file))

    assert ended.returncode == 2
    assert "cardholder.themes has no gold, which a card range names" in ended.stderr


def test_a_range_of_a_key_that_makes_no_values_is_not_loaded(tmp_path: Path) -> None:
    """Every process would be unfit at once: policies are live, keys are read at a start."""
    file = tmp_path / "seed.toml"
    file.write_text(
        "[[issuer]]\nid = 'b'\nname = 'B'\nphone = '1'\ndefault_language = 'pl'\n"
        "[[card_range]]\nid = 'r'\nlow = '400'\nhigh = '400'\nscheme = 'visa'\nissuer = 'b'\n"
        "policy = { av_profile = 'visa-v7', av_key_id = 'next' }\n"
    )
    values = tmp_path / "values.json"
    key = {"id": "next", "kind": "hmac", "state": "staged", "hex": "00" * 32}
    values.write_text(json.dumps({"keys": [key]}))
    values.chmod(0o600)

    ended = acs(tmp_path, "seed", str(file), ACS_KEYS__AUTHENTICATION_VALUES=str(values))

    assert ended.returncode == 2
    assert "the policy of r names the key next, which is staged and not active" in ended.stderr

    ended = acs(tmp_path, "seed", str(file))

    assert ended.returncode == 2
    assert "the policy of r names the key next, which is not there" in ended.stderr


def test_an_acs_trans_id_of_the_wrong_form_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evidence", "show", "d7c1f4a26c354a539f0e1b1d5f3e9a10----"])

    assert ended.value.code == 2
    assert "is not an acsTransID" in capsys.readouterr().err


def test_keys_that_cannot_be_made_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given = {"ACS_KEYS__DIR": str(tmp_path / "file"), "ACS_DATABASE__URL": "postgresql://h/d"}
    ended = acs(tmp_path, "serve", **given)

    assert ended.returncode == 2
    assert f"\nacs: keys.dir: {tmp_path / 'file'}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_show_tables_prints_the_machine(tmp_path: Path) -> None:
    ended = acs(tmp_path, "show-tables")

    assert ended.returncode == 0
    assert "stateDiagram-v2" in ended.stdout


def test_show_tables_asks_for_no_settings(tmp_path: Path) -> None:
    ended = acs(tmp_path, "show-tables", ACS_PROFILE="production", ACS_NAMELESS="1")

    assert ended.returncode == 0
    assert "stateDiagram-v2" in ended.stdout


def test_keys_are_made_once_and_listed_without_being_shown(tmp_path: Path) -> None:
    made = acs(tmp_path, "keys", "generate")
    again = acs(tmp_path, "keys", "generate")
    listed = acs(tmp_path, "keys", "list")

    assert "pan_index" in made.stdout
    assert "nothing" in again.stdout
    key = bytes.fromhex((tmp_path / "keys" / "pan_index" / "k1.key").read_text())
    value = hmac.digest(key, b"", "sha256")[:3].hex().upper()
    assert f"pan_index: k1 (active, check value {value})" in listed.stdout
    secrets = [file.read_text().strip() for file in (tmp_path / "keys").rglob("*.key")]
    assert len(secrets) == 8
    assert not any(secret in listed.stdout + made.stdout for secret in secrets)


def test_who_reads_no_further_is_told_nothing_of_folders(tmp_path: Path) -> None:
    acs(tmp_path, "keys", "generate")

    for words in (("keys", "list"), ("preview", "--out", str(tmp_path / "pages"))):
        reader, writer = os.pipe()
        os.close(reader)
        ended = _told_to(writer, tmp_path, *words)
        os.close(writer)

        assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.skipif(not _FULL.exists(), reason="no disk that is always full")
def test_a_full_disk_under_what_is_said_is_a_sentence_about_that(tmp_path: Path) -> None:
    acs(tmp_path, "keys", "generate")

    drawn = ("preview", "--out", str(tmp_path / "pages"))
    for words in (("keys", "list"), ("show-tables",), ("conformance", "--list"), drawn):
        with _FULL.open("wb") as full:
            ended = _told_to(full.fileno(), tmp_path, *words)

        said = b"acs: what this command tells cannot be written: No space left on device\n"
        assert (ended.returncode, ended.stderr) == (1, said)


@pytest.mark.parametrize("words", [("keys", "generate"), ("show-tables",)])
def test_a_command_without_an_output_does_its_work(tmp_path: Path, words: Sequence[str]) -> None:
    ended = _in_a_shell('exec "$@" >&-', tmp_path, *words)

    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    "words", [("import", "-"), ("branch", "phone", "p1", "--numbers", "-", "--callers", "callers")]
)
def test_who_is_to_read_what_is_closed_says_so(tmp_path: Path, words: Sequence[str]) -> None:
    acs(tmp_path, "keys", "generate")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(key.private_bytes(*pem))
    entry = {"iss": "b", "kid": "k", "sub": "s", "aud": "a", "scopes": [], "key_file": "key"}
    (tmp_path / "callers").write_text(json.dumps({"branch": entry}))
    files = [str(tmp_path / word) if word == "callers" else word for word in words]

    ended = _in_a_shell('exec "$@" <&-', tmp_path, *files)

    assert ended.returncode == 2
    assert b"there is no standard input to read" in ended.stderr
    assert b"Traceback" not in ended.stderr


def _in_a_shell(line: str, folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command by a line of a shell, which takes it as its words."""
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", sys.executable, "-m", "acs", *words],
        env={**os.environ, "ACS_DATA_DIR": str(folder), "ACS_PROFILE": "demo"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )


def _told_to(to: int, folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that tells what it has to say to an open file."""
    return subprocess.run(
        [sys.executable, "-m", "acs", *words],
        env={**os.environ, "ACS_DATA_DIR": str(folder), "ACS_PROFILE": "demo"},
        cwd=ROOT,
        stdout=to,
        stderr=subprocess.PIPE,
        check=False,
    )


def test_a_key_is_added_beside_the_active_one(tmp_path: Path) -> None:
    acs(tmp_path, "keys", "generate")

    added = acs(tmp_path, "keys", "add", "otp", "k2")
    twice = acs(tmp_path, "keys", "add", "otp", "k2")

    assert added.returncode == 0
    assert twice.returncode == 2
    assert "already" in twice.stderr


@pytest.mark.parametrize("key_id", ["../otp/k2", "a/b", "k 2", ".k2", "k" * 33, "ł2"])
def test_an_id_that_no_key_can_have_makes_no_file(key_id: str, tmp_path: Path) -> None:
    ended = acs(tmp_path, "keys", "add", "pan_index", key_id)

    assert ended.returncode == 2
    assert "letters, digits" in ended.stderr
    assert list(tmp_path.rglob("*.key")) == []


@pytest.mark.parametrize(
    "words",
    [("keys", "generate"), ("keys", "add", "otp", "k2"), ("keys", "list"), ("check-config",)],
)
def test_a_folder_of_keys_that_cannot_be_used_is_a_sentence(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """As when somebody else than the service's account asks; the name is one no folder can have."""
    ended = acs(tmp_path, *words, ACS_PROFILE="demo", ACS_KEYS__DIR=str(tmp_path / ("k" * 300)))

    assert ended.returncode == 2
    assert "File name too long" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_migrate_seed_and_verify_on_a_database_given_by_its_url(
    dsn: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """The three commands an operator runs before the first start."""
    assert postgres.is_ours
    acs(tmp_path, "keys", "generate")
    await asyncio.to_thread(demo_keys.make_value_keys, tmp_path / "keys" / "values.json")
    file = ROOT / "loadtests" / "network" / "issuer.toml"

    migrated = acs(tmp_path, "migrate", ACS_DATABASE__URL=dsn)
    seeded = acs(tmp_path, "seed", str(file), ACS_DATABASE__URL=dsn)
    verified = acs(tmp_path, "audit", "verify", ACS_DATABASE__URL=dsn)
    line = verified.stdout.splitlines()[-1]
    again = acs(tmp_path, "audit", "verify", "--expect", line, ACS_DATABASE__URL=dsn)

    assert (migrated.returncode, migrated.stdout) == (0, "the schema is up to date\n")
    assert seeded.returncode == 0, seeded.stderr
    assert "7 card ranges" in seeded.stdout
    assert verified.returncode == 0
    assert "0 links verified" in verified.stdout
    assert "0 documents of evidence verified" in verified.stdout
    assert (again.returncode, again.stdout) == (0, verified.stdout)


@pytest.mark.parametrize("kept", ["42", "42:beef", "link 42:" + "0" * 64, "4 2:" + "0" * 64, ""])
def test_what_is_no_link_is_wrong_use_and_no_fault_of_the_log(
    kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "verify", "--expect", kept])

    assert (ended.value.code, "is no link" in capsys.readouterr().err) == (2, True)


async def test_what_follows_a_roll_out_is_left_for_later(dsn: str, tmp_path: Path) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute("DELETE FROM public.schema_migration WHERE name LIKE '0040_post_%'")
    await conn.close()

    before = acs(tmp_path, "migrate", "--pre", ACS_DATABASE__URL=dsn)

    assert before.returncode == 0
    assert before.stdout == (
        "the schema is up to date for a roll-out\n"
        "1 more when the version before runs nowhere: acs migrate\n"
    )


async def test_consent_texts_are_loaded_once_and_never_changed(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    text = 'code = "terms"\nversion = 2\nbody = "Words."\nvalid_from = 2026-07-01T00:00:00Z\n'
    each = [f'[[text]]\nlanguage = "{language}"\n{text}' for language in ("pl", "en", "de", "uk")]
    file.write_text("".join(each))
    loaded, again = (
        acs(tmp_path, "consents", "load", str(file), ACS_DATABASE__URL=dsn) for _ in range(2)
    )
    file.write_text("".join(each).replace("Words.", "Other words."))
    changed = acs(tmp_path, "consents", "load", str(file), ACS_DATABASE__URL=dsn)

    assert (loaded.returncode, loaded.stdout) == (0, "4 texts loaded, 0 were there\n")
    assert (again.returncode, again.stdout) == (0, "0 texts loaded, 4 were there\n")
    assert changed.returncode == 2
    assert "terms version 2 in pl: it is there with other content" in changed.stderr


async def test_what_products_allow_is_loaded_by_somebody(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "products.toml"
    file.write_text('[[product]]\nname = "Debit"\nper_tx = 500000\n')
    words = ("products", "load", str(file), "--staff", "a.lis")
    acs(tmp_path, "keys", "generate")
    loaded = acs(tmp_path, *words, ACS_DATABASE__URL=dsn)
    file.write_text('[[product]]\nname = "Debit"\nper_tx = "5000,00"\n')
    wrong = acs(tmp_path, *words, ACS_DATABASE__URL=dsn)

    hint = "no card has the product Debit yet: is this how cards name it?\n"
    assert (loaded.returncode, loaded.stdout) == (0, f"{hint}1 products changed, 0 were so\n")
    assert (wrong.returncode, "product number 1: per_tx: wrong_type" in wrong.stderr) == (2, True)
    assert await db.fetchval("SELECT per_tx FROM enrollment.product") == 500_000
    assert await db.fetchval("SELECT details ->> 'staff' FROM audit.event") == "a.lis"


@pytest.mark.parametrize("staff", [[], ["--staff", "a lis"], ["--staff", "x" * 65]])
def test_products_are_loaded_by_nobody_without_a_name(
    staff: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["products", "load", "products.toml", *staff])

    assert (ended.value.code, "--staff" in capsys.readouterr().err) == (2, True)


async def test_the_evidence_of_an_authentication_is_shown_to_whoever_has_the_keys(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    acs(tmp_path, "keys", "generate")
    acs_trans_id = uuid4()
    document = '{"visitors": {}, "outcome": {"trans_status": "Y"}}'

    await proved(db, acs_trans_id, document, datetime.now(UTC))
    alone = acs(tmp_path, "evidence", "show", str(acs_trans_id), ACS_DATABASE__URL=dsn)
    nothing = acs(tmp_path, "evidence", "show", str(uuid4()), ACS_DATABASE__URL=dsn)

    assert alone.returncode == 1
    assert '"trans_status": "Y"' in alone.stdout
    assert "fault: no event of the audit log tells of this document" in alone.stdout
    assert (nothing.returncode, nothing.stdout) == (
        1,
        "there is no authentication with this acsTransID\n",
    )


def test_a_seed_file_with_a_fault_says_where(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[[card_range]]\nid = "x"\n')

    ended = acs(tmp_path, "seed", str(file), ACS_DATABASE__URL="postgresql://nobody@127.0.0.1:1/x")

    assert ended.returncode == 2
    assert "card_range number 1: low is missing" in ended.stderr
