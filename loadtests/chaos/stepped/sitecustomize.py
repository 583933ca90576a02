"""The service with a clock that can be stepped from outside: on PYTHONPATH in `make chaos` only.

Python imports this module by itself. The service reads the time of day in one place,
``acs.app.utc_now``; here that place is given the step that stands in the file CHAOS_CLOCK. The
monotonic clock stays as it is, as with a true step.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

_LOOK_S = 0.1
_NAME = "acs.app"


class _Stepped:
    """The time of day, put forward or back."""

    def __init__(self, true: Callable[[], datetime], file: Path) -> None:
        self._true = true
        self._file = file
        self._look_at = 0.0
        self._step = timedelta()

    def __call__(self) -> datetime:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_S
            with contextlib.suppress(OSError):  # no descriptors left: the clock stays as it is
                self._read()
        return self._true() + self._step

    def _read(self) -> None:
        step = timedelta(seconds=int(self._file.read_text(encoding="ascii")))
        if step != self._step:
            with self._file.with_suffix(".seen").open("a", encoding="ascii") as seen:
                seen.write(f"{step // timedelta(seconds=1)}\n")
            self._step = step


class _Finder:
    """Finds the one module as everybody does, and gives it the clock when it is loaded."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_stepped(module: ModuleType) -> None:
            load(module)
            file = Path(os.environ["CHAOS_CLOCK"])
            module.utc_now = _Stepped(module.utc_now, file)  # type: ignore[attr-defined]

        spec.loader.exec_module = load_stepped  # type: ignore[method-assign]
        return spec


if "CHAOS_CLOCK" in os.environ:
    sys.meta_path.insert(0, _Finder())
