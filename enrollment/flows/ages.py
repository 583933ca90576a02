"""How old a person is; the birth date is kept sealed and opened to tell this, or to judge a PIN."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from enrollment import ages
from enrollment.model import calendar_of

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.model import EnrolmentReason
    from enrollment.store.persons import Person
    from schemas.vault import Keys


def sealed(keys: Keys, person_id: UUID, birth_date: date | None) -> bytes | None:
    """Seal a birth date for that person's row."""
    if birth_date is None:
        return None
    return keys.vault.seal(birth_date.isoformat().encode(), place(person_id))


def opened(keys: Keys, person_id: UUID, birth_date_ct: bytes | None) -> date | None:
    """Open the birth date of that person's row."""
    if birth_date_ct is None:
        return None
    return date.fromisoformat(keys.vault.open(birth_date_ct, place(person_id)).decode())


def place(person_id: UUID) -> str:
    """Name the place to which a sealed birth date is bound."""
    return f"enrollment.person.birth_date|{person_id}"


def is_minor(work: Work, person_id: UUID, birth_date_ct: bytes | None) -> bool:
    """Tell whether a person is under 18 today (Europe/Warsaw), as far as it is known."""
    today, _ = calendar_of(work.now)
    return ages.is_minor(opened(work.keys, person_id, birth_date_ct), today)


def bar(work: Work, person: Person) -> EnrolmentReason | None:
    """Say why a person is too young for 3-D Secure and the portal today, if so."""
    today, _ = calendar_of(work.now)
    born = opened(work.keys, person.person_id, person.birth_date_ct)
    return ages.bar(born, is_allowed=person.minor_allowed, today=today)
