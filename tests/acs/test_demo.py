"""The demo's supervisor: children start, come back, and end when told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from acs import config
from acs.demo import (
    Child,
    Supervisor,
    answers,
    await_ready,
    database_setting,
    environment,
    finish,
    hand_down,
)

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_a_child_that_was_killed_is_started_again() -> None:
    child = Child("sleeper", SLEEPER, dict(os.environ))
    child.start()
    assert child.process is not None
    first = child.process.pid
    supervisor = Supervisor(child)
    watch = threading.Thread(target=supervisor.watch)
    watch.start()

    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 100
    while child.process.pid == first and time.monotonic() < end:
        time.sleep(0.02)
    supervisor.ask_to_stop()
    watch.join(timeout=100)

    assert child.process.pid != first
    assert len(supervisor.restarts) == 1
    child.stop()
    assert child.has_died()


def test_stopping_twice_does_no_harm() -> None:
    child = Child("sleeper", SLEEPER, dict(os.environ))
    child.start()

    child.stop()
    child.stop()

    assert child.has_died()


def test_what_the_caller_set_wins_over_the_demo_s_own() -> None:
    os.environ["DEMO_TEST_NAME"] = "ours"
    try:
        made = environment({"DEMO_TEST_NAME": "demo", "DEMO_TEST_OTHER": "demo"})
    finally:
        del os.environ["DEMO_TEST_NAME"]

    assert made["DEMO_TEST_NAME"] == "ours"
    assert made["DEMO_TEST_OTHER"] == "demo"


@pytest.mark.parametrize("named", ["option", "variable"])
def test_children_read_the_file_that_the_command_reads(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They start in another folder, so its path has to be whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACS_CONFIG", "mine.toml" if named == "variable" else "another.toml")

    hand_down(Path("mine.toml") if named == "option" else None)

    assert environment({})["ACS_CONFIG"] == str(tmp_path / "mine.toml")


def test_without_a_file_children_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACS_CONFIG", raising=False)

    hand_down(None)

    assert "ACS_CONFIG" not in environment({})


@pytest.mark.parametrize("name", ["database.url", "database.url_file"])
def test_children_find_the_database_that_the_settings_name(name: str) -> None:
    """A second name for it would not fit beside a file's, and lead past a pooler beside a url."""
    embedded = config.read(given={"profile": "demo"})
    named = config.read(given={"profile": "demo", name: "postgresql://h/d"})

    assert database_setting(embedded, "postgresql://e/d") == {
        "ACS_DATABASE__URL": "postgresql://e/d"
    }
    assert database_setting(named, "postgresql://direct/d") == {}


def test_nobody_there_is_no_answer() -> None:
    assert answers("http://127.0.0.1:9/api/health") is None


def test_a_child_that_ends_before_it_is_ready_is_not_waited_for() -> None:
    child = Child("short one", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
    child.start()

    assert not await_ready("http://127.0.0.1:9/", child, Supervisor(child))


def test_a_step_of_the_start_fails_with_its_program() -> None:
    for code in (0, 1):
        child = Child("step", [sys.executable, "-c", f"raise SystemExit({code})"], dict(os.environ))
        assert finish(child, Supervisor(child)) is (code == 0)


def test_a_stop_is_heard_in_the_middle_of_a_step() -> None:
    child = Child("sleeper", SLEEPER, dict(os.environ))
    supervisor = Supervisor(child, stopping=True)

    assert not finish(child, supervisor)
    assert child.has_died()
