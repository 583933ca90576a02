"""One running demo for the tests of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import scratch
from tests.demo.running import Demo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The demo on free ports, stopped at the end by Ctrl-C."""
    folder = scratch("acs-demo-")
    running = Demo(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
