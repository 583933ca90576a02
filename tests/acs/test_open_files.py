"""Files with passwords that any account may read: named, and nothing of them told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs import config, open_files
from tests.story.conftest import log_lines

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["log_lines"]


def named(place: Path, mode: int) -> config.Settings:
    """Give settings that name a file of each kind, with that mode."""
    files = {}
    for name in ("dsn", "direct", "smpp", "token", "report", "sim", "pin"):
        files[name] = str(place / name)
        (place / name).write_text("canary " * 4)
        (place / name).chmod(mode)
    one = {"url": "https://sms.example/", "headers": {"Authorization": {"file": files["token"]}}}
    one |= {"body": {"to": "{to}", "text": "{text}"}, "report_token_file": files["report"]}
    one |= {
        "reports": {"format": "query", "sms_id": "i", "state": ["s"], "states": {"D": "failed"}}
    }
    two = {"host": "smsc.example", "system_id": "bank", "password_file": files["smpp"]}
    sim = {"url": "https://sim.example/v1", "token_url": "https://sim.example/t", "client_id": "a"}
    return config.read(
        given={
            "profile": "demo",
            "database.url_file": files["dsn"],
            "database.direct_url_file": files["direct"],
            "receipts.public_url": "https://acs.example",
            "sms.http": {"one": one},
            "sms.smpp": {"two": two},
            "sim": sim | {"client_secret_file": files["sim"]},
            "hsm": {"module": "/lib.so", "token": "acs", "pin_file": files["pin"]},
        }
    )


def test_each_file_with_a_secret_that_everybody_may_read_is_named(open_folder: Path) -> None:
    found = open_files.found(named(open_folder, 0o644), None)

    assert {name: file.name for name, file in found.items()} == {
        "database.url_file": "dsn",
        "database.direct_url_file": "direct",
        "sim.client_secret_file": "sim",
        "sms.http.one.headers.Authorization": "token",
        "sms.http.one.report_token_file": "report",
        "sms.smpp.two.password_file": "smpp",
        "hsm.pin_file": "pin",
    }


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_files_of_an_account_or_a_group_are_none(open_folder: Path, mode: int) -> None:
    assert open_files.found(named(open_folder, mode), None) == {}


def test_a_folder_that_others_may_not_enter_covers_what_is_in_it(open_folder: Path) -> None:
    """As ``/etc/acs`` is installed."""
    settings = named(open_folder, 0o644)
    open_folder.chmod(0o750)

    assert open_files.found(settings, None) == {}


def test_a_file_that_is_not_there_is_for_who_reads_it(open_folder: Path) -> None:
    settings = named(open_folder, 0o644)
    for file in open_folder.iterdir():
        file.unlink()

    assert open_files.found(settings, None) == {}


CARRIER = """
[sms.http.one]
url = "https://sms.example/"
body = {to = "{to}", text = "{text}"}
values = {secret = "x"}
basic_auth = ["bank", "%s"]
"""


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ('[database]\nurl = "postgresql://acs:canary@h/d"', True),
        ('[database]\nurl = "postgresql://h/d"\ndirect_url = "postgresql://u:canary@h/d"', True),
        ('[database]\nurl = "postgresql://acs@h/d?password=canary"', True),
        ('[database]\nurl = "postgresql://acs@h:5432/d"', False),
        (CARRIER % "canary", True),
        (CARRIER % "{secret}", False),
        ("", False),
    ],
)
def test_the_settings_are_one_when_a_password_stands_in_them(
    open_folder: Path, text: str, *, is_told: bool
) -> None:
    file = open_folder / "acs.toml"
    file.write_text(text)
    file.chmod(0o644)
    settings = config.read(file, {}, {"profile": "demo"})

    assert open_files.found(settings, file) == ({"the settings": file} if is_told else {})


def test_a_password_of_the_environment_is_not_in_the_settings_file(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = open_folder / "acs.toml"
    file.write_text("[otp]\nattempts_max = 3\n")
    file.chmod(0o644)
    url = {"ACS_DATABASE__URL": "postgresql://acs:canary@h/d"}
    settings = config.read(file, url, {"profile": "demo"})
    monkeypatch.setenv("ACS_CONFIG", str(file))

    assert open_files.found(settings, None) == {}


def test_a_start_says_so_in_the_log_and_nothing_of_the_content(
    open_folder: Path, log_lines: list[str]
) -> None:
    open_files.tell(named(open_folder, 0o644), None)

    assert len(log_lines) == 7
    assert all('"settings:open"' in line and str(open_folder) in line for line in log_lines)
    assert not any("canary" in line for line in log_lines)
    assert "canary" not in open_files.sentence("sim.client_secret_file", open_folder / "sim")
