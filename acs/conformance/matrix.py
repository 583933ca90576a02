"""The page that shows which case shows which rule, in which version and channel; gaps as gaps."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acs.conformance.base import CHANNELS, VERSIONS
from acs.conformance.report import by_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from acs.conformance.cases import Case

_ANY = "any"
_INTRODUCTION = """\
# Conformance

Made from `tests/conformance` by `make docs`. `acs conformance` runs the cases against a running
ACS, ours (`make run`, then `.venv/bin/acs conformance`) or any other by `--url`, the address where
it takes AReqs, and prints what came of it by rule. A case is a folder: `facts.toml` (title, why,
rules, versions, channels, card),
`areq.json` (what differs from a complete valid AReq), `expect.json` (what the answer must hold),
`steps.json` (what browser and cardholder do then), `rres.json` (how the results are answered).

Cases name a kind of card. The demo's network knows cards of every kind; for another ACS a file
(`--card-file`) names them, and how its challenge page is filled in:

```toml
[[card]]
kind = "challenge_otp"      # challenge_pin_otp, frictionless, over_limit, not_enrolled, blocked,
pan = "4000001000000018"    # expired, no_key, unknown_in_range, outside_ranges
code = "static 123456"      # or "phone URL": a JSON list of {"text"}, newest first
[page]
otp = "otp"                 # pin, action, submit, resend, cancel: names of fields and buttons
```

Cases of the app need an SDK, which the demo's network lends (`--demo`). For another ACS run
`python -m loadtests.network --ds-edge URL --state DIR` beside it, with the root that its SDKs trust
in `DIR/sdk/ds-root.pem`; without that file the SDK looks at no chain.

A kind that is not there, and an SDK that nobody lends, skips its cases. The exit code is 0 when
every run passed, 1 when one failed or nobody answered, 2 for wrong use. A run whose AReq met an ACS
without time for it (Erro 402, 403) is run once more, and counted. Every challenge that the set
begins it ends.

Rules are those of EMV 3-D Secure by the numbers the code cites. A number is how many cases show the
rule there; `·` that the rule does not depend on the channel and another column shows it; `-` that
it does not hold there; **gap** that no case shows it. Why a rule has no case is said in its row and
argued in [DIVERGENCES.md](DIVERGENCES.md).

"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says in few words, where it holds, and why no case can show it."""

    id: str
    says: str
    versions: tuple[str, ...] = VERSIONS
    channels: tuple[str, ...] = (_ANY,)
    gap: str | None = None


def read_rules(path: Path) -> dict[str, list[Rule]]:
    """Read the rules by section."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        section["title"]: [_rule(id_, given) for id_, given in section["rules"].items()]
        for section in content["section"]
    }


def page(sections: Mapping[str, Sequence[Rule]], cases: Sequence[Case]) -> str:
    """Give the page."""
    runs = sum(len(case.runs()) for case in cases)
    parts = [_INTRODUCTION, f"{len(cases)} cases, {runs} runs.\n"]
    for title, rules in sections.items():
        parts += [f"\n## {title}\n\n", _head(), *(_row(rule, cases) for rule in rules)]
    parts.append("\n## Cases by rule\n\n")
    for rules in sections.values():
        for rule in rules:
            names = ", ".join(f"`{case.id}`" for case in _of(rule, cases))
            if names:
                parts.append(f"- **{rule.id}** {names}\n")
    return "".join(parts)


def gaps(rules: Iterable[Rule], cases: Sequence[Case]) -> list[str]:
    """Name each place where a rule without a reason has no case."""
    return [
        f"{rule.id} {version} {channel}"
        for rule in rules
        if rule.gap is None
        for version in rule.versions
        for channel in rule.channels
        if not _count(rule, cases, version, channel)
    ]


def unknown_rules(rules: Iterable[Rule], cases: Iterable[Case]) -> list[str]:
    """Name rules that cases speak of and nobody has listed."""
    known = {rule.id for rule in rules}
    return sorted({one for case in cases for one in case.rules} - known, key=by_number)


def _rule(id_: str, given: Mapping[str, str]) -> Rule:
    return Rule(
        id_,
        given["says"],
        tuple(given.get("versions", " ".join(VERSIONS)).split()),
        tuple(given.get("channels", _ANY).split()),
        given.get("gap"),
    )


def _of(rule: Rule, cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if rule.id in case.rules]


def _count(rule: Rule, cases: Iterable[Case], version: str, channel: str) -> int:
    return sum(
        version in case.versions and (channel == _ANY or channel in case.channels)
        for case in _of(rule, cases)
    )


def _head() -> str:
    columns = [f"{version} {channel}" for version in VERSIONS for channel in CHANNELS]
    return f"| rule | says | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}\n"


def _row(rule: Rule, cases: Sequence[Case]) -> str:
    cells = [_cell(rule, cases, version, channel) for version in VERSIONS for channel in CHANNELS]
    says = rule.says if rule.gap is None else f"{rule.says} (*{rule.gap}*)"
    return f"| {rule.id} | {says} | {' | '.join(cells)} |\n"


def _cell(rule: Rule, cases: Sequence[Case], version: str, channel: str) -> str:
    is_free = rule.channels == (_ANY,)
    if version not in rule.versions or not (is_free or channel in rule.channels):
        return "-"
    count = _count(rule, cases, version, channel)
    if count:
        return str(count)
    return "·" if is_free and _count(rule, cases, version, _ANY) else "**gap**"
