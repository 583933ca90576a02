"""From measures to ratios, from ratios to a verdict and two files."""

import json
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BUDGET = Path(__file__).with_name("budget.toml")
TARGETS = {
    "A": "a bare HTTP server that answers the same AReqs",
    "Y": "frictionless AReqs, answered after their commit",
    "C": "AReqs with a challenge, answered after their commit",
    "T": "frictionless AReqs under mutual TLS",
    "D": "their two statements one by one",
    "S": "the same two statements one by one, sent by asyncpg",
    "E": "challenges from the first CReq to the final CRes, with AReq and RReq",
    "F": "challenges in an app from AReq to final CRes, native screens, with RReq",
    "L": "look-ups of a card over the enrolment API",
    "O": "3-D Secure switched on or off there, with a code from the phone",
}
RATIOS = {
    "Y/A": "frictionless AReqs to a bare HTTP server",
    "C/A": "AReqs with a challenge to the same",
    "T/A": "frictionless AReqs under mutual TLS to the same in clear",
    "Y/D": "frictionless AReqs to their two statements one by one",
    "Y/S": "the same where asyncpg sends the statements",
    "E/A": "whole challenges to a bare HTTP server",
    "F/A": "whole challenges in an app to the same",
    "F/E": "whole challenges in an app to those in a browser",
    "L/A": "look-ups of a card to the same",
}
PARTS = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one message of a target costs: microseconds of CPU of the service and PostgreSQL.

    ``statements`` are round trips to the database, or its transactions where it counts only those.
    """

    service_us: float
    postgres_us: float
    statements: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a run found out. ``rates`` are answers a second by target, one mapping a round.

    ``latencies_ms`` by what was measured, then by percentile; ``memory_mb`` by whose it is, before
    and after; ``acknowledged`` and ``lost`` are of the crash, None where there was none.
    """

    rates: Sequence[Mapping[str, float]]
    costs: Mapping[str, Cost]
    latencies_ms: Mapping[str, Mapping[str, float]]
    memory_mb: Mapping[str, tuple[float, float]]
    machine: Mapping[str, str]
    conditions: Mapping[str, str]
    statements: Mapping[str, Mapping[str, float]]
    answers: int
    rows_missing: int
    acknowledged: int | None = None
    lost: int | None = None

    @property
    def ratios(self) -> dict[str, tuple[float, float, float]]:
        """Median, least and greatest of each ratio over the rounds."""
        found = {}
        for name in RATIOS:
            above, below = name.split("/")
            if above in self.rates[0] and below in self.rates[0]:
                each = [rates[above] / rates[below] for rates in self.rates]
                found[name] = (statistics.median(each), min(each), max(each))
        return found


def percentile(values: Sequence[float], part: float) -> float:
    """Give the value below which that part of them lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Give the percentiles that are reported."""
    return {name: percentile(values, part) for name, part in PARTS.items()}


def faults(result: Result, budget: Mapping[str, float]) -> list[str]:
    """Name what is worse than the budget allows, every answer without its row, every loss."""
    ratios = result.ratios
    found = [
        f"{name} is {ratios[name][0]:.3f}, the budget asks for {least:.3f}"
        if name in ratios
        else f"{name} was not measured"
        for name, least in budget.items()
        if name not in ratios or ratios[name][0] < least
    ]
    if result.rows_missing:
        found.append(f"{result.rows_missing} answers have no row of their own")
    if result.lost:
        found.append(f"a crash took {result.lost} acknowledged answers along")
    return found


def read_budget(path: Path = BUDGET) -> dict[str, float]:
    """Read the least ratios; one that is not measured is a mistake."""
    budget: dict[str, float] = tomllib.loads(path.read_text("utf-8"))["least"]
    if unknown := budget.keys() - RATIOS.keys():
        message = f"nobody measures {sorted(unknown)}"
        raise ValueError(message)
    return budget


def markdown(result: Result, found: Sequence[str]) -> str:
    """Write the report a person reads."""
    parts = (
        _table(
            ("ratio", "of", "median", "least-greatest"),
            [
                (name, RATIOS[name], f"{middle:.3f}", f"{least:.3f}-{most:.3f}")
                for name, (middle, least, most) in result.ratios.items()
            ],
        ),
        _table(
            ("", "what", "median a second", "CPU of the service, us", "of PostgreSQL, us",
             result.conditions.get("counted", "statements")),
            [(name, TARGETS[name], *_costs(result, name)) for name in result.rates[0]],
        ),
        _table(
            ("latency, ms", *PARTS),
            [
                (name, *(f"{each[part]:.1f}" for part in PARTS))
                for name, each in result.latencies_ms.items()
            ],
        ),
        _table(
            ("memory, MB", "before", "after"),
            [
                (name, f"{before:.1f}", f"{after:.1f}")
                for name, (before, after) in result.memory_mb.items()
            ],
        ),
        [f"- answers: {result.answers}, of them without a row: {result.rows_missing}"],
        [f"- all processes of PostgreSQL killed with -9 under load: {_crash(result)}"],
        [f"- {name}: {value}" for name, value in result.conditions.items()],
        ["", ", ".join(f"{name} {value}" for name, value in result.machine.items()), ""],
        found or ["within the budget"],
    )  # fmt: skip
    lines = [line for part in parts for line in part]
    return "\n".join(("# What an authentication costs", "", *lines, ""))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---"] * len(columns)
    return [*(f"| {' | '.join(row)} |" for row in (columns, rule, *rows)), ""]


def _costs(result: Result, name: str) -> tuple[str, ...]:
    rate = f"{statistics.median(each[name] for each in result.rates):.0f}"
    cost = result.costs.get(name)
    if cost is None:
        return (rate, "", "", "")
    counted = "" if cost.statements is None else f"{cost.statements:.2f}"
    return (rate, f"{cost.service_us:.0f}", f"{cost.postgres_us:.0f}", counted)


def _crash(result: Result) -> str:
    if result.lost is None:
        return "not tried"
    return f"{result.acknowledged} answers were given, {result.lost} of them lost"


def write(result: Result, found: Sequence[str], folder: Path) -> None:
    """Write report.md and report.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(result, found), encoding="utf-8")
    content = {"ratios": result.ratios, **asdict(result), "faults": list(found)}
    (folder / "report.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
