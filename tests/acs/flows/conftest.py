"""The flows are tested with real ports: the world of the stories, asked at its inside."""

from __future__ import annotations

from tests.story.conftest import log_lines, world

__all__ = ["log_lines", "world"]
