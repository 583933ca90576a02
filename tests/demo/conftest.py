"""One running demo for the tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.demo.running import Demo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The demo on free ports, stopped at the end by Ctrl-C."""
    folder = Path(tempfile.mkdtemp(prefix="acs-demo-"))
    folder.chmod(0o711)
    running = Demo(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
