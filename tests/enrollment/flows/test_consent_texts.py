"""A bank's own words: loaded once, never changed, and what becomes of consents to the old ones."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment import flows
from enrollment.flows import clients, consent_texts, persons
from enrollment.flows.clients import Declaration
from enrollment.flows.consent_texts import LANGUAGES, BadTexts
from enrollment.refusals import Done
from enrollment.store.consents import TextVersion
from tests.enrollment import people
from tests.enrollment.people import hands
from tests.records import replace

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from schemas.vault import Keys

FROM = datetime(2026, 6, 1, tzinfo=UTC)
BY = date(2026, 6, 16)
"""The day before the clients' day of these tests."""


def texts(
    version: int = 2, *, code: str = "sms_3ds", by: date | None = BY, at: datetime = FROM
) -> list[TextVersion]:
    """Give a version in every language."""
    return [
        TextVersion(code, version, language, f"Słowa {version} ({language}).", at, by)
        for language in LANGUAGES
    ]


def toml(rows: list[TextVersion]) -> str:
    """Write texts as a bank would."""
    parts = [
        f"""[[text]]
code = "{row.code}"
version = {row.version}
language = "{row.language}"
body = "{row.body}"
valid_from = {row.valid_from.isoformat()}
{"" if row.must_reaccept_by is None else f"must_reaccept_by = {row.must_reaccept_by}"}
"""
        for row in rows
    ]
    return "\n".join(parts)


def test_a_file_gives_its_texts(tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    given = [*texts(), *texts(3, code="terms", by=None)]
    file.write_text(toml(given), encoding="utf-8")

    assert consent_texts.read(file) == given


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("[[text]]", "[[words]]", r"entries \[\[text\]\] and nothing else"),
        ('code = "sms_3ds"', 'code = "low"', "text number 1: code is one of sms_3ds, terms"),
        ("version = 2", "version = 0", "version is a whole number from 1"),
        ("version = 2", "version = true", "version is a whole number from 1"),
        ('"pl"', '"fr"', "language is one of pl, en, de, uk"),
        ('"pl"', '"en"', "sms_3ds version 2: it comes once in each of pl, en, de, uk"),
        ('body = "Słowa 2 (pl)."', 'body = " "', "body is a text of 1 to 20000 characters"),
        ("2026-06-01T00:00:00+00:00", "2026-06-01T00:00:00", "a date and time with its zone"),
        ("2026-06-01T00:00:00+00:00", "2026-06-02T00:00:00Z", "are the same in every language"),
        ("= 2026-06-16", '= "2026-06-16"', "must_reaccept_by is a date"),
        ("= 2026-06-16", "= 2026-05-31", "must_reaccept_by is not before valid_from"),
        ('code = "sms_3ds"', 'code = "terms"', "must_reaccept_by goes with sms_3ds"),
        ('language = "pl"\n', "", "it has body, code, language, valid_from, version"),
        ("version = 2", "version = ", "texts.toml: "),
    ],
)
def test_a_file_with_a_fault_says_where(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    file = tmp_path / "texts.toml"
    count = -1 if was == "[[text]]" else 1
    file.write_text(toml(texts()).replace(was, becomes, count), encoding="utf-8")

    with pytest.raises(BadTexts, match=says):
        consent_texts.read(file)


async def test_the_same_texts_again_change_nothing(
    db: asyncpg.Connection, owner: asyncpg.Connection, now: datetime
) -> None:
    async with owner.transaction():
        first = await people.load_texts(owner, texts())
    events = await people.events(db)
    before = await owner.fetch("SELECT * FROM enrollment.consent_text ORDER BY 1, 2, 3")
    async with owner.transaction():
        again = await people.load_texts(owner, texts())

    assert (first, again) == (4, 0)
    assert await people.events(db) == events
    assert events == ["consent.text_loaded"] * 4
    assert await owner.fetch("SELECT * FROM enrollment.consent_text ORDER BY 1, 2, 3") == before
    row = await db.fetchrow(
        "SELECT sha256, valid_to, good_until FROM enrollment.consent_text"
        " WHERE code = 'sms_3ds' AND version = 2 AND language = 'uk'"
    )
    assert row is not None
    shown = hashlib.sha256("Słowa 2 (uk).".encode()).digest()
    assert tuple(row) == (shown, None, None)
    old = await db.fetch(
        "SELECT DISTINCT code, valid_to, good_until FROM enrollment.consent_text WHERE version = 1"
    )
    assert {tuple(one) for one in old} == {("sms_3ds", FROM, BY), ("terms", None, None)}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ([replace(texts()[0], body="Inne."), *texts()[1:]], "it is there with other content"),
        (texts(by=None), "it is there with other content"),
        (texts(1, at=FROM - timedelta(days=400)), "it is there with other content"),
        (texts(3, at=FROM), "valid_from is after that of the version before"),
    ],
)
async def test_a_version_that_is_there_is_not_changed(
    owner: asyncpg.Connection, changed: list[TextVersion], says: str
) -> None:
    async with owner.transaction():
        await people.load_texts(owner, texts())
    with pytest.raises(BadTexts, match=says):
        async with owner.transaction():
            await people.load_texts(owner, changed)


