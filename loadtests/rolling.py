"""`python -m loadtests.rolling`: replace every worker under load; 1 when one request failed.

A site of its own: PostgreSQL, `acs serve --workers 2`, `acs work`. First as many AReqs as are
answered, to learn the saturation; then an open loop at a share of it, in which an AReq is due at
its time whatever became of those before. Meanwhile SIGHUP replaces all workers, again and again. In
the end every answer that was read must be in the database.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.chaos.processes import children_of, kill
from loadtests.chaos.site import Site, site
from loadtests.chaos.stream import Stream

_PEOPLE = 120
_CONNECTIONS = 32
_UNDER_WAY_MAX = 5000
_REPLACED_WITHIN_S = 180.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `restarts_s` is how long each took."""

    saturation: float
    rate: float
    restarts_s: Sequence[float]
    stream: Stream
    missing: Sequence[str]

    @property
    def failed(self) -> int:
        """Count what was not answered as it should be, or is not stored."""
        return self.stream.refused.total() + len(self.missing)


async def run(folder: Path, share: float, restarts: int, measured_s: float) -> Outcome:
    """Measure, load, restart, count."""
    async with site(folder, 1, _PEOPLE) as place:
        easy = [one for one in place.holders if one.kind == "easy" and not one.has_limits]
        url = f"http://127.0.0.1:{place.ports['ds']}/3ds/areq"
        base = place.url("results", "")
        trying = Stream(url, base, easy)
        await trying.saturate(_CONNECTIONS, measured_s / 2)  # statements prepared, caches filled
        saturation = await trying.saturate(_CONNECTIONS, measured_s)
        stream = Stream(url, base, easy, most=_UNDER_WAY_MAX)
        rate = share * saturation
        loading = asyncio.create_task(stream.run(rate))
        took = [await _restart(place) for _ in range(restarts)]
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        conn = await place.connect()
        try:
            missing = await stream.missing(conn)
        finally:
            await conn.close()
        return Outcome(saturation, rate, took, stream, missing)


async def _restart(place: Site) -> float:
    """Replace all workers; gives the seconds."""
    supervisor = place.programs["serve"].pid
    assert supervisor is not None
    before, began = set(children_of(supervisor)), time.monotonic()
    kill(supervisor, signal.SIGHUP)
    while before & set(children_of(supervisor)):
        if time.monotonic() > began + _REPLACED_WITHIN_S:
            sys.exit(f"not replaced within {_REPLACED_WITHIN_S:.0f} s; logs in {place.folder}")
        await asyncio.sleep(_LOOK_S)
    return time.monotonic() - began


def _tell(outcome: Outcome) -> None:
    latencies = sorted(outcome.stream.latencies_ms)
    print(f"saturation           {outcome.saturation:8.0f} AReqs a second")
    print(f"rate                 {outcome.rate:8.0f}")
    for number, seconds in enumerate(outcome.restarts_s, 1):
        print(f"restart {number}            {seconds:8.1f} s")
    print(f"AReqs answered       {len(latencies):8}")
    for share in (0.5, 0.95, 0.99, 1.0):
        at = latencies[min(int(share * len(latencies)), len(latencies) - 1)]
        print(f"  latency, {share:4.0%}      {at:8.0f} ms from when the AReq was due")
    print(f"answers not stored   {len(outcome.missing):8}")
    print(f"failed               {outcome.stream.refused.total():8}")
    for name, times in outcome.stream.refused.items():
        print(f"  {name}: {times}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 when a request failed or an answer is lost."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.rolling", description=__doc__)
    parser.add_argument("--share", type=float, default=0.7, help="of the saturation")
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--measured-s", type=float, default=8.0, help="to learn the saturation")
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="acs-rolling-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    outcome = asyncio.run(run(folder, options.share, options.restarts, options.measured_s))
    _tell(outcome)
    if outcome.failed:
        print(f"logs in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(outcome.failed) or not outcome.stream.answered)


if __name__ == "__main__":
    sys.exit(main())
