"""One target under atheris: the code it reaches steers what is tried next."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Fuzz the target named first; the other arguments are libFuzzer's. Does not return."""
    atheris = importlib.import_module("atheris")
    name, arguments = sys.argv[1], sys.argv[2:]
    with atheris.instrument_imports(include=["schemas", "acs.crypto.form_token"]):
        target = importlib.import_module(f"tests.fuzz.targets.{name}")
    atheris.Setup([name, *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