async def test_versions_only_go_up_and_the_first_end_stays(owner: asyncpg.Connection) -> None:
    later = texts(5, by=BY + timedelta(days=30), at=FROM + timedelta(days=1))
    async with owner.transaction():
        await people.load_texts(owner, [*later, *texts()])
    rows = await owner.fetch(
        "SELECT DISTINCT version, good_until FROM enrollment.consent_text"
        " WHERE code = 'sms_3ds' ORDER BY version"
    )
    assert [tuple(row) for row in rows] == [(1, BY), (2, BY + timedelta(days=30)), (5, None)]
    with pytest.raises(BadTexts, match="version 5 is there; a new one is above it"):
        async with owner.transaction():
            await people.load_texts(owner, texts(4, at=FROM + timedelta(days=2)))


async def test_who_agreed_to_old_words_is_suspended_once_and_back_with_the_new(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    async with owner.transaction():
        await people.load_texts(owner, texts())
    seen = [await flows.outdate_consents(people.by_itself(db, keys, now), 10) for _ in range(3)]

    assert seen == [1, 0, 0]
    assert await people.enrolment(db, client.card_id) == ("suspended", "consent_outdated")
    names = await people.events(db)
    assert names.count("consent.outdated") == names.count("threeds.suspended") == 1

    said = [Declaration("sms_3ds", 2, "uk", is_accepted=True)]
    assert isinstance(await clients.declare(work, client.person_id, said), Done)

    assert await people.enrolment(db, client.card_id) == ("active", None)
    assert await flows.outdate_consents(people.by_itself(db, keys, now), 10) == 0


async def test_who_cannot_be_judged_keeps_nobody_s_old_words_in_force(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """The birth date is sealed under a key that is gone."""
    work = hands(db, keys, now)
    clients = [await people.make_client(work, number=n, pesel=people.PESELS[n]) for n in (1, 2)]
    for client in clients:
        await people.activate(work, client)
    first, second = sorted(clients, key=lambda one: one.person_id)
    lost = "UPDATE enrollment.person SET birth_date_ct = '\\x0102' WHERE person_id = $1"
    await db.execute(lost, first.person_id)
    async with owner.transaction():
        await people.load_texts(owner, texts())

    assert await flows.outdate_consents(people.by_itself(db, keys, now), 10) == 2

    assert await people.enrolment(db, second.card_id) == ("suspended", "consent_outdated")


async def test_until_the_last_day_is_over_nothing_happens(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    async with owner.transaction():
        await people.load_texts(owner, texts(by=now.date()))

    assert await flows.outdate_consents(people.by_itself(db, keys, now), 10) == 0
    assert await people.enrolment(db, client.card_id) == ("active", None)
    tomorrow = now + timedelta(days=1)
    assert await flows.outdate_consents(people.by_itself(db, keys, tomorrow), 10) == 1
    assert await people.enrolment(db, client.card_id) == ("suspended", "consent_outdated")


async def test_no_more_clients_are_held_at_once_than_are_gone_through_in_a_moment(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    for number in range(21):
        pesel = people.pesel_of(date(1980, 5, 4), number)
        person = persons.PersonData(pesel, phone=f"+48600700{number:03d}")
        made = await persons.put_person(work, f"p{number}", person, None)
        assert isinstance(made, Done)
        await people.consent(work, made.value.person_id)
    async with owner.transaction():
        await people.load_texts(owner, texts())
    steps = [await flows.outdate_consents(people.by_itself(db, keys, now), 500) for _ in range(3)]

    assert steps == [20, 1, 0]
    assert (await people.events(db)).count("consent.outdated") == 21


async def test_only_who_still_agrees_to_the_old_words_is_outdated_step_by_step(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """Who withdrew or agreed anew has nothing that could run out."""
    work = hands(db, keys, now)
    ids = [await people.make_person(work, f"p{n}", people.PESELS[n]) for n in range(3)]
    for person_id in ids:
        await people.consent(work, person_id)
    await clients.withdraw(work, ids[0], "sms_3ds")
    async with owner.transaction():
        await people.load_texts(owner, texts())
    said = [Declaration("sms_3ds", 2, "pl", is_accepted=True)]
    await clients.declare(work, ids[1], said)
    steps = [await flows.outdate_consents(people.by_itself(db, keys, now), 2) for _ in range(3)]

    assert steps == [2, 1, 0]
    told = await db.fetch("SELECT object FROM audit.event WHERE name = 'consent.outdated'")
    assert [row["object"] for row in told] == [str(ids[2])]
