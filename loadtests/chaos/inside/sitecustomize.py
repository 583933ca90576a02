"""The service with a clock and an HSM that can be spoilt from outside, in `make chaos` only.

Python imports this module by itself where PYTHONPATH says so. The service reads the time of day in
one place, ``acs.clock.utc_now``; here that place is given the step that stands in the file
CHAOS_CLOCK, and is looked at often: with one machine there is nobody to say that it is wrong, so a
step is believed at the next look. CHAOS_MACHINE makes the process one of a machine of its own, by
that name. The monotonic clock stays as it is, as with a true step. The
module of the HSM does what the file CHAOS_HSM says (``loadtests.hsm.misbehaving``); the helper that
loads it is our own.
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
    """Finds one module as everybody does, and changes it when it is loaded."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._change = change

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load, change = spec.loader.exec_module, self._change

        def load_changed(module: ModuleType) -> None:
            load(module)
            change(module)

        spec.loader.exec_module = load_changed  # type: ignore[method-assign]
        return spec


def _step(module: ModuleType) -> None:
    file = Path(os.environ["CHAOS_CLOCK"])
    module.utc_now = _Stepped(module.utc_now, file)  # type: ignore[attr-defined]
    module.EVERY_S = 2 * _LOOK_S  # type: ignore[attr-defined]
    if "CHAOS_MACHINE" in os.environ:
        module.machine_name = lambda: os.environ["CHAOS_MACHINE"]  # type: ignore[attr-defined]


def _misbehave(module: ModuleType) -> None:
    from loadtests.hsm.misbehaving import over  # noqa: PLC0415 - in the helper alone
    from loadtests.hsm.softhsm import put_back  # noqa: PLC0415

    control = Path(os.environ["CHAOS_HSM"])
    put_back(control.parent)
    module.lib = over(module.lib, control)  # type: ignore[attr-defined]


if "CHAOS_CLOCK" in os.environ:
    sys.meta_path.insert(0, _Finder("acs.clock", _step))
if "CHAOS_HSM" in os.environ:
    sys.meta_path.insert(0, _Finder("pkcs11", _misbehave))
