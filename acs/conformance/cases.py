"""Cases from their folders, each expanded into runs: one per version, channel and category."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from acs.conformance.base import CATEGORIES, CHANNELS, VERSIONS
from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_FACTS = {"title", "why", "rules", "versions", "channels", "categories", "card", "slow"}
_FILES = {"facts.toml", "areq.json", "expect.json", "steps.json", "rres.json"}
_STEPS = {
    "areq", "creq", "submit", "press", "again", "wait", "results", "no_results", "complaint",
    "no_complaint", "method", "visit", "sdk",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One case as its folder tells it; ``slow`` cases are begun first."""

    id: str
    title: str
    why: str
    rules: tuple[str, ...]
    versions: tuple[str, ...] = VERSIONS
    channels: tuple[str, ...] = ("BRW",)
    categories: tuple[str, ...] = ("PA",)
    card: str = "frictionless"
    slow: bool = False
    areq: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    rres: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()

    @property
    def needs_sdk(self) -> bool:
        """Tell whether an SDK takes part."""
        return any(step["do"] == "sdk" for step in self.steps)

    def runs(self) -> list[Run]:
        """Give every combination the case stands for."""
        return [Run(self, *one) for one in product(self.versions, self.channels, self.categories)]


@dataclass(frozen=True, slots=True)
class Run:
    """A case in one version, channel and category."""

    case: Case
    version: str
    channel: str
    category: str

    @property
    def name(self) -> str:
        """Name the run."""
        return f"{self.case.id} [{self.version} {self.channel} {self.category}]"


def load(folder: Path) -> list[Case]:
    """Read every case of a folder, in the order of their ids; raise BadCase."""
    places = sorted(place for place in folder.iterdir() if place.is_dir())
    if not places:
        message = f"{folder} holds no cases"
        raise BadCase(message)
    return [_read(place) for place in places]


def about(cases: Iterable[Case], rule: str) -> list[Case]:
    """Pick the cases of one rule, or of a whole section (``2`` or ``2.4`` or ``9.r10``)."""
    return [
        case
        for case in cases
        if any(one == rule or one.startswith(f"{rule}.") for one in case.rules)
    ]


def _read(place: Path) -> Case:
    try:
        facts = tomllib.loads((place / "facts.toml").read_text(encoding="utf-8"))
        strange = {entry.name for entry in place.iterdir()} - _FILES
        given = {name: _json(place / f"{name}.json") for name in ("areq", "expect", "rres")}
        steps = _json(place / "steps.json") or []
    except (OSError, ValueError) as error:
        message = f"{place.name}: {error}"
        raise BadCase(message) from error
    unknown = sorted(set(facts) - _FACTS | strange)
    missing = sorted({"title", "why", "rules"} - set(facts))
    if unknown or missing:
        message = f"{place.name}: unknown {unknown}, missing {missing}"
        raise BadCase(message)
    case = Case(
        id=place.name,
        title=facts["title"],
        why=facts["why"],
        rules=tuple(facts["rules"]),
        versions=_among(place, facts, "versions", VERSIONS, VERSIONS),
        channels=_among(place, facts, "channels", CHANNELS, ("BRW",)),
        categories=_among(place, facts, "categories", CATEGORIES, ("PA",)),
        card=facts.get("card", "frictionless"),
        slow=facts.get("slow", False),
        areq=given["areq"] or {},
        expect=given["expect"] or {},
        rres=given["rres"] or {},
        steps=tuple(steps),
    )
    _check(case)
    return case


def _json(path: Path) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _among(
    place: Path,
    facts: Mapping[str, Any],
    name: str,
    known: Iterable[str],
    default: tuple[str, ...],
) -> tuple[str, ...]:
    given = tuple(facts.get(name, default))
    if not given or not set(given) <= set(known):
        message = f"{place.name}: {name} is {list(given)}"
        raise BadCase(message)
    return given


def _check(case: Case) -> None:
    if not case.rules:
        message = f"{case.id}: no rule"
        raise BadCase(message)
    if not case.expect:
        message = f"{case.id}: expect.json is not there"
        raise BadCase(message)
    for step in case.steps:
        if step.get("do") not in _STEPS:
            message = f"{case.id}: {step.get('do')} is no step"
            raise BadCase(message)
