"""Every step of a run's end has a time of its own, and no time is left over."""

from __future__ import annotations

import ast
from pathlib import Path

from loadtests.chaos import run


def test_every_step_of_the_end_has_its_time() -> None:
    tree = ast.parse(Path(run.__file__).read_text(encoding="utf-8"))
    steps = [
        str(call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"step", "stop"}
        and isinstance(call.args[0], ast.Constant)
    ]
    assert sorted(steps) == sorted(run.LIMITS_S)
