"""What is done to a site, when, made from a seed.

A plan is a list of (pause before it, fault). Killing faults end at once; disturbing ones last for a
while and overlap. ``loadtests.chaos.hands`` does them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.chaos.cutter import Mode

_PAUSE_S = (0.4, 2.4)
_LASTS_S = (1.0, 6.0)
KILLS = {
    "kill -9 a serve worker": 8,
    "kill -9 the supervisor": 2,
    "kill -9 the worker": 5,
    "kill -9 PostgreSQL": 3,
    "kill -9 a backend of PostgreSQL": 2,
    "restart PostgreSQL": 1,
    "stop a serve worker for a while": 1,
    "stop the worker for a while": 1,
}
PROCESS_KILLS = ("kill -9 a serve worker", "kill -9 the supervisor", "kill -9 the worker")
CRASH = "kill -9 PostgreSQL"
WIRES = ("areq", "pages", "results", "sms", "database", "worker's database")
MODES: tuple[Mode, ...] = ("cut", "half_open", "slow", "forgotten")
MOODS = ("Directory Server misbehaves", "SMS gateway misbehaves")
RESTART = "SIGHUP: all serve workers are replaced"
SQUEEZES = ("no descriptors left", "no memory left")
CLOCKS = ("the clock of serve", "the clock of the worker")
OTHERS = (RESTART, *SQUEEZES, *CLOCKS)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is done; `mode` for a wire."""

    pause_s: float
    name: str
    lasts_s: float = 0.0
    mode: Mode = "pass"

    @property
    def title(self) -> str:
        """Give its full name."""
        return self.name if self.mode == "pass" else f"{self.name}: {self.mode}"


def faults(seed: int) -> Iterator[Fault]:
    """Make an endless plan; more than half are kills."""
    chance = random.Random(f"{seed}/plan")
    while True:
        pause_s, lasts_s = chance.uniform(*_PAUSE_S), chance.uniform(*_LASTS_S)
        dice = chance.random()
        if dice < 0.55:  # noqa: PLR2004 - a share
            (name,) = chance.choices(list(KILLS), list(KILLS.values()))
            yield Fault(pause_s, name, lasts_s)
        elif dice < 0.8:  # noqa: PLR2004 - a share
            yield Fault(pause_s, chance.choice(WIRES), lasts_s, chance.choice(MODES))
        elif dice < 0.92:  # noqa: PLR2004 - a share
            yield Fault(pause_s, chance.choice(MOODS), lasts_s)
        else:
            yield Fault(pause_s, chance.choice(OTHERS), lasts_s)


def each(seed: int) -> list[Fault]:
    """Make a plan that has every fault once, every wire in every way."""
    chance = random.Random(f"{seed}/each")
    found: list[tuple[str, Mode]] = [(name, "pass") for name in (*KILLS, *MOODS, *OTHERS)]
    found += [(wire, mode) for wire in WIRES for mode in MODES]
    chance.shuffle(found)
    return [
        Fault(chance.uniform(*_PAUSE_S), name, chance.uniform(*_LASTS_S), mode)
        for name, mode in found
    ]


@dataclass(frozen=True, slots=True)
class Enough:
    """When a run has seen enough: so many faults, or so many kills and crashes; None: never."""

    faults: int | None = None
    kills: int | None = None
    crashes: int = 0
    each_once: bool = False
    """Every fault comes once before the plan."""
    only: str = ""
    """Of the plan only what has this in its name."""

    def is_reached(self, kills: int, crashes: int) -> bool:
        """Tell whether so many kills and crashes are enough."""
        return self.kills is not None and kills >= self.kills and crashes >= self.crashes
