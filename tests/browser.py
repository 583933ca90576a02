"""The browser of the tests: Chromium, without a window.

Where there is one, the build that never has windows is taken: the same engine, at half the cost.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TestT = TypeVar("TestT", bound="Callable[..., Any]")
_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), "")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NEEDS_BROWSER: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("ACS_TEST_REQUIRE_BROWSER"), reason="no Chromium here"
    ),
]
"""Marks a module; with the variable set, a test without a browser fails at its start."""


def needs_browser(test: TestT) -> TestT:
    """Mark one test so."""
    for mark in NEEDS_BROWSER:
        test = mark(test)
    return test
