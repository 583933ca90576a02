"""The composition root: builds what flows are handed, mounts edges on listeners, runs the worker.

This module alone knows everybody. What is read from files it is handed (``acs.parts``).
Each edge has its own listener, its own limits and its own connection pool; one process may serve
one edge or all of them, and any process may run the worker.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from acs import VERSION, certificates, clock, live_tables, log, metrics, policies
from acs.background import Background
from acs.directory_server import DirectoryServers
from acs.drain import SILENT_STOPPING_S, drain
from acs.edges import browser, ds, ops, receipts
from acs.edges.connections import AppRunner
from acs.edges.middleware import Guard
from acs.edges.proxies import networks
from acs.edges.receipts import ReceiptPorts
from acs.flows import housekeeping, retention
from acs.inherited import BACKLOG
from acs.live_tables import LiveTables
from acs.ports import Ports
from acs.readiness import checks, faults
from acs.secret_files import database_addresses
from acs.store import audit_chain
from acs.store.card_ranges import BadPolicy
from acs.store.pool import Pool, PoolSettings, Unavailable
from acs.work.loop import WorkLoop
from acs.work.sources import sources
from enrollment import edge as enrollment_edge
from enrollment.edge import EnrollmentPorts
from enrollment.portal import gate as portal_gate
from enrollment.portal import routes as portal_routes
from enrollment.portal.routes import PortalPorts
from otp.gateways import receipts as reports
from otp.gateways.carriers import Watch
from otp.gateways.deliver import Delivery, DeliveryPorts
from otp.gateways.port import ReportState
from otp.gateways.smpp.gateway import SmppGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from acs.config import Listen, Settings
    from acs.edges.refusals import Refusal
    from acs.hsm.keys import HsmValueKeys
    from acs.inherited import Listener
    from acs.parts import Parts
    from acs.store.pool import Connection
    from otp.gateways.port import Report
    from otp.gateways.receipts import Recorded

EDGES = ("ds", "cardholder", "enrollment", "portal", "ops", "receipts")
SENDING = frozenset({"cardholder", "enrollment", "portal"})
"""Edges whose requests send messages at once; so does the worker."""
_BODY_LIMITS = {
    "cardholder": browser.BODY_LIMIT_BYTES,
    "enrollment": 32 * 1024,
    "portal": portal_routes.BODY_LIMIT_BYTES,
    "ops": 4 * 1024,
    "receipts": receipts.BODY_LIMIT_BYTES,
}
DATABASE_WITHIN_S = 30.0
ANSWER_FLOOR_S = 0.4
"""Answers of registration and sign-in take as long for everybody."""
_FITNESS_S = 5.0
_GC_THRESHOLD = 50_000
"""Objects between two looks for cycles: requests make thousands and hardly a cycle among them."""


def settle_memory() -> None:
    """Look for cycles seldom, and never among what was made until now."""
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)


def edges_of(settings: Settings, named: Sequence[str] | None = None) -> tuple[str, ...]:
    """Give the edges to serve of those named, or of all: receipts only if reports are asked for."""
    wanted = named or EDGES
    return tuple(name for name in wanted if name != "receipts" or settings.reporting_providers)


@dataclass(frozen=True, slots=True)
class MessagePool:
    """Our pool as the message delivery wants it."""

    pool: Pool

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection."""
        return self.pool.connection()


class NotFit(Exception):
    """Something is wrong with a process that must not listen then; the message says what."""


