"""What the bank tells of persons: who they are and which phone is theirs.

Laws: a record that is sent again changes nothing, nor does it take back what the client chose in
the portal since: it says something new only when it says another thing than the bank did before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID, uuid4

from enrollment import ages as age_rules
from enrollment import identifiers, phones
from enrollment.events import EventName
from enrollment.flows import ages, enrolments, notices, sessions
from enrollment.flows.notices import NoticeKind
from enrollment.flows.work import version_fault
from enrollment.identifiers import Identifier, IdKind
from enrollment.model import PersonStatus, calendar_of
from enrollment.phones import PhoneFault
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import belongings, persons
from enrollment.store.persons import Person, Phone

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.work import Work
    from enrollment.policy import EnrollmentPolicy
    from schemas.vault import Keys, Secret, Tag

Source = Literal["branch", "portal"]

KIND: Final = "natural"
LANGUAGE: Final = "pl"
"""What a new person is of whom the bank does not say it."""


@dataclass(frozen=True, slots=True)
class PersonData:
    """What the bank says of a person; None = says nothing of it, and what is there stays.

    ``birth_date`` (YYYY-MM-DD) is for whom no PESEL tells it. ``minor_allowed``: a client of 13 to
    17 years may have 3-D Secure.
    """

    identifier: str
    kind: str | None = None
    language: str | None = None
    phone: str | None = None
    may_change_phone: bool = False
    birth_date: str | None = None
    minor_allowed: bool | None = None

    def __repr__(self) -> str:
        """Show neither identifier nor phone nor birth date."""
        return f"PersonData(kind={self.kind!r}, language={self.language!r})"


@dataclass(frozen=True, slots=True)
class Open:
    """What the bank says of a person and is stored in the open.

    ``bank_language``: what it said last of who chose another one; None = ``language`` is it.
    """

    kind: str
    language: str
    bank_language: str | None
    minor_allowed: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as the bank's systems see it; ``is_minor`` as far as the birth date is known."""

    person_id: UUID
    ref: str
    kind: str
    status: PersonStatus
    language: str
    phone_mask: str | None
    is_minor: bool = False
    minor_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was read of the numbers the bank sent, and the keyed hash of the identifier.

    ``birth_date`` is the one that the PESEL tells, or the bank.
    """

    identifier: Identifier
    id_tag: Tag
    phone: Secret | None
    birth_date: date | None = None


async def put_person(
    work: Work, ref: str, data: PersonData, if_match: int | None
) -> Done[PersonView] | Refusal:
    """Make a person of that reference, or bring it up to date; repeating changes nothing."""
    read = read_numbers(work.keys, work.policy, data, work.now)
    if isinstance(read, Refusal):
        return read
    identifier, number = read.identifier, read.phone
    tags = [read.id_tag]
    if number is not None:
        tags.append(phones.tag(work.keys, number))
    await persons.claim(work.conn, *tags)
    found = await persons.lock_by_ref(work.conn, ref)
    fault = (
        version_fault(if_match, None if found is None else found.version)
        or await _identifier_fault(work, identifier, found)
        or await _phone_fault(work, number, found, data)
    )
    if fault is not None:
        return fault
    if found is not None:
        return await _update(work, found, data, read)
    kind, language = data.kind or KIND, data.language or LANGUAGE
    made = Person(uuid4(), ref, kind, PersonStatus.KNOWN, language, 1)
    sealed = ages.sealed(work.keys, made.person_id, read.birth_date)
    made = replace(made, birth_date_ct=sealed, minor_allowed=bool(data.minor_allowed))
    if not await persons.insert(work.conn, made, work.now):
        # Race: another request made the same reference with another number a moment ago.
        return Refusal(RefusalCode.CONFLICT)
    await persons.put_identifier(
        work.conn, made.person_id, identifier.kind.value, read.id_tag, work.now
    )
    await work.record(EventName.PERSON_CREATED, made.person_id, kind=made.kind)
    if number is not None:
        await _put_phone(work, made.person_id, number, "branch")
    return Done(await view_of(work, made), 1, created=True)


async def put_phone(
    work: Work, person_id: UUID, text: str, source: Source, if_match: int | None
) -> Done[PersonView] | Refusal:
    """Change the phone after the branch checked who asks; takes effect at once.

    The number in use, said again, stays: a change that waits to take its place is over.
    """
    number = read_phone(work.policy, text)
    if isinstance(number, Refusal):
        return number
    await persons.claim(work.conn, phones.tag(work.keys, number))
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    fault = version_fault(if_match, person.version) or await _shared_fault(work, number, person_id)
    if person.status is PersonStatus.CLOSED:
        fault = Refusal(RefusalCode.PERSON_CLOSED)
    if fault is not None:
        return fault
    if await _is_phone_of(work, person_id, number):
        await _vouch(work, person_id)
        if await belongings.drop_change(work.conn, person_id, work.now):
            await work.record(EventName.PHONE_DROPPED, person_id)
    else:
        await persons.update(work.conn, person, work.now)
        person = replace(person, version=person.version + 1)
        await _put_phone(work, person_id, number, source)
        await enrolments.recompute(work, person_id)
    return Done(await view_of(work, person), person.version)


def read_numbers(
    keys: Keys, policy: EnrollmentPolicy, data: PersonData, now: datetime
) -> Numbers | Refusal:
    """Check and read the identification number and the phone, before anything is looked up."""
    day, _ = calendar_of(now)
    identifier = identifiers.read(data.identifier, day, policy.nonresident)
    if not isinstance(identifier, Identifier):
        return Refusal(RefusalCode(identifier.value), "identifier")
    number = None if data.phone is None else read_phone(policy, data.phone)
    if isinstance(number, Refusal):
        return number
    birth_date = _birth_date(identifier, data, day)
    if isinstance(birth_date, Refusal):
        return birth_date
    is_barred = age_rules.bar(birth_date, is_allowed=True, today=day) is not None
    if data.minor_allowed and is_barred:
        return Refusal(RefusalCode.TOO_YOUNG, "minor_allowed")
    return Numbers(identifier, identifiers.tag(keys, identifier), number, birth_date)


def _birth_date(identifier: Identifier, data: PersonData, today: date) -> date | Refusal | None:
    """Give the birth date that the PESEL tells, or the bank; both have to say the same."""
    if data.birth_date is None:
        return identifier.birth_date
    try:
        told = date.fromisoformat(data.birth_date)
    except ValueError:
        return Refusal(RefusalCode.BIRTH_DATE_INVALID, "birth_date")
    if told > today:
        return Refusal(RefusalCode.BIRTH_DATE_INVALID, "birth_date")
    if identifier.birth_date not in {None, told}:
        return Refusal(RefusalCode.BIRTH_DATE_DIFFERS, "birth_date")
    return told


def read_phone(policy: EnrollmentPolicy, text: str) -> Secret | Refusal:
    """Check and read a phone number."""
    number = phones.read(text, policy.countries)
    if isinstance(number, PhoneFault):
        return Refusal(RefusalCode(number.value), "phone")
    return number


async def _identifier_fault(
    work: Work, identifier: Identifier, person: Person | None
) -> Refusal | None:
    if person is not None and person.status is PersonStatus.CLOSED:
        return Refusal(RefusalCode.PERSON_CLOSED)
    holder = await persons.holder_of_identifier(work.conn, identifiers.index(work.keys, identifier))
    if holder is None or (person is not None and holder == person.person_id):
        return None
    return Refusal(RefusalCode.IDENTIFIER_TAKEN, "identifier")


async def _phone_fault(
    work: Work, number: Secret | None, person: Person | None, data: PersonData
) -> Refusal | None:
    if number is None:
        return None
    if person is None:
        return await _shared_fault(work, number, uuid4())
    known = await persons.phone_of(work.conn, person.person_id)
    is_same = known is not None and known.idx in phones.index(work.keys, number)
    if await _is_outlived(work, person.person_id, number):
        return None
    if known is not None and not is_same and not data.may_change_phone:
        return Refusal(RefusalCode.SCOPE_MISSING, "phone:write")
    return await _shared_fault(work, number, person.person_id)


async def _shared_fault(work: Work, number: Secret, person_id: UUID) -> Refusal | None:
    others = await persons.persons_with_phone(work.conn, phones.index(work.keys, number), person_id)
    if others < work.policy.phone_persons_max:
        return None
    return Refusal(RefusalCode.PHONE_SHARED, "phone")


async def _update(
    work: Work, person: Person, data: PersonData, numbers: Numbers
) -> Done[PersonView]:
    is_known = await _is_known_number(work, person, numbers.identifier)
    new_phone = await _new_phone(work, person.person_id, numbers.phone)
    changed = _as_told(work, person, data, numbers)
    is_changed = changed != person
    if is_known and new_phone is None and not is_changed:
        return Done(await view_of(work, person), person.version)
    await persons.update(work.conn, changed, work.now)
    was, is_barred = ages.bar(work, person), ages.bar(work, changed)
    changed = replace(changed, version=person.version + 1)
    if is_changed:
        await work.record(EventName.PERSON_CHANGED, person.person_id)
    if not is_known:
        await _link(work, person, numbers)
    if new_phone is not None:
        await _put_phone(work, person.person_id, new_phone, "branch")
    if is_barred is not None and is_barred is not was:
        await sessions.end_access(work, person.person_id, is_barred.value)
    if new_phone is not None or is_barred is not was:
        await enrolments.recompute(work, person.person_id)
    return Done(await view_of(work, changed), changed.version)


def _as_told(work: Work, person: Person, data: PersonData, numbers: Numbers) -> Person:
    """Give a person as the bank says, numbers and phone aside; the same when it says nothing new.

    A birth date is sealed anew only when it is another one: no two seals are alike.
    """
    told = told_of(data, _in_the_open(person))
    person_id, sealed = person.person_id, person.birth_date_ct
    if numbers.birth_date not in {None, ages.opened(work.keys, person_id, sealed)}:
        sealed = ages.sealed(work.keys, person_id, numbers.birth_date)
    return replace(
        person,
        kind=told.kind,
        language=told.language,
        bank_language=told.bank_language,
        minor_allowed=told.minor_allowed,
        birth_date_ct=sealed,
    )


def told_of(data: PersonData, known: Open) -> Open:
    """Give what is stored in the open after the bank's word; what it does not say stays.

    A language that the client has chosen stays until the bank says another one than before.
    """
    is_allowed = known.minor_allowed if data.minor_allowed is None else data.minor_allowed
    language, bank_language = known.language, known.bank_language
    if data.language not in {None, bank_language or language}:
        language, bank_language = data.language or language, None
    return Open(data.kind or known.kind, language, bank_language, is_allowed)


def _in_the_open(person: Person) -> Open:
    return Open(person.kind, person.language, person.bank_language, person.minor_allowed)


async def _is_known_number(work: Work, person: Person, identifier: Identifier) -> bool:
    """Tell whether there is nothing to link: the person's number, or one a PESEL has outlived.

    A file that still has the non-resident number of who was given a PESEL does not revive it.
    """
    indexes = identifiers.index(work.keys, identifier)
    if await persons.holder_of_identifier(work.conn, indexes) is not None:
        return True
    if identifier.kind is IdKind.PESEL:
        return False
    is_outlived = await persons.had_number(work.conn, person.person_id, indexes)
    return is_outlived and await persons.has_pesel(work.conn, person.person_id)


async def _link(work: Work, person: Person, numbers: Numbers) -> None:
    """Make a number the person's: at once in place of one of its kind, beside one of the other.

    Of two kinds the older one is good for one more login. Who has access is told that it ended.
    """
    person_id, kind = person.person_id, numbers.identifier.kind.value
    replaced = await persons.put_identifier(work.conn, person_id, kind, numbers.id_tag, work.now)
    if replaced:  # it was wrong: whoever came in by it is out
        await sessions.end_access(work, person_id, "identifier_changed")
        if person.status is PersonStatus.REGISTERED:
            await notices.tell(work, person_id, NoticeKind.NUMBER_ENDED)
    await work.record(EventName.IDENTIFIER_LINKED, person_id, kind=kind, replaced=replaced)


async def _new_phone(work: Work, person_id: UUID, number: Secret | None) -> Secret | None:
    """Give the number that a record says, if it says a new one."""
    if number is None or await _is_outlived(work, person_id, number):
        return None
    if not await _is_phone_of(work, person_id, number):
        return number
    await _vouch(work, person_id)
    return None


async def _is_outlived(work: Work, person_id: UUID, number: Secret) -> bool:
    """Tell whether the bank said that number before the client changed it in the portal.

    A file that still has it does not send codes to a phone that the client has given away.
    """
    outlived = await persons.outlived_phone(work.conn, person_id)
    return outlived is not None and outlived in phones.index(work.keys, number)


async def _vouch(work: Work, person_id: UUID) -> None:
    """Note that the bank says by now what the client chose in the portal."""
    if await persons.vouch_for_phone(work.conn, person_id):
        await work.record(EventName.PERSON_CHANGED, person_id, phone="known")


async def _is_phone_of(work: Work, person_id: UUID, number: Secret) -> bool:
    known = await persons.phone_of(work.conn, person_id)
    return known is not None and known.is_usable and known.idx in phones.index(work.keys, number)


async def _put_phone(work: Work, person_id: UUID, number: Secret, source: Source) -> None:
    phone_id = uuid4()
    tag = phones.tag(work.keys, number)
    mask = phones.mask(number, work.policy.countries)
    await belongings.drop_change(work.conn, person_id, work.now)
    await notices.tell(work, person_id, NoticeKind.PHONE_CHANGED, {"phone": mask})
    replaced = await persons.put_phone(
        work.conn,
        person_id,
        Phone(phone_id, mask, is_usable=True, idx=tag.value),
        number_ct=phones.seal(work.keys, phone_id, number),
        key_id=tag.key_id,
        source=source,
        now=work.now,
    )
    await work.record(
        EventName.PHONE_CHANGED, person_id, phone=mask, source=source, replaced=replaced
    )
    if replaced:  # who has the old one came in by it, or is about to
        await sessions.end_access(work, person_id, "phone_changed")
        await notices.tell(work, person_id, NoticeKind.PHONE_IN_USE)


async def view_of(work: Work, person: Person) -> PersonView:
    """Show a person to the bank's systems."""
    phone = await persons.phone_of(work.conn, person.person_id)
    return PersonView(
        person.person_id,
        person.ref,
        person.kind,
        person.status,
        person.language,
        None if phone is None else phone.mask,
        ages.is_minor(work, person.person_id, person.birth_date_ct),
        person.minor_allowed,
    )
