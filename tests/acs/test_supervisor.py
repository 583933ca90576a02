"""Several processes on one port: replaced one by one nobody notices, ended nobody is cut off."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import trustme

from acs import supervisor
from tests.acs.fleet import Client, Fleet, Traffic, until
from tests.revocation import NOW, revoked
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, OTP
from tests.story.pages import Page, packed
from tests.story.parties import CONTENT_TYPE, FakeDirectoryServer, FakePhone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.story.people import Cardholder


class Town:
    """A fleet with a Directory Server, a phone and people who pay."""

    def __init__(self, fleet: Fleet, directory: FakeDirectoryServer, phone: FakePhone) -> None:
        self.fleet, self.directory, self.phone = fleet, directory, phone

    def traffic(self, holder: Cardholder) -> Traffic:
        """Give AReqs that are answered with Y."""
        return Traffic(
            self.fleet.ports["ds"],
            lambda: browser_areq(holder.pan, ds_url=self.directory.url, amount="100"),
        )

    async def begin(self, holder: Cardholder) -> tuple[dict[str, Any], Page]:
        """Bring a cardholder as far as the page that asks for the code."""
        areq = browser_areq(holder.pan, ds_url=self.directory.url)
        edge = Client(self.fleet.ports["ds"])
        reply = await edge.once("POST", "/3ds/areq", json.dumps(areq).encode(), CONTENT_TYPE)
        ares = json.loads(reply.body)
        body = urlencode({"creq": packed(_creq(ares))})
        page = await self.post(Client(self.fleet.ports["cardholder"]), body)
        assert page.has_code_field, page.text
        return ares, page

    async def finish(self, holder: Cardholder, page: Page) -> Page:
        """Enter the code that came."""
        _, fields = page.forms()[0]
        code = self.phone.code(holder.phone)
        body = urlencode({**fields, "otp": code, "action": "submit"})
        return await self.post(Client(self.fleet.ports["cardholder"]), body)

    async def post(self, client: Client, body: str) -> Page:
        kind = "application/x-www-form-urlencoded"
        reply = await client.once("POST", "/challenge", body.encode(), kind)
        url = f"http://127.0.0.1:{client.port}/challenge"
        return Page(url, reply.status, reply.body.decode(), reply.headers)


def _creq(ares: dict[str, Any]) -> dict[str, str]:
    names = ("messageVersion", "threeDSServerTransID", "acsTransID")
    own = {"messageType": "CReq", "challengeWindowSize": "01"}
    return {**own, **{name: str(ares[name]) for name in names}}


@asynccontextmanager
async def town(dsn: str, folder: Path, workers: int = 2, **extra: str) -> AsyncIterator[Town]:
    directory, phone = FakeDirectoryServer(), FakePhone()
    await directory.start()
    await phone.start()
    fleet = Fleet(folder, dsn, {"ACS_SMS__INBOX_URL": phone.url, **extra})
    await fleet.prepare()
    try:
        await fleet.start(workers)
        yield Town(fleet, directory, phone)
    finally:
        if fleet.process is not None and fleet.process.poll() is None:
            fleet.signal(signal.SIGTERM)
            await fleet.ended()
        await phone.stop()
        await directory.stop()


async def test_workers_are_replaced_and_stopped_and_no_request_fails(
    dsn: str, tmp_path: Path
) -> None:
    async with town(dsn, tmp_path) as there:
        fleet, now = there.fleet, datetime.now(UTC)
        payers = [await fleet.enrol(now, OTP) for _ in range(3)]
        challenges = [await there.begin(payer) for payer in payers]
        traffic = there.traffic(await fleet.enrol(now, EASY))
        traffic.start(kept=2, fresh=1)
        await traffic.more(50)

        before = fleet.workers()
        fleet.signal(signal.SIGHUP)
        await until(lambda: "restart:done" in fleet.log)
        after = fleet.workers()
        await traffic.more(50)
        finals = [
            await there.finish(*pair)
            for pair in zip(payers, [p for _, p in challenges], strict=True)
        ]

        assert traffic.broken == []
        assert (len(after), before & after) == (2, set())
        assert traffic.told_to_close >= 2
        assert [final.cres and final.cres["transStatus"] for final in finals] == ["Y"] * 3
        told = [there.directory.result(ares["acsTransID"])["transStatus"] for ares, _ in challenges]
        assert told == ["Y"] * 3

        fleet.signal(signal.SIGTERM)
        await traffic.stop(until_closed=True)
        assert traffic.broken == []
        assert {answer["transStatus"] for answer in traffic.answers} == {"Y"}
        assert await fleet.ended() == 0


async def test_what_dies_comes_back_and_what_it_counted_is_kept(dsn: str, tmp_path: Path) -> None:
    async with town(dsn, tmp_path) as there:
        fleet = there.fleet
        traffic = there.traffic(await fleet.enrol(datetime.now(UTC), EASY))
        traffic.start(kept=3, fresh=3)
        await traffic.more(40)
        await traffic.stop()
        await fleet.counted("acs_areq_total", len(traffic.answers))
        before = fleet.workers()

        os.kill(min(before), signal.SIGKILL)
        await until(lambda: fleet.log.count("service:started") >= 3)
        answered = await fleet.metric("acs_areq_total")
        seen = await fleet.metric("acs_build_info")
        await fleet.counted("acs_processes_ready", 2)
        fleet.signal(signal.SIGHUP)
        await until(lambda: "restart:done" in fleet.log)

        assert len(fleet.workers() & before) == 0
        assert answered == len(traffic.answers) == await fleet.metric("acs_areq_total")
        assert seen == 1
        await fleet.counted("acs_processes_ready", 2)


async def test_a_hangup_before_there_are_workers_is_outlived(dsn: str, tmp_path: Path) -> None:
    """As `systemctl reload` right after a start, or somebody's script, sends it."""
    fleet = Fleet(tmp_path, dsn, {})
    await fleet.prepare()
    fleet.settings_file.unlink()
    os.mkfifo(fleet.settings_file)
    starting = asyncio.create_task(fleet.start(1))
    settings = await asyncio.to_thread(os.open, fleet.settings_file, os.O_WRONLY)  # it reads them

    fleet.signal(signal.SIGHUP)
    fleet.settings_file.unlink()
    fleet.settings_file.touch()
    os.close(settings)
    await starting

    assert len(fleet.workers()) == 1
    fleet.signal(signal.SIGTERM)
    assert await fleet.ended() == 0


