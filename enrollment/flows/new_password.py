"""Judges and sets a password, for a registration and for a reset alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment import identifiers, password_rules, pin_hash
from enrollment.flows import sessions
from enrollment.flows.payments import phone_number
from enrollment.identifiers import Identifier
from enrollment.model import calendar_of
from enrollment.refusals import Refusal, RefusalCode
from enrollment.store import access, persons
from schemas.vault import Secret

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work


async def fault(work: Work, person_id: UUID, passwords: tuple[Secret, Secret]) -> Refusal | None:
    """Tell why a password cannot be the person's; the one in use cannot be chosen again."""
    password, repeat = normal(passwords[0]), normal(passwords[1])
    phone = await persons.phone_of(work.conn, person_id)
    number = None
    if phone is not None and phone.is_usable:
        number = await phone_number(work.conn, work.keys, phone.phone_id)
    found = password_rules.fault(
        password.reveal(), work.policy.portal, None if number is None else number.reveal()
    )
    if found is not None:
        return Refusal(RefusalCode(found.value), "password")
    if await _contains_number(work, person_id, password.reveal()):
        return Refusal(RefusalCode.CONTAINS_ID, "password")
    if password != repeat:
        return Refusal(RefusalCode.MISMATCH, "repeat")
    stored = await access.password(work.conn, person_id)
    if await pin_hash.matches(work.keys, person_id, password, stored, pin_hash.PASSWORD):
        return Refusal(RefusalCode.SAME_AS_OLD, "password")
    return None


async def put(work: Work, person_id: UUID, password: Secret, reason: str) -> None:
    """Set the password; whoever is in with the one before, or about to come in, is out."""
    made = await pin_hash.make(work.keys, person_id, normal(password), pin_hash.PASSWORD)
    await access.put_password(work.conn, person_id, made, work.now)
    await sessions.end_access(work, person_id, reason)


def normal(password: Secret) -> Secret:
    """Give the form in which a password is judged and hashed."""
    return Secret(password_rules.normal(password.reveal()))


async def _contains_number(work: Work, person_id: UUID, password: str) -> bool:
    known = await persons.identifier_hashes(work.conn, person_id)
    day, _ = calendar_of(work.now)
    nonresident = work.policy.nonresident
    for part in password_rules.numbers_in(password, nonresident):
        read = identifiers.read(part, day, nonresident)
        if isinstance(read, Identifier) and known.intersection(identifiers.index(work.keys, read)):
            return True
    return False