@dataclass(slots=True)
class Service:
    """One process of the service.

    ``listeners`` are inherited from a supervisor; None binds the settings' addresses. One that
    ``must_be_fit`` listens only when nothing is wrong. ``before_work`` is done before work begins.
    """

    settings: Settings
    dsn: str
    parts: Parts
    pools: dict[str, Pool] = field(default_factory=dict)
    runners: list[web.BaseRunner] = field(default_factory=list)
    loops: list[WorkLoop] = field(default_factory=list)
    background: Background = field(default_factory=Background)
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    listeners: Mapping[str, Listener] | None = None
    must_be_fit: bool = False
    is_leaving: bool = False
    before_work: Callable[[Ports], Awaitable[object]] | None = None

    async def start(self, edges: Sequence[str], *, work: bool) -> None:
        """Connect, build, listen. Raises Unavailable, NotFit or OSError."""
        worker = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        for name in (*edges, *(("work",) if work else ())):
            self.pools[name] = await self._connect(name)
        tables = await self._tables()
        async with tables.pool.connection() as conn:
            if await audit_chain.is_of_others(conn, self.parts.keys.audit):
                raise NotFit(audit_chain.OTHER_KEYS)
        await self.parts.clock.settle(tables.pool)
        self.background.keep(tables.look, "tables", live_tables.EVERY_S)
        self.background.keep(partial(self.parts.clock.look, tables.pool), "clock", clock.EVERY_S)
        delivery = self._delivery(tables.pool, worker)
        if work or SENDING & set(edges):
            self._bind()
        servers = self.parts.directory_servers
        directory_servers = DirectoryServers(servers, sockets_max=self.settings.ds.sockets_max)
        certificates.tell_ends(servers, self.parts.tls_ends)
        self.closers += [delivery.close, directory_servers.close]
        if self.parts.number_checks is not None:
            self.closers.append(self.parts.number_checks.close)
        first = Ports(
            pool=tables.pool,
            keys=self.parts.keys,
            values=self.parts.values,
            directory_servers=directory_servers,
            tables=tables,
            messages=delivery,
            pages=self.parts.pages,
            policies=self.parts.policies,
            clock=self.parts.clock,
            worker=worker,
            background=self.background,
            number_checks=self.parts.number_checks,
            hsm=await self._reach_hsm(),
            card_host=policies.card_host(self.settings),
        )
        if self.must_be_fit:
            wrong = await faults(checks(first, self.parts.migrations))
            if wrong:
                raise NotFit("; ".join(wrong))
        for name in edges:
            await self._listen(name, replace(first, pool=self.pools[name]))
        if work:
            await self._work(replace(first, pool=self.pools["work"]))
        last = replace(first, pool=list(self.pools.values())[-1])  # not the Directory Servers' one
        self.background.keep(partial(self._tell_fitness, last, delivery), "fitness", _FITNESS_S)
        settle_memory()
        metrics.announce(VERSION)

    async def stop(self, silent_s: float = SILENT_STOPPING_S) -> None:
        """Stop listening, let work in hand end, close what is open.

        ``silent_s`` is for connections without a request; requests, claimed work and what requests
        have begun get ``work.stop_grace_s``.
        """
        self.is_leaving = True
        grace_s = self.settings.work.stop_grace_s
        handshakes = any(context is not None for context in self.parts.contexts.values())
        await asyncio.gather(
            drain(self.runners, silent_s, handshakes=handshakes),
            *(loop.stop(grace_s) for loop in self.loops),
        )
        await self.background.drain(grace_s)
        for close in self.closers:
            await close()
        await asyncio.gather(*(pool.close() for pool in self.pools.values()))
        log.event("service:stopped", pid=os.getpid())

    async def _tables(self) -> LiveTables:
        tables = LiveTables(next(iter(self.pools.values())))
        try:
            await tables.load()
        except BadPolicy as error:
            message = f"{error}; `acs seed` of this version stores another"
            raise NotFit(message) from error
        return tables

    async def _reach_hsm(self) -> HsmValueKeys | None:
        if self.parts.hsm is None:
            return None
        hsm, keys = self.parts.hsm.open()
        self.closers.append(hsm.close)
        await hsm.start()
        return keys

    async def _connect(self, name: str) -> Pool:
        given = self.settings.database
        settings = PoolSettings(
            dsn=self.dsn,
            role=given.role,
            size=given.pool_size,
            acquire_timeout_s=given.acquire_timeout_s,
            statement_timeout_ms=given.statement_timeout_ms,
            lock_timeout_ms=given.lock_timeout_ms,
            application_name=f"acs {name}",
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + DATABASE_WITHIN_S
        while True:
            try:
                return await Pool.open(settings)
            except Unavailable:
                if loop.time() > end:
                    raise
                await asyncio.sleep(0.5)

    def _delivery(self, pool: Pool, worker: str) -> Delivery:
        return Delivery(
            DeliveryPorts(
                pool=MessagePool(pool),
                vault=self.parts.keys.vault,
                gateways=self.parts.gateways,
                clock=self.parts.clock,
                worker=worker,
                sender=self.settings.sms.sender,
                watch=Watch(sent=_observe_message, breaker=_observe_breaker),
                observe_report=_observe_report,
                policy=policies.otp_policy(self.settings),
                routes=policies.routes(self.settings),
                most_each=self.settings.sms.most_each,
                same_text_on_unknown=self.settings.sms.failover_on_unknown == "same_text",
                away=Unavailable,
            )
        )

    def _bind(self) -> None:
        """Make standing connections to carriers now, ahead of the first message."""
        for gateway in self.parts.gateways:
            if isinstance(gateway, SmppGateway):
                gateway.start(_observe_link)

    async def _listen(self, name: str, ports: Ports) -> None:
        proxies = networks(getattr(getattr(self.settings, name), "proxies", ()))
        guard = Guard(
            name, answer=self._refusals(name, ports), is_leaving=lambda: self.is_leaving,
            proxies=proxies,
        )  # fmt: skip
        runner = self._runner(name, ports, guard)
        await runner.setup()
        self.runners.append(runner)
        for site in self._sites(name, runner):
            await site.start()
        log.event("edge:started", edge=name, listen=str(getattr(self.settings, name).listen))

    def _runner(self, name: str, ports: Ports, guard: Guard) -> web.BaseRunner:
        grace_s = self.settings.work.stop_grace_s
        if name == "ds":
            return web.ServerRunner(ds.server(ports, guard), shutdown_timeout=grace_s)
        limit = _BODY_LIMITS[name]
        app = web.Application(middlewares=guard.middlewares(), client_max_size=limit)
        app.add_routes(self._routes(name, ports))
        return AppRunner(app, guard, shutdown_timeout=grace_s)

    def _sites(self, name: str, runner: web.BaseRunner) -> list[web.BaseSite]:
        tls = self.parts.contexts[name]
        if self.listeners is not None:
            sockets = self.listeners[name].sockets
            return [web.SockSite(runner, one, ssl_context=tls, backlog=BACKLOG) for one in sockets]
        listen: Listen = getattr(self.settings, name).listen
        return [web.TCPSite(runner, listen.host, listen.port, ssl_context=tls, backlog=BACKLOG)]

    async def _tell_fitness(self, ports: Ports, delivery: Delivery) -> None:
        """Keep this process's share of the gauges that are added up over all of them."""
        wrong = await faults(checks(ports, self.parts.migrations))
        metrics.PROCESSES_READY.set(not wrong)
        ports.directory_servers.tell_resting()
        delivery.tell_resting()
        await _count_connections(self.pools)

    def _routes(self, name: str, ports: Ports) -> list[web.RouteDef]:
        match name:
            case "cardholder":
                return browser.routes(ports)
            case "enrollment":
                return enrollment_edge.routes(self._enrollment(ports))
            case "portal":
                return portal_routes.routes(self._portal(ports))
            case "receipts":
                return receipts.routes(self._receipts(ports))
            case "ops":
                return ops.routes(
                    checks(ports, self.parts.migrations),
                    {
                        "connections": lambda: _count_connections(self.pools),
                        "results": lambda: housekeeping.watch_results(ports),
                        "messages": lambda: housekeeping.publish_messages(ports),
                        "months": lambda: retention.publish_months(ports),
                    },
                )
            case _:
                message = f"there is no edge {name}"
                raise AssertionError(message)

    def _receipts(self, ports: Ports) -> ReceiptPorts:
        async def on_report(report: Report) -> None:
            # With this edge's own connections: reports by the thousand delay no message.
            async with ports.pool.connection() as conn:
                recorded = await reports.record(conn, report, ports.clock())
            if recorded is not None:
                _observe_report(recorded)

        return ReceiptPorts(
            doors=self.parts.doors,
            public_url=self.settings.receipts.public_url or "",
            on_report=on_report,
            clock=ports.clock,
        )

    def _enrollment(self, ports: Ports) -> EnrollmentPorts:
        return EnrollmentPorts(
            pool=ports.pool,
            keys=ports.keys,
            policy=ports.policies.enrollment,
            otp_policy=ports.policies.otp,
            callers=self.parts.callers,
            clock=ports.clock,
            card_range_known=lambda pan: ports.tables.now.find(pan) is not None,
            deliver_soon=lambda sms_id: ports.background.start(
                ports.messages.deliver(sms_id), "sms"
            ),
            observe=lambda route, outcome: metrics.ENROLLMENT.labels(route, outcome).inc(),
            request_id=log.REQUEST_ID.get,
            host=ports.card_host,
            pace=paced,
            in_background=lambda job: ports.background.start(job, "import"),
        )

    def _portal(self, ports: Ports) -> PortalPorts:
        return PortalPorts(
            enrollment=self._enrollment(ports),
            pages=self.parts.portal,
            bank=policies.bank(self.settings),
            public_origin=self.settings.portal.public_url,
            is_secure=self.settings.portal.is_secure,
        )

    def _refusals(
        self, name: str, ports: Ports
    ) -> Callable[[web.Request, Refusal], web.Response] | None:
        """Give how an edge whose callers read pages says no; the others have their own words."""
        if name == "cardholder":
            return lambda request, refusal: browser.refusal_page(ports, request, refusal)
        if name != "portal":
            return None
        portal = self._portal(ports)
        return lambda request, refusal: portal_gate.refusal_page(portal, request, refusal.status)

    async def _work(self, ports: Ports) -> None:
        if self.before_work is not None:
            await self.before_work(ports)
        delivery = ports.messages
        assert isinstance(delivery, Delivery)  # noqa: S101 - built above
        loop = WorkLoop(
            sources(ports, lambda: delivery.deliver_due(10), poll_s=self.settings.work.poll_s),
            database_addresses(self.settings)[1] or self.dsn,
        )
        loop.start()
        self.loops.append(loop)
        log.event("work:started", pid=os.getpid())


@asynccontextmanager
async def paced() -> AsyncIterator[None]:
    """Let what is inside take its floor at least, so that time tells nobody who is a client."""
    loop = asyncio.get_running_loop()
    end = loop.time() + ANSWER_FLOOR_S
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, end - loop.time()))


