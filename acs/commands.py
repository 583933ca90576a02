"""What each command does once the settings are read; exit codes: 0 done, 1 not possible now."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from acs import app, evidence, inherited, log, open_files, policies, supervisor, value_keys
from acs.challenge import machine
from acs.config import ConfigError
from acs.config.addresses import dsn_fault
from acs.crypto.software import KeyInHsm, SoftwareKeys
from acs.drain import SILENT_RETIRING_S, SILENT_STOPPING_S
from acs.flows import evidence as evidence_flow
from acs.flows import restored
from acs.flows import seed as seed_flow
from acs.hsm.link import NotReached
from acs.key_files import add_key, generate_keys, load_keys
from acs.smpp_gateways import refuse_too_many_binds
from acs.store import audit_chain
from acs.store import migrate as migrations
from acs.store.embedded import EmbeddedPostgres, PostgresFailed
from acs.store.pool import Unavailable
from acs.store.postgres_binaries import NoPostgres
from acs.systemd import Systemd
from enrollment.events import Actor
from enrollment.flows import consent_texts
from enrollment.flows import products as product_limits
from schemas.vault import Keys

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine, Iterator, Sequence
    from typing import Any
    from uuid import UUID

    from acs.config import Settings
    from schemas.vault import KeyRing

ValueT = TypeVar("ValueT")
EDGES = app.EDGES
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
NOT_NOW = 1
"""The exit code of a command that could not be carried out, whatever its words."""


class NotNow(Exception):
    """The command cannot be carried out now; the message is a sentence for the operator."""


def serve(options: argparse.Namespace, settings: Settings) -> int:
    """Listen until told to stop."""
    log.setup(level=settings.log.level)
    open_files.tell(settings, options.config)
    edges = app.edges_of(settings, options.edge)
    if not edges:
        sentence = "the edge receipts is for providers that report, and sms has none that does"
        raise ConfigError((sentence,))
    if app.SENDING & set(edges):
        refuse_too_many_binds(settings, options.workers or 1)
    with database(settings, pooled=True) as dsn:
        if options.workers is not None:
            return _supervise(settings, dsn, options)
        listeners = inherited.listeners(os.environ, settings, edges)
        service = app.Service(
            settings,
            dsn,
            app.prepare(settings, edges),
            listeners=listeners,
            must_be_fit=inherited.MUST_BE_FIT in os.environ,
        )
        return _run(_serve(service, edges, work=not options.edge))


def work(options: argparse.Namespace, settings: Settings) -> int:
    """Work until told to stop; listens to nobody, or with ``--edge ops`` to the operators."""
    log.setup(level=settings.log.level)
    open_files.tell(settings, options.config)
    edges = tuple(options.edge or ())
    first = restored.end_what_was_open if options.restored else None
    with database(settings, pooled=True) as dsn:
        service = app.Service(settings, dsn, app.prepare(settings, edges), before_work=first)
        return _run(_serve(service, edges, work=True))


def demo(_options: argparse.Namespace, settings: Settings) -> int:
    """Run the demo in the foreground."""
    from acs import demo as demos  # noqa: PLC0415 - a production start never loads it

    log.setup(level=settings.log.level)
    with database(settings, migrated=False) as dsn:
        _run_value(_migrate(dsn))
        return demos.run(settings, dsn)


def migrate(options: argparse.Namespace, settings: Settings) -> int:
    """Apply what is pending."""
    log.setup(level=settings.log.level)
    with database(settings, migrated=False) as dsn:
        applied, later = _run_value(_migrate(dsn, is_rolling=options.pre))
    for name in applied:
        say(name)
    is_new = f"the schema is up to date{' for a roll-out' if later else ''}"
    say(f"{len(applied)} migrations applied" if applied else is_new)
    if later:
        say(f"{len(later)} more when the version before runs nowhere: acs migrate")
    return 0


def seed(options: argparse.Namespace, settings: Settings) -> int:
    """Load a seed file."""
    log.setup(level=settings.log.level)
    try:
        content = seed_flow.read(options.file, app.utc_now().date())
    except seed_flow.BadSeed as error:
        raise ConfigError((str(error),)) from error
    nameless = seed_flow.unknown_themes(content, settings.cardholder.themes)
    if nameless:
        sentence = f"cardholder.themes has no {', '.join(nameless)}, which a card range names"
        raise ConfigError((sentence,))
    with database(settings) as dsn:
        _run_value(_seed(dsn, content, options.file.name))
    say(f"{len(content.issuers)} issuers, {len(content.ranges)} card ranges loaded")
    return 0


def consents(options: argparse.Namespace, settings: Settings) -> int:
    """Load texts that clients agree to."""
    log.setup(level=settings.log.level)
    try:
        texts = consent_texts.read(options.file)
        with database(settings) as dsn:
            added = _run_value(_load_consents(dsn, texts))
    except consent_texts.BadTexts as error:
        raise ConfigError((str(error),)) from error
    say(f"{added} texts loaded, {len(texts) - added} were there")
    return 0


def products(options: argparse.Namespace, settings: Settings) -> int:
    """Load the most that card products allow."""
    log.setup(level=settings.log.level)
    ring = load_keys(settings).audit
    try:
        given = product_limits.read(options.file)
    except product_limits.BadProducts as error:
        raise ConfigError((str(error),)) from error
    with database(settings) as dsn:
        changed, idle = _run_value(_load_products(dsn, ring, options.staff, given))
    for name in idle:
        say(f"no card has the product {name} yet: is this how cards name it?")
    say(f"{changed} products changed, {len(given) - changed} were so")
    return 0


def keys(options: argparse.Namespace, settings: Settings) -> int:
    """Make, add or list keys."""
    log.setup(level="WARNING")
    try:
        match options.action:
            case "generate":
                made = generate_keys(settings.keys_dir)
                say(f"made: {', '.join(made) if made else 'nothing, every purpose has a key'}")
            case "add":
                _add_key(options, settings)
            case _:
                _list_keys(settings)
    except OSError as error:
        raise ConfigError((f"{error.filename or settings.keys_dir}: {error.strerror}",)) from error
    return 0


def audit(options: argparse.Namespace, settings: Settings) -> int:
    """Verify the audit log; 1 when it is not whole."""
    log.setup(level="WARNING")
    ring = load_keys(settings).audit
    with database(settings) as dsn:
        found = _run_value(_verify(dsn, ring, options.expect))
    for fault in found.faults:
        say(f"fault: {fault}")
    say(f"{found.documents} documents of evidence verified")
    say(f"{found.links} links verified, {found.unsealed} events not yet in the chain")
    if found.let_go:
        say(f"{found.let_go} links before them were let go with their months, as the log tells")
    say(f"last link {found.last_seq}:{found.last_mac.hex()}")
    return NOT_NOW if found.faults else 0


def show_evidence(options: argparse.Namespace, settings: Settings) -> int:
    """Show what an authentication rests on; 1 when there is none, or when it was tampered with."""
    log.setup(level="WARNING")
    rings = load_keys(settings)
    with database(settings) as dsn:
        shown = _run_value(_shown(dsn, rings, options.acs_trans_id))
    if shown is None:
        say("there is no authentication with this acsTransID")
        return NOT_NOW
    say(json.dumps(shown.document, ensure_ascii=False, indent=2, sort_keys=True))
    say(f"seen: {json.dumps(shown.visitors, ensure_ascii=False)}")
    for event in shown.events:
        place = "not yet in the chain" if event.link is None else f"link {event.link}"
        details = json.dumps(dict(event.details), ensure_ascii=False, sort_keys=True)
        say(f"{evidence.moment(event.at)} {event.name} {event.outcome} {details} ({place})")
    for message in shown.messages:
        say(f"message now: {json.dumps(message, ensure_ascii=False)}")
    for fault in shown.faults:
        say(f"fault: {fault}")
    if not shown.faults:
        say("document, events and chain agree; `acs audit verify` goes through the whole chain")
    return NOT_NOW if shown.faults else 0


def show_tables(_options: argparse.Namespace, _settings: Settings) -> int:
    """Print the machine."""
    sys.stdout.write(machine.diagram())
    return 0


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def addresses(settings: Settings) -> tuple[str | None, str | None]:
    """Give the addresses of the database; raise ConfigError for a file that cannot be read."""
    given = settings.database
    try:
        found = given.address, given.direct_address
        faults = [dsn_fault(one) for one in found if one is not None]
        fault = next(filter(None, faults), None)
        if fault is None:
            return found
        sentence = f"database: what url_file or direct_url_file holds {fault}"
    except OSError as error:
        sentence = f"database: {error.filename} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        sentence = "database: url_file or direct_url_file is not a text"
    raise ConfigError((sentence,))


@contextlib.contextmanager
def database(settings: Settings, *, migrated: bool = True, pooled: bool = False) -> Iterator[str]:
    """Give the address of the database; without one configured, start the embedded one.

    It is the one past a pooler, unless ``pooled``: commands keep locks of their session. The
    embedded one is brought to this version's schema, since nobody else would.
    """
    address, direct_address = addresses(settings)
    address = address if pooled else direct_address
    if address is not None:
        yield address
        return
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"data_dir: {settings.data_dir} cannot be made: {error.strerror}"
        raise ConfigError((sentence,)) from error
    try:
        server = EmbeddedPostgres.start(settings.data_dir)
    except (NoPostgres, PostgresFailed, OSError) as error:  # the last such as of a full disk
        raise NotNow(str(error)) from error
    try:
        if migrated:
            _run_value(_migrate(server.dsn))
        yield server.dsn
    finally:
        server.stop()


def _supervise(settings: Settings, dsn: str, options: argparse.Namespace) -> int:
    edges = app.edges_of(settings, options.edge)
    app.prepare(settings, edges)  # what is wrong is said once
    try:
        return supervisor.serve(
            settings, dsn, edges if options.edge else None, options.workers, options.config
        )
    except OSError as error:
        message = f"cannot start: {error}"
        raise NotNow(message) from error


async def _serve(service: app.Service, edges: Sequence[str], *, work: bool) -> int:
    loop = asyncio.get_running_loop()
    leave: asyncio.Future[float] = loop.create_future()
    supervised, systemd = inherited.WorkerEnd(os.environ), Systemd(os.environ)

    def told(silent_s: float) -> None:
        if not leave.done():
            leave.set_result(silent_s)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told, SILENT_STOPPING_S)
    if supervised.is_supervised:  # a terminal that hangs up tells everybody; the supervisor decides
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
    supervised.watch(lambda: told(SILENT_RETIRING_S), lambda: told(SILENT_STOPPING_S))
    silent_s = SILENT_STOPPING_S
    try:
        await service.start(edges, work=work)
        supervised.say_ready()
        systemd.is_serving("serving" if edges else "working")
        silent_s = await leave
    except (Unavailable, app.NotFit, OSError) as error:
        sys.stderr.write(f"acs: cannot start: {error}\n")
        return NOT_NOW
    except asyncpg.PostgresError as error:
        sys.stderr.write(f"acs: cannot start: {refusal(error)}\n")
        return NOT_NOW
    finally:
        systemd.is_stopping()
        await service.stop(silent_s)
    return 0


async def _migrate(dsn: str, *, is_rolling: bool = False) -> tuple[list[str], list[str]]:
    """Give what was applied, and what is left for a later run."""
    conn = await asyncpg.connect(dsn)
    try:
        applied = await migrations.apply(conn, is_rolling=is_rolling)
        return applied, await migrations.pending(conn)
    finally:
        await conn.close()


async def _seed(dsn: str, content: seed_flow.Seed, source: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            await seed_flow.store(conn, content, source)
    finally:
        await conn.close()


async def _load_consents(dsn: str, texts: consent_texts.Texts) -> int:
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            return await consent_texts.load(conn, texts)
    finally:
        await conn.close()


async def _load_products(
    dsn: str, ring: KeyRing, staff: str, given: product_limits.Products
) -> tuple[int, list[str]]:
    actor = Actor("acs products", kind="staff", staff=staff)
    conn = await asyncpg.connect(dsn)
    try:
        idle = await product_limits.without_cards(conn, given)
        async with conn.transaction():
            changed = await product_limits.load(conn, ring, actor, given, app.utc_now())
        return changed, idle
    finally:
        await conn.close()


async def _verify(dsn: str, ring: Any, expect: str | None) -> audit_chain.Verified:  # noqa: ANN401
    conn = await asyncpg.connect(dsn)
    try:
        return await audit_chain.verify(conn, ring, expect)
    finally:
        await conn.close()


async def _shown(dsn: str, rings: Keys, acs_trans_id: UUID) -> evidence_flow.Shown | None:
    conn = await asyncpg.connect(dsn)
    try:
        return await evidence_flow.show(conn, rings, acs_trans_id)
    finally:
        await conn.close()


def _add_key(options: argparse.Namespace, settings: Settings) -> None:
    if options.purpose not in Keys.PURPOSES or not options.key_id:
        sentence = f"keys add needs a purpose ({', '.join(Keys.PURPOSES)}) and a key id"
        raise ConfigError((sentence,))
    if not _KEY_ID.fullmatch(options.key_id):
        sentence = "a key id is letters, digits and . _ -, at most 32, and begins with no mark"
        raise ConfigError((sentence,))
    place = settings.keys_dir / options.purpose
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        add_key(place, options.key_id)
    except FileExistsError as error:
        sentence = f"{options.purpose} has a key {options.key_id} already"
        raise ConfigError((sentence,)) from error
    say(f"made {options.purpose}/{options.key_id}; name it in keys.active to use it")


def _list_keys(settings: Settings) -> None:
    rings = load_keys(settings)
    for purpose in Keys.PURPOSES:
        ring = getattr(rings, purpose)
        names = [f"{name} (active)" if name == ring.active else name for name in ring.keys]
        say(f"{purpose}: {', '.join(names)}")
    if not settings.values_file.exists():
        say(f"authentication values: no file {settings.values_file}")
        return
    values = value_keys.value_keys(settings)
    for key in values.listed():
        where = f" in the HSM as {key.label}," if isinstance(key, KeyInHsm) else ""
        say(f"value {key.key_id}: {key.kind}, {key.state},{where} check value {key.check_value}")
    _list_hsm(settings, values)


def _list_hsm(settings: Settings, values: SoftwareKeys) -> None:
    """Say of every key in the HSM whether it is the one that is meant."""
    signers = policies.content_signers(settings)
    hsm = value_keys.hsm_use(settings, values, signers.values())
    if hsm is None:
        return
    try:
        faults = hsm.faults()
    except NotReached as failure:
        message = f"the HSM cannot be used: {failure}"
        raise NotNow(message) from failure
    for key in hsm.keys:
        say(f"hsm {key.label}: {key.kind}, {faults.get(key.label, 'found and right')}")


def _run(coroutine: Coroutine[Any, Any, int]) -> int:
    """Run with the quicker loop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not made for every platform
    except ImportError:
        return asyncio.run(coroutine)
    return int(uvloop.run(coroutine))


def _run_value(coroutine: Coroutine[Any, Any, ValueT]) -> ValueT:
    try:
        return asyncio.run(coroutine)
    except (migrations.MigrationChanged, migrations.NotUtf8) as error:
        raise NotNow(str(error)) from error
    except (OSError, asyncpg.InterfaceError) as error:
        sentence = f"the database does not answer: {type(error).__name__}"
        raise NotNow(sentence) from error
    except asyncpg.PostgresError as error:
        raise refusal(error) from error


def refusal(error: asyncpg.PostgresError) -> NotNow:
    """Say what the database refuses."""
    # Secret: its own words may quote values. The notes are ours.
    what = [f"{type(error).__name__} ({error.sqlstate})", *getattr(error, "__notes__", ())]
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        what.append("the schema is not there: acs migrate")
    return NotNow(f"the database refuses: {', '.join(what)}")
