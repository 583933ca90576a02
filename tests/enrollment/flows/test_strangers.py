"""A number of nobody is treated like a client's; addresses are counted whole."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import strangers
from enrollment.flows.strangers import Who
from enrollment.refusals import Refusal
from enrollment.store import counters
from tests.enrollment import doors, people
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys


@pytest.fixture
def portal(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return doors.at_portal(people.hands(db, keys, now))


def at(portal: Work, origin: str) -> Work:
    return replace(portal, actor=replace(portal.actor, origin=origin))


async def test_a_client_is_found_by_every_writing_of_the_number(portal: Work) -> None:
    person_id = await people.make_person(portal)
    found = await strangers.find(portal, " 85-030 912 343")

    assert isinstance(found, Who)
    assert found.person is not None
    assert found.person.person_id == person_id


async def test_a_stranger_is_somebody_to_be_counted(portal: Work) -> None:
    one = await strangers.find(portal, people.PESELS[2])
    other = await strangers.find(portal, people.PESELS[3])

    assert isinstance(one, Who)
    assert isinstance(other, Who)
    assert (one.person, other.person) == (None, None)
    assert one.key != other.key
    assert people.PESELS[2] not in repr(one)


def test_a_strangers_mask_may_be_of_any_country_of_which_clients_have_phones(
    portal: Work,
) -> None:
    """If none of a stranger's were, one of +49 would be a client's."""
    strangers_of = [Who(None, bytes([number]) * 32, b"") for number in range(200)]
    shown = {}
    for countries in (("48",), ("48", "49", "380")):
        work = doors.at_portal(portal, countries=countries)
        masks = [strangers.made_up_mask(work, who) for who in strangers_of]
        assert masks == [strangers.made_up_mask(work, who) for who in strangers_of]
        shown[countries] = Counter(mask.split()[0] for mask in masks)

    assert set(shown["48",]) == {"+48"}
    assert set(shown["48", "49", "380"]) == {"+48", "+49", "+380"}
    assert shown["48", "49", "380"]["+48"] > 150


async def test_a_closed_client_is_a_stranger(portal: Work, owner: asyncpg.Connection) -> None:
    await people.make_person(portal)
    await owner.execute("UPDATE enrollment.person SET status = 'closed'")
    found = await strangers.find(portal, people.PESELS[1])

    assert isinstance(found, Who)
    assert found.person is None


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
    ],
)
async def test_an_address_of_ipv6_is_counted_by_its_network(
    portal: Work, first: str, second: str, is_one: bool
) -> None:
    await strangers.too_often(at(portal, first), "k", 1)
    refused = await strangers.too_often(at(portal, second), "k", 1)

    assert isinstance(refused, Refusal) == is_one


async def test_without_an_address_nothing_is_counted(portal: Work) -> None:
    for _ in range(3):
        assert await strangers.too_often(at(portal, ""), "k", 1) is None


async def test_a_person_is_let_try_again(portal: Work) -> None:
    person_id = await people.make_person(portal)
    who = await strangers.find(portal, people.PESELS[1])
    assert isinstance(who, Who)
    ends_at = portal.now + timedelta(hours=1)
    await counters.take(portal.conn, strangers.RESET, who.key, ends_at=ends_at, now=portal.now)

    assert [await strangers.unlock(portal, person_id) for _ in range(2)] == [True, False]
