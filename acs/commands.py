"""Commands that do one thing and end, most of them with the database."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from acs import evidence, log, value_keys
from acs.challenge import machine
from acs.clock import utc_now
from acs.command import Apart, Command
from acs.config import ConfigError
from acs.crypto.software import KeyInHsm, SoftwareKeys
from acs.flows import evidence as evidence_flow
from acs.flows import seed as seed_flow
from acs.hsm.link import NotReached
from acs.key_files import add_key, generate_keys, load_keys
from acs.store import audit_chain
from acs.terminal import NOT_NOW, NotNow, apply_migrations, connected, database, run_value, say
from enrollment.events import Actor
from enrollment.flows import consent_texts
from enrollment.flows import products as product_limits
from schemas.api import uuid_of
from schemas.counter_api import STAFF_PATTERN
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    from acs.config import Settings

_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CHECK_BYTES = 3
_LINK = re.compile(r"(?:last link )?((?:0|[1-9][0-9]{0,18}):[0-9a-f]{64})")


def migrate(options: argparse.Namespace, settings: Settings) -> int:
    """Apply what is pending."""
    log.setup(level=settings.log.level)
    with database(settings, migrated=False) as dsn:
        applied, later = run_value(apply_migrations(dsn, is_rolling=options.pre))
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
        content = seed_flow.read(options.file, utc_now().date())
    except seed_flow.BadSeed as error:
        raise ConfigError((str(error),)) from error
    nameless = seed_flow.unknown_themes(content, settings.cardholder.themes)
    if nameless:
        sentence = f"cardholder.themes has no {', '.join(nameless)}, which a card range names"
        raise ConfigError((sentence,))
    # Policies are live within a second: with a key that makes no values nobody would be fit.
    if unusable := seed_flow.unusable_keys(content, value_keys.value_keys(settings)):
        raise ConfigError(tuple(unusable))
    ring = load_keys(settings).audit
    with database(settings) as dsn:
        changed = run_value(_seed(dsn, ring, content, options.file.name))
    is_new = f", {changed} things changed" if changed else ", nothing changed"
    say(f"{len(content.issuers)} issuers, {len(content.ranges)} card ranges loaded{is_new}")
    return 0


def consents(options: argparse.Namespace, settings: Settings) -> int:
    """Load texts that clients agree to."""
    log.setup(level=settings.log.level)
    ring = load_keys(settings).audit
    try:
        texts = consent_texts.read(options.file)
        with database(settings) as dsn:
            added = run_value(_load_consents(dsn, ring, texts))
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
        changed, idle = run_value(_load_products(dsn, ring, options.staff, given))
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
    except BrokenPipeError:  # no fault of the folder's
        raise
    except OSError as error:
        raise ConfigError((f"{error.filename or settings.keys_dir}: {error.strerror}",)) from error
    return 0


def audit(options: argparse.Namespace, settings: Settings) -> int:
    """Verify the audit log; 1 when it is not whole."""
    log.setup(level="WARNING")
    ring = load_keys(settings).audit
    with database(settings) as dsn:
        found = run_value(_verify(dsn, ring, options.expect))
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
        shown = run_value(_shown(dsn, rings, options.acs_trans_id))
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


def show_tables(_options: argparse.Namespace) -> int:
    """Print the machine."""
    say(machine.diagram().removesuffix("\n"))
    return 0


async def _seed(dsn: str, ring: KeyRing, content: seed_flow.Seed, source: str) -> int:
    async with connected(dsn) as conn, conn.transaction():
        return await seed_flow.store(conn, ring, content, source, utc_now())


async def _load_consents(dsn: str, ring: KeyRing, texts: consent_texts.Texts) -> int:
    actor = Actor("acs consents", kind="system")
    async with connected(dsn) as conn, conn.transaction():
        return await consent_texts.load(conn, ring, actor, texts, utc_now())


async def _load_products(
    dsn: str, ring: KeyRing, staff: str, given: product_limits.Products
) -> tuple[int, list[str]]:
    actor = Actor("acs products", kind="staff", staff=staff)
    async with connected(dsn) as conn:
        idle = await product_limits.without_cards(conn, given)
        async with conn.transaction():
            changed = await product_limits.load(conn, ring, actor, given, utc_now())
    return changed, idle


async def _verify(dsn: str, ring: Any, expect: str | None) -> audit_chain.Verified:  # noqa: ANN401
    async with connected(dsn) as conn:
        return await audit_chain.verify(conn, ring, expect)


async def _shown(dsn: str, rings: Keys, acs_trans_id: UUID) -> evidence_flow.Shown | None:
    async with connected(dsn) as conn:
        return await evidence_flow.show(conn, rings, acs_trans_id)


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
        names = [_named(ring, name) for name in ring.keys]
        say(f"{purpose}: {', '.join(names)}")
    if not settings.values_file.exists():
        say(f"authentication values: no file {settings.values_file}")
        return
    values = value_keys.value_keys(settings)
    for key in values.listed():
        where = f" in the HSM as {key.label}," if isinstance(key, KeyInHsm) else ""
        say(f"value {key.key_id}: {key.kind}, {key.state},{where} check value {key.check_value}")
    _list_hsm(settings, values)


def _named(ring: KeyRing, key_id: str) -> str:
    """Name a key, with what two machines can compare: the check value of an HMAC key."""
    value = KeyRing(key_id, ring.keys).tag().value[:_CHECK_BYTES].hex().upper()
    is_active = "active, " if key_id == ring.active else ""
    return f"{key_id} ({is_active}check value {value})"


def _list_hsm(settings: Settings, values: SoftwareKeys) -> None:
    """Say of every key in the HSM whether it is the one that is meant."""
    from acs import policies  # noqa: PLC0415 - half of the service, which no other command needs

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


def _evidence_options(evidence: argparse.ArgumentParser) -> None:
    evidence.add_argument("action", choices=("show",), help="what to do")
    evidence.add_argument("acs_trans_id", type=_uuid, metavar="ACSTRANSID", help="which one")


def _migrate_options(migrate: argparse.ArgumentParser) -> None:
    migrate.add_argument(
        "--pre",
        action="store_true",
        help="only what the version before runs on as well: before a roll-out",
    )


def _loaded_options(loaded: argparse.ArgumentParser) -> None:
    loaded.add_argument("action", choices=("load",), help="what to do")
    loaded.add_argument("file", type=Path, help="the TOML file")


def _products_options(products: argparse.ArgumentParser) -> None:
    _loaded_options(products)
    products.add_argument(
        "--staff", type=_staff, required=True, help="who loads it, for the audit log"
    )


def _staff(text: str) -> str:
    if not re.fullmatch(STAFF_PATTERN, text):
        message = f"{text} is no member of staff: letters, digits and . _ : @ -, at most 64"
        raise argparse.ArgumentTypeError(message)
    return text


def _uuid(text: str) -> UUID:
    found = uuid_of(text)
    if found is None:
        message = f"{text} is not an acsTransID"
        raise argparse.ArgumentTypeError(message)
    return found


def _link(text: str) -> str:
    """Take a link as it was printed, alone or with the line it stood in."""
    found = _LINK.fullmatch(text.strip())
    if found is None:
        message = f"{text} is no link: give the last line that `acs audit verify` printed then"
        raise argparse.ArgumentTypeError(message)
    return found[1]


def _keys_options(keys: argparse.ArgumentParser) -> None:
    keys.add_argument("action", choices=("generate", "add", "list"), help="what to do")
    keys.add_argument("purpose", nargs="?", help="with add: the purpose, such as pan_index")
    keys.add_argument("key_id", nargs="?", help="with add: the id of the new key")


def _audit_options(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("action", choices=("verify",), help="what to do")
    audit.add_argument(
        "--expect",
        type=_link,
        metavar="SEQ:HEX",
        help="a link kept elsewhere, which must still be there; the whole line does, too",
    )


COMMANDS: Mapping[str, Command | Apart] = {
    "migrate": Command(migrate, _migrate_options),
    "consents": Command(consents, _loaded_options),
    "products": Command(products, _products_options),
    "keys": Command(keys, _keys_options),
    "audit": Command(audit, _audit_options),
    "evidence": Command(show_evidence, _evidence_options),
    "show-tables": Apart(show_tables),
}
