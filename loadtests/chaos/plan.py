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
HSM_KILL = "kill -9 a helper of the HSM"
HSM_MODES = {"the HSM's module hangs": "hang", "the HSM's module answers with an error": "error"}
HSM = (HSM_KILL, *HSM_MODES)
"""Where there is an HSM."""
OTHERS = (RESTART, *SQUEEZES, *CLOCKS)
FULL = "the database's disk is full"
_BRIEF_S = 0.5
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is done; `mode` for a wire."""

    pause_s: float
    name: str
    lasts_s: float = 0.0
    mode: Mode = "pass"
    step_s: int = 0
    """Of a clock; 0: an hour, by chance forward or back."""

    @property
    def title(self) -> str:
        """Give its full name."""
        if self.step_s:
            return f"{self.name}: {self.step_s:+} s"
        return self.name if self.mode == "pass" else f"{self.name}: {self.mode}"


def faults(seed: int, *, has_hsm: bool = False) -> Iterator[Fault]:
    """Make an endless plan; more than half are kills."""
    others = (*OTHERS, *HSM) if has_hsm else OTHERS
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
            yield Fault(pause_s, chance.choice(others), lasts_s)


def each(seed: int, *, has_hsm: bool = False) -> list[Fault]:
    """Make a plan that has every fault once, every wire in every way."""
    chance = random.Random(f"{seed}/each")
    found: list[tuple[str, Mode]] = [(name, "pass") for name in (*KILLS, *MOODS, *OTHERS)]
    found += [(name, "pass") for name in HSM if has_hsm]
    found += [(wire, mode) for wire in WIRES for mode in MODES]
    chance.shuffle(found)
    return [
        Fault(chance.uniform(*_PAUSE_S), name, chance.uniform(*_LASTS_S), mode)
        for name, mode in found
    ]


def kinds(*, has_disk: bool = False, has_hsm: bool = False) -> list[tuple[Fault, ...]]:
    """Make a plan without chance that has every fault once; those of a group begin together.

    While a process of one program stands still, the clock of the other is an hour ahead: its leases
    are over when it goes on, and none has to be waited for. With ``has_disk`` it gets full. No
    process of the service is killed after the HSM was ill: those who felt it must be well again.
    """
    networks = [
        tuple(
            Fault(0, wire, _BRIEF_S, MODES[(at + turn) % len(MODES)])
            for at, wire in enumerate(WIRES)
        )
        for turn in range(len(MODES))
    ]
    networks[1] += tuple(Fault(0, mood, _BRIEF_S) for mood in MOODS)
    serve, worker = CLOCKS
    steps = {(name, step): Fault(0, name, _BRIEF_S, step_s=step * _HOUR_S)
             for name in CLOCKS for step in (-1, 1)}  # fmt: skip
    others: list[tuple[str | Fault, ...]] = [
        ("kill -9 a serve worker", "kill -9 the worker"),
        ("stop a serve worker for a while", steps[worker, 1]),
        ("stop the worker for a while", steps[serve, 1]),
        (RESTART, steps[worker, -1]),
        (SQUEEZES[0],),
        (SQUEEZES[1], steps[serve, -1]),
        ("kill -9 the supervisor",),
        *((name,) for name in HSM if has_hsm),
        ("restart PostgreSQL",),
        ("kill -9 a backend of PostgreSQL",),
        *([(FULL,)] if has_disk else []),
        (CRASH,),
    ]
    return networks + [
        tuple(Fault(0, one, _BRIEF_S) if isinstance(one, str) else one for one in group)
        for group in others
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