async def test_settings_that_do_not_fit_leave_the_workers_that_serve(
    dsn: str, tmp_path: Path
) -> None:
    async with town(dsn, tmp_path) as there:
        fleet, before = there.fleet, there.fleet.workers()
        keyless = tmp_path / "keyless.json"
        keyless.write_text('{"keys": []}', encoding="utf-8")
        faults = (
            ('[work]\npoll_s = "often"\n', "work.poll_s"),
            (f'[keys]\nauthentication_values = "{keyless}"\n', "no active key"),
        )
        for number, (text, said) in enumerate(faults, 1):
            fleet.settings_file.write_text(text, encoding="utf-8")
            fleet.signal(signal.SIGHUP)
            await until(lambda: fleet.log.count("restart:refused") == number)  # noqa: B023
            assert said in fleet.log
        reply = await Client(fleet.ports["ops"]).once("GET", "/readyz")

        assert fleet.workers() == before
        assert reply.status == 200


async def test_a_fresh_revocation_list_is_taken_up_by_a_restart_and_a_bad_one_is_not(
    dsn: str, tmp_path: Path
) -> None:
    visa = trustme.CA()
    good, bad = visa.issue_cert("ds.visa.example"), visa.issue_cert("old.visa.example")
    settings, asking = _over_tls(tmp_path, visa)
    file = Path(settings["ACS_DS__CLIENT_CRL"])
    file.write_bytes(revoked(visa))
    async with town(dsn, tmp_path, 1, **settings) as there:
        fleet, port = there.fleet, there.fleet.ports["ds"]

        async def who_is_let_in() -> list[bool]:
            return [await _is_let_in(port, asking(one)) for one in (good, bad)]

        assert await who_is_let_in() == [True, True]
        file.write_bytes(revoked(visa, bad.cert_chain_pems[0]))
        assert await who_is_let_in() == [True, True]
        fleet.signal(signal.SIGHUP)
        await until(lambda: "restart:done" in fleet.log)
        assert await who_is_let_in() == [True, False]
        assert '"client:refused","edge":"ds","reason":"certificate revoked"' in fleet.log

        for number, (text, said) in enumerate(
            ((b"<html>", "holds no revocation list"), (revoked(visa, end=NOW), "ended on ")), 1
        ):
            file.write_bytes(text)
            fleet.signal(signal.SIGHUP)
            await until(lambda: fleet.log.count("restart:refused") == number)  # noqa: B023
            assert f"ds.client_crl: {file}" in fleet.log
            assert said in fleet.log
            assert await who_is_let_in() == [True, False]

        # One that dies is replaced all the same: the other edges need no list.
        os.kill(min(fleet.workers()), signal.SIGKILL)
        await until(lambda: fleet.log.count("service:started") >= 3)
        assert await who_is_let_in() == [False, False]
        assert '"reason":"CRL has expired"' in fleet.log
        assert (await Client(fleet.ports["ops"]).once("GET", "/readyz")).status == 200