def _observe_message(provider: str, outcome: str, seconds: float) -> None:
    metrics.SMS.labels(provider, outcome).inc()
    metrics.SMS_SECONDS.labels(provider).observe(seconds)


def _observe_breaker(provider: str, is_open: bool) -> None:  # noqa: FBT001 - see Watch
    metrics.SMS_BREAKER.labels(provider).set(is_open)


def _observe_link(provider: str, is_bound: bool, reason: str) -> None:  # noqa: FBT001 - a callback
    metrics.SMPP_BOUND.labels(provider).set(is_bound)
    if is_bound:
        log.event("smpp:bound", provider=provider)
    else:
        log.event("smpp:unbound", level=logging.WARNING, provider=provider, reason=reason)


def _observe_report(recorded: Recorded) -> None:
    calling_code = recorded.calling_code or ""
    metrics.SMS_REPORTS.labels(recorded.provider, recorded.state, calling_code).inc()
    if recorded.state is ReportState.DELIVERED:
        seconds = recorded.after.total_seconds()
        metrics.SMS_DELIVERY_SECONDS.labels(recorded.provider, calling_code).observe(seconds)


async def _count_connections(pools: Mapping[str, Pool]) -> None:
    together: dict[str, int] = {}
    for pool in pools.values():
        for state, count in pool.counts().items():
            together[state] = together.get(state, 0) + count
    for state, count in together.items():
        metrics.DB_POOL.labels(state).set(count)
