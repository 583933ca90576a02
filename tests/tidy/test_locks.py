"""What the locks leave open, a new release on the day of an installation decides, or breaks."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import ROOT


@pytest.mark.parametrize("lock", ["runtime", "hsm", "dev"])
def test_a_package_is_locked_with_the_extras_that_others_ask_of_it(lock: str) -> None:
    text = (ROOT / "locks" / f"{lock}.txt").read_text("utf-8")
    locked = {
        canonicalize_name(one.name): one.extras
        for one in map(Requirement, re.findall(r"^([a-z][^ ]*==[^ ;]+)", text, re.MULTILINE))
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [Requirement(one) for one in project["dependencies"]] + [
        wanted
        for name, extras in locked.items()
        for wanted in map(Requirement, _required(name))
        if _holds(wanted, extras)
    ]
    with_extras = [one for one in asked if one.extras]

    assert with_extras, "this test looks at nothing"
    assert [
        str(one) for one in with_extras if not one.extras <= locked[canonicalize_name(one.name)]
    ] == []


def _required(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another platform
        return []


def _holds(wanted: Requirement, extras: set[str]) -> bool:
    """Tell whether a requirement counts here, given the extras its own package is locked with."""
    marker = wanted.marker
    return marker is None or any(marker.evaluate({"extra": one}) for one in ("", *extras))


def test_with_an_hsm_everything_else_is_installed_as_without() -> None:
    without, plus = (
        (ROOT / "locks" / f"{one}.txt").read_text("utf-8").splitlines()
        for one in ("runtime", "hsm")
    )
    pins = [line for line in without if not line.lstrip().startswith("#")]

    assert pins
    assert [line for line in pins if line not in plus] == []
    assert any(line.startswith("python-pkcs11==") for line in plus)
