"""From measures to ratios, from ratios to a verdict and two files."""

import json
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BUDGET = Path(__file__).with_name("budget.toml")
RATIOS = {
    "Y/A": "frictionless AReqs to a bare HTTP server",
    "C/A": "AReqs with a challenge to the same",
    "T/A": "frictionless AReqs under mutual TLS to the same in clear",
    "Y/D": "frictionless AReqs to their two statements one by one",
}


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a run found out. ``rates`` are answers a second by target, one mapping a round."""

    rates: Sequence[Mapping[str, float]]
    latencies_ms: Mapping[str, float]
    per_message: Mapping[str, float]
    machine: Mapping[str, str]
    rows_missing: int

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


def faults(result: Result, budget: Mapping[str, float]) -> list[str]:
    """Name what is worse than the budget allows, and every answer without its row."""
    ratios = result.ratios
    found = [
        f"{name} is {ratios[name][0]:.3f}, the budget asks for {least:.3f}"
        for name, least in budget.items()
        if name in ratios and ratios[name][0] < least
    ]
    if result.rows_missing:
        found.append(f"{result.rows_missing} answers have no row of their own")
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
    ratios = [
        f"| {name} | {RATIOS[name]} | {middle:.3f} | {least:.3f}-{most:.3f} |"
        for name, (middle, least, most) in result.ratios.items()
    ]
    return "\n".join(
        (
            "# What an authentication costs",
            "",
            "| ratio | of | median | least-greatest |",
            "| --- | --- | --- | --- |",
            *ratios,
            "",
            *(f"- {name}: {value:.1f}" for name, value in result.per_message.items()),
            *(f"- {name}: {value:.1f} ms" for name, value in result.latencies_ms.items()),
            f"- answers without a row: {result.rows_missing}",
            "",
            ", ".join(f"{name} {value}" for name, value in result.machine.items()),
            "",
            *(found or ["within the budget"]),
            "",
        )
    )


def write(result: Result, found: Sequence[str], folder: Path) -> None:
    """Write report.md and report.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(result, found), encoding="utf-8")
    content = {
        "ratios": result.ratios,
        "rates": list(map(dict, result.rates)),
        "latencies_ms": dict(result.latencies_ms),
        "per_message": dict(result.per_message),
        "machine": dict(result.machine),
        "rows_missing": result.rows_missing,
        "faults": list(found),
    }
    (folder / "report.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
