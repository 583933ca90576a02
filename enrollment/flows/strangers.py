"""Who a number that somebody typed belongs to, if to anybody; and how often it was tried.

Laws: a number of nobody is looked up, counted and locked like a client's, by as many statements;
an address is counted whole, of IPv6 its /64. A lock tells nothing about whose number it is.
Lock order: the address, the number, its person, what is counted of the person, what is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from enrollment import identifiers
from enrollment.flows import ages
from enrollment.identifiers import Identifier
from enrollment.model import PersonStatus, calendar_of
from enrollment.refusals import Refusal, RefusalCode
from enrollment.store import counters, persons

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.store.persons import Person

_HOUR: Final = timedelta(hours=1)
LOGIN_PASSWORD: Final = "login.password"  # noqa: S105 - a kind of counter
LOGIN_CODE: Final = "login.code"
RESET: Final = "reset.failed"
CODE_LOCK: Final = "login.code_lock"
LOCKS: Final = (LOGIN_PASSWORD, LOGIN_CODE, CODE_LOCK, RESET)
"""What is counted by person and lets nobody in once there is too much of it."""

REGISTRATIONS_DAY: Final = "registration.day"
REGISTRATIONS_WEEK: Final = "registration.week"

_WHO: Final = "who"
_MASK_LABEL: Final = b"enrollment.mask/1"
_ONE_ABROAD_IN: Final = 8


@dataclass(frozen=True, slots=True)
class Who:
    """A number in its keyed form, and the person it belongs to; ``key`` is what is counted by."""

    person: Person | None
    idx: bytes = field(repr=False)
    key: bytes = field(repr=False)


async def find(work: Work, identifier: str) -> Who | Refusal:
    """Look a number up; a wrong shape may be told, it tells of no client.

    One caller at a time decides about a number, and the person is held, as by whoever changes it.
    """
    day, _ = calendar_of(work.now)
    read = identifiers.read(identifier, day, work.policy.nonresident)
    if not isinstance(read, Identifier):
        return Refusal(RefusalCode(read.value), "identifier")
    tag = identifiers.tag(work.keys, read)
    await persons.claim(work.conn, tag)
    index = identifiers.index(work.keys, read)
    holder = await persons.holder_of_identifier(work.conn, index)
    person = await persons.lock(work.conn, uuid4() if holder is None else holder)
    # Race: who held the person before may have given them another number.
    is_still = await persons.holder_of_identifier(work.conn, index) == holder
    if person is not None and not (is_still and _may_come_in(work, person)):
        person = None
    who = tag.value if person is None else person.person_id.bytes
    return Who(person, tag.value, counters.key_of(work.keys, _WHO, who))


def key_of(work: Work, person_id: UUID) -> bytes:
    """Give what a person is counted by."""
    return counters.key_of(work.keys, _WHO, person_id.bytes)


def _may_come_in(work: Work, person: Person) -> bool:
    return person.status is not PersonStatus.CLOSED and ages.bar(work, person) is None


def made_up_mask(work: Work, who: Who) -> str:
    """Give a number of nobody the mask of a phone, always the same one.

    Some are of other countries than the first, as clients' are: else such a mask would tell one.
    """
    drawn = int.from_bytes(work.keys.form.tag(_MASK_LABEL, who.idx).value[:8], "big")
    drawn, number = divmod(drawn, 1000)
    home, *abroad = work.policy.countries
    drawn, is_home = divmod(drawn, _ONE_ABROAD_IN)
    country = home if is_home or not abroad else abroad[drawn % len(abroad)]
    return f"+{country} *** *** {number:03d}"


async def too_often(work: Work, kind: str, most: int) -> Refusal | None:
    """Count an act of the caller's address within the hour; refuse what is too often."""
    address = _address(work.actor.origin)
    if address is None:
        return None
    key = counters.key_of(work.keys, kind, address)
    found = await counters.take(work.conn, kind, key, ends_at=work.now + _HOUR, now=work.now)
    if found.count <= most:
        return None
    return Refusal(RefusalCode.TOO_OFTEN, retry_after_s=found.wait_s(work.now))


async def too_many_numbers(work: Work, kind: str, most: int, who: Who) -> Refusal | None:
    """Count the different numbers that an address tries within the hour."""
    address = _address(work.actor.origin)
    if address is None:
        return None
    pair = counters.key_of(work.keys, f"{kind}.pair", address, who.idx)
    ends_at = work.now + _HOUR
    again = await counters.take(work.conn, f"{kind}.pair", pair, ends_at=ends_at, now=work.now)
    if again.count > 1:
        return None
    return await too_often(work, kind, most)


def _address(origin: str) -> bytes | None:
    try:
        address = ip_address(origin.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A balancer that listens on IPv6 for both writes IPv4 so: all of it is one /64.
        return address.packed[:8] if address.ipv4_mapped is None else address.ipv4_mapped.packed
    return address.packed


async def unlock(work: Work, person_id: UUID) -> bool:
    """Let a person try again: password, code, reset; tells whether anything was counted."""
    key = key_of(work, person_id)
    touched = False
    for kind in LOCKS:
        touched |= await counters.clear(work.conn, kind, key)
    return touched


async def forget_registrations(work: Work, person_id: UUID) -> None:
    """Count a person's registrations anew."""
    key = key_of(work, person_id)
    for kind in (REGISTRATIONS_DAY, REGISTRATIONS_WEEK):
        await counters.clear(work.conn, kind, key)
