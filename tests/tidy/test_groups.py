"""What shares something dear runs in one worker: a demo, a database full of rows, a browser."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("groups")
def test_the_workers_know_the_groups(request: pytest.FixtureRequest) -> None:
    """Otherwise nothing fails, but each worker makes all of it for itself."""
    is_by_group = bool(request.config.getoption("loadgroup", default=False))

    assert request.node.nodeid.endswith("@groups") == is_by_group
