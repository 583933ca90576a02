"""One helper from outside: started, asked, ended; and what reaches it of ours."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from acs.hsm.link import HsmKey, Link, NotReached, Place, Refused, probe
from tests import hsm
from tests.hsm import softhsm

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.hsm import SoftHsm

__all__ = ["softhsm"]
LONG_S = 300.0


def key(label: str, kind: str, wrong: str | None = None) -> HsmKey:
    return HsmKey(label, kind, lambda _: wrong)


def saying(program: str) -> Place:
    """Give a helper of our own that says something else."""
    return Place(Path("/lib.so"), "token", Path("/pin"), (sys.executable, "-c", program))


async def test_a_helper_answers_and_is_ended(softhsm: SoftHsm) -> None:
    link = await Link.open(softhsm.place, [key("iav-1", "hmac")], LONG_S)
    first = await link.ask("iav-1", None)
    assert await link.ask("iav-1", b"") == first
    assert await link.ask("iav-1", b"else") != first
    pid = link.pid
    await link.close()
    await link.ended()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_ended_is_not_reached_any_more(softhsm: SoftHsm) -> None:
    link = await Link.open(softhsm.place, [key("iav-1", "hmac")], LONG_S)
    os.kill(link.pid, signal.SIGKILL)
    await link.ended()
    with pytest.raises(NotReached, match="its process ended"):
        await link.ask("iav-1", b"")
    await link.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_process_that_ended_is_not_reached_whatever_the_loop(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    """The service runs in uvloop, where a pipe that is closed is told by another error."""
    place = saying("""input(); print('{"checks": {}, "faults": {}}')""")

    async def story() -> None:
        link = await Link.open(place, [], LONG_S)
        await link.ended()
        for _ in range(2):
            with pytest.raises(NotReached, match="its process ended"):
                await link.ask("iav-1", b"")
        await link.close()

    run(story())


async def test_signals_to_the_service_leave_the_helper_to_it(softhsm: SoftHsm) -> None:
    """A terminal and a service manager send theirs to every process of a group."""
    link = await Link.open(softhsm.place, [key("iav-1", "hmac")], LONG_S)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(link.pid, number)
    assert len(await link.ask("iav-1", b"")) == 32
    await link.close()


async def test_an_error_of_the_module_is_told_by_its_name(softhsm: SoftHsm, tmp_path: Path) -> None:
    control = tmp_path / "mode"
    control.write_text("well")
    link = await Link.open(softhsm.misbehaving(control), [key("iav-1", "hmac")], LONG_S)
    control.write_text("unfit")
    with pytest.raises(Refused, match="MechanismInvalid"):
        await link.ask("iav-1", b"")
    control.write_text("well")
    assert len(await link.ask("iav-1", b"")) == 32
    control.write_text("error")
    with pytest.raises(Refused, match="DeviceError"):
        await link.ask("iav-1", b"")
    await link.ended()  # the session is done with
    await link.close()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("", "its process ended"),
        ("print()", "its process ended before it was ready"),
        ("print('{}')", "its process ended before it was ready"),
        ("print('[1]')", "its process ended before it was ready"),
        ('print(\'{"checks": {"iav-1": "xy"}, "faults": {}}\')', "before it was ready"),
        ("print('x' * 100_000)", "its process ended"),
        ("import signal; signal.pause()", "it did not answer within 0.5 s"),
    ],
)
async def test_a_helper_that_never_gets_ready_is_not_reached(program: str, why: str) -> None:
    place, keys = saying(program), [key("iav-1", "hmac")]
    with pytest.raises(NotReached, match=why):
        await Link.open(place, keys, 0.5 if "pause" in program else LONG_S)
    with pytest.raises(NotReached, match=why):
        await asyncio.to_thread(probe, place, keys, 0.5 if "pause" in program else LONG_S)


@pytest.mark.parametrize("answer", ['["ok", 2]', '["ok", "xy"]', "[]", "ok"])
async def test_an_answer_that_cannot_be_read_is_none(answer: str) -> None:
    ready = '{"checks": {}, "faults": {}}'
    program = f"print({ready!r}, flush=True); input(); input(); print({answer!r})"
    link = await Link.open(saying(program), [], LONG_S)
    with pytest.raises(NotReached, match="cannot be read"):
        await link.ask("iav-1", b"")
    await link.close()


def test_the_probe_names_each_key_at_fault(softhsm: SoftHsm) -> None:
    keys = [key("iav-1", "hmac"), key("nobody", "hmac"), key("ec", "ec", "it is another one")]
    assert probe(softhsm.place, keys, LONG_S) == {
        "nobody": "the token holds no secret_key with the label nobody",
        "ec": "it is another one",
    }


def test_the_probe_tells_what_only_a_person_can_change(softhsm: SoftHsm, tmp_path: Path) -> None:
    with pytest.raises(NotReached) as missing:
        probe(replace(softhsm.place, token="another"), [], LONG_S)
    assert not missing.value.is_lasting
    (tmp_path / "pin").write_text("wrong-pin-3141")
    with pytest.raises(NotReached) as refused:
        probe(replace(softhsm.place, pin_file=tmp_path / "pin"), [], LONG_S)
    assert refused.value.is_lasting
    assert "3141" not in str(refused.value)


async def test_no_setting_of_ours_reaches_a_vendors_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACS_DATABASE__URL", "postgresql://acs:secret@db/acs")
    monkeypatch.setenv("VENDOR_CONF", "/etc/vendor.conf")
    program = (
        "import json, os; print(json.dumps({'fault': ' '.join(sorted(os.environ)), "
        "'lasting': False}))"
    )
    with pytest.raises(NotReached) as told:
        await Link.open(saying(program), [], LONG_S)
    assert "VENDOR_CONF" in str(told.value)
    assert "ACS_" not in str(told.value)


_PARENT = """
import asyncio, sys
from pathlib import Path
from acs.hsm.link import HsmKey, Link, Place
async def main():
    place = Place(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    link = await Link.open(place, [HsmKey("iav-1", "hmac", lambda _: None)], 300)
    print(link.pid, flush=True)
    input()
    await link.ask("iav-1", b"")
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
@pytest.mark.parametrize("hangs", [False, True])
async def test_a_helper_ends_with_a_process_that_is_killed(
    softhsm: SoftHsm, tmp_path: Path, hangs: bool
) -> None:
    control = tmp_path / "mode"
    control.write_text("well")
    place = softhsm.misbehaving(control)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, str(place.module), hsm.TOKEN, str(place.pin_file),
        *place.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdin is not None
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    if hangs:
        control.write_text("hang")
        parent.stdin.write(b"\n")
        await parent.stdin.drain()
    parent.kill()
    await parent.wait()
    await _until(lambda: not _is_alive(pid))


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():
            await asyncio.sleep(0.01)


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has reaped yet runs no more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