def _over_tls(
    folder: Path, authority: trustme.CA
) -> tuple[dict[str, str], Callable[[trustme.LeafCert], ssl.SSLContext]]:
    """Give settings of mutual TLS for Directory Servers, and what makes the context of one."""
    own = trustme.CA()
    made = own.issue_cert("acs.example")
    made.private_key_and_cert_chain_pem.write_to_path(folder / "acs.pem")
    (folder / "acs.pem").chmod(0o400)
    authority.cert_pem.write_to_path(folder / "visa.pem")
    network = {"id": "visa", "schemes": ["visa"], "hosts": ["x"], "client_subject": "x"}
    settings = {
        "ACS_DS__TLS_CERT": str(folder / "acs.pem"),
        "ACS_DS__TLS_KEY": str(folder / "acs.pem"),
        "ACS_DS__CLIENT_CA": str(folder / "visa.pem"),
        "ACS_DS__CLIENT_CRL": str(folder / "visa.crl"),
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([network]),
    }

    def asking(leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.create_default_context()
        own.configure_trust(context)
        leaf.configure_cert(context)
        return context

    return settings, asking


async def _is_let_in(port: int, context: ssl.SSLContext) -> bool:
    """Tell whether a client's request is answered at all."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="acs.example"
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: acs\r\nConnection: close\r\n\r\n")
        return (await reader.read()).startswith(b"HTTP/1.1 ")
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def test_what_workers_count_together_lies_in_memory(tmp_path: Path) -> None:
    """On a full disk a process that counts there is ended by SIGBUS."""
    assert supervisor._in_memory() == (Path("/dev/shm") if Path("/dev/shm").is_dir() else None)
    assert supervisor._in_memory(tmp_path / "none") is None


async def test_workers_that_cannot_live_end_the_supervisor(dsn: str, tmp_path: Path) -> None:
    async with town(dsn, tmp_path) as there:
        fleet = there.fleet
        fleet.settings_file.write_text("[work]\npoll_s = 0\n", encoding="utf-8")
        for pid in fleet.workers():
            os.kill(pid, signal.SIGKILL)

        assert await fleet.ended() == 1
        assert len(re.findall("worker:ended", fleet.log)) >= 2 + 5


async def test_a_worker_whose_loop_stands_still_is_replaced(dsn: str, tmp_path: Path) -> None:
    async with town(dsn, tmp_path) as there:
        fleet = there.fleet
        stuck = min(fleet.workers())
        os.kill(stuck, signal.SIGSTOP)
        await until(lambda: fleet.log.count("service:started") >= 3)

        assert f'"worker:stuck","pid":{stuck}' in fleet.log
        assert stuck not in fleet.workers()
        assert len(fleet.workers()) == 2


async def test_a_supervisor_that_can_start_nobody_lets_the_others_serve(
    dsn: str, tmp_path: Path
) -> None:
    async with town(dsn, tmp_path) as there:
        fleet, (dies, serves) = there.fleet, sorted(there.fleet.workers())
        supervising = fleet.process
        assert supervising is not None
        pid = supervising.pid
        most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most[1]))  # no file more
        os.kill(dies, signal.SIGKILL)
        await until(lambda: supervising.poll() is not None or "worker:unmade" in fleet.log)
        assert supervising.poll() is None
        fleet.signal(signal.SIGHUP)
        await until(lambda: "restart:refused" in fleet.log)
        meanwhile = fleet.workers()

        resource.prlimit(pid, resource.RLIMIT_NOFILE, most)
        await until(lambda: fleet.log.count("service:started") >= 3)
        assert meanwhile == {serves}
        assert serves in fleet.workers()
        assert len(fleet.workers()) == 2


def test_a_refused_restart_that_finds_no_room_in_the_log_ends_nobody() -> None:
    script = (
        "from acs import log, supervisor\n"
        "from acs.systemd import Systemd\n"
        "log.setup()\n"
        "supervisor._Workers([], {}, {}, 1, 1.0, systemd=Systemd({}))._give_up()\n"
        "print('lives')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=writer, check=False
    )
    os.close(writer)

    assert ended.stdout == b"lives\n"


async def test_workers_follow_a_supervisor_that_is_killed(dsn: str, tmp_path: Path) -> None:
    async with town(dsn, tmp_path) as there:
        fleet = there.fleet
        fleet.signal(signal.SIGKILL)
        await fleet.ended()

        await until(lambda: fleet.log.count("service:stopped") >= 2)


async def test_what_a_killed_supervisor_left_goes_when_its_last_worker_has_ended(
    dsn: str, tmp_path: Path
) -> None:
    async with town(dsn, tmp_path) as there:
        fleet, (pid, *_) = there.fleet, sorted(there.fleet.workers())
        told = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        name = b"PROMETHEUS_MULTIPROC_DIR="
        folder = next(Path(os.fsdecode(one.removeprefix(name))) for one in told if name in one)
        os.kill(pid, signal.SIGSTOP)
        fleet.signal(signal.SIGKILL)
        await fleet.ended()
        await until(lambda: "service:stopped" in fleet.log)

        supervisor._clear_if_dead(folder)
        counted = {one.name for one in folder.iterdir()}
        os.kill(pid, signal.SIGCONT)
        await until(lambda: fleet.log.count("service:stopped") >= 2)
        await until(lambda: is_free(folder))
        (tmp_path / "log").unlink()
        await fleet.start(1)

    assert f"counter_{pid}.db" in counted
    assert not folder.exists()


def is_free(folder: Path) -> bool:
    lock = os.open(folder, os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def test_a_folder_in_which_nobody_has_begun_to_count_stays(tmp_path: Path) -> None:
    """Its supervisor may be about to lock it."""
    (tmp_path / "acs-counts-new").mkdir()
    (tmp_path / "acs-counts-file").touch()
    (tmp_path / "acs-counts-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "acs-counts-dead").mkdir()
    (tmp_path / "acs-counts-dead" / "counter_1.db").touch()

    folder, lock = supervisor._counts_folder(tmp_path)
    os.close(lock)

    left = {"acs-counts-new", "acs-counts-file", "acs-counts-link", "elsewhere", Path(folder).name}
    assert {one.name for one in tmp_path.iterdir()} == left
    assert (tmp_path / "elsewhere" / "file").exists()


async def test_the_service_manager_knows_when_it_serves_and_how_a_restart_ended(
    dsn: str, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(0)
        told: list[dict[str, str]] = []
        alive = 0

        def is_told(count: int) -> bool:
            nonlocal alive
            with suppress(BlockingIOError):
                while True:
                    lines = systemd.recv(1000).decode().split("\n")
                    if lines == ["WATCHDOG=1"]:
                        alive += 1
                    else:
                        told.append(dict(line.split("=", 1) for line in lines))
            return len(told) >= count

        path, patience_us = str(tmp_path / "notify"), "600000000"
        async with town(dsn, tmp_path, NOTIFY_SOCKET=path, WATCHDOG_USEC=patience_us) as there:
            await until(lambda: is_told(1))
            there.fleet.signal(signal.SIGHUP)
            await until(lambda: is_told(3))
            assert "restart:done" in there.fleet.log
            there.fleet.settings_file.write_text("[work]\npoll_s = 0\n", encoding="utf-8")
            there.fleet.signal(signal.SIGHUP)
            await until(lambda: is_told(5))
            assert "restart:refused" in there.fleet.log
        assert is_told(6)

    kinds = [next(name for name in each if name.isupper()) for each in told]
    assert kinds == ["READY", "RELOADING", "READY", "RELOADING", "READY", "STOPPING"]
    assert told[2]["STATUS"] == "serving"
    assert "the last restart was given up" in told[4]["STATUS"]
    assert alive >= 1
