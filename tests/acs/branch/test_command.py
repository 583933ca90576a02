"""``acs branch`` as it is typed: wrong use, unreachable API, help on everything."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from acs.branch import command
from tests.enrollment import api as apis

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="acs branch")
    command.add_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("action", list(command.ACTIONS))
def test_every_action_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(action, "--help")

    assert ended.value.code == 0
    assert command.ACTIONS[action].says.split(":")[0][:40] in capsys.readouterr().out


@pytest.mark.parametrize("name", ["--identifier", "--phone", "--pan"])
def test_no_number_is_an_option(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("register", "p1", name, "1")

    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "p1"), "name the branch's key"),
        (("show", "p1", "--api", "http://bank.example"), "plain http goes to this machine only"),
        (("show", "p1", "--api", "https://[::1"), "--api is an https URL"),
        (("show", "p1", "--api", "http://127.0.0.1:99999"), "--api is an https URL"),
        (("show", "p1", "--callers", "/nowhere"), "the key cannot be read"),
        (("limits", "p1", "--card", "c1"), "name the limits"),
        (("limits", "p1", "--card", "c1", "--off", "--per-tx", "1"), "name the limits"),
        (("limits", "p1", "--card", "c1", "--off", "--lift-own"), "--lift-own"),
        (("limits", "p1", "--account", "a1", "--lift-own"), "--lift-own"),
        (("limits", "p1", "--card", "c1", "--per-tx", "-1"), "name the limits"),
        (("register", "p1", "--card", "c1"), "--card needs"),
        (("reset", "p1", "--reason", "r", "--staff", "Jan Kowalski"), "--staff is"),
    ],
)
def test_wrong_use_ends_with_a_sentence_and_code_2(
    words: tuple[str, ...], sentence: str, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(parse(*words), lambda: now) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["rsa", "p384", "public", "locked", "text"])
def test_a_key_that_cannot_sign_is_wrong_use(
    kind: str, now: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, plain = ec.generate_private_key(ec.SECP256R1()), NoEncryption()
    pem, pkcs8 = Encoding.PEM, PrivateFormat.PKCS8
    content = {
        "rsa": rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, plain),
        "p384": ec.generate_private_key(ec.SECP384R1()).private_bytes(pem, pkcs8, plain),
        "public": key.public_key().public_bytes(pem, PublicFormat.SubjectPublicKeyInfo),
        "locked": key.private_bytes(pem, pkcs8, BestAvailableEncryption(b"word")),
        "text": b"nothing of the kind",
    }[kind]
    (tmp_path / "branch.key").write_bytes(content)
    words = ("--key", str(tmp_path / "branch.key"), "--iss", "i", "--kid", "k", "--sub", "s")

    assert command.main(parse("show", "p1", *words), lambda: now) == 2
    assert "no private key on P-256" in capsys.readouterr().err


def test_an_api_that_is_away_ends_with_a_sentence_and_code_1(
    tmp_path: Path, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pem").write_text(apis.private_pem("bank"))
    entry = {
        "iss": "i", "kid": "k", "sub": "s", "aud": "a", "scopes": ["person:read"],
        "key_file": "key.pem",
    }  # fmt: skip
    callers = tmp_path / "callers.json"
    callers.write_text(json.dumps({"branch": entry}))
    words = ("show", "p1", "--api", "http://127.0.0.1:9", "--callers", str(callers))

    assert command.main(parse(*words), lambda: now) == 1
    assert "cannot be reached" in capsys.readouterr().err
