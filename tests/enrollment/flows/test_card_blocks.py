"""A block by the card host: asked outside of transactions, found again after a death, done once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from enrollment.events import ACS
from enrollment.flows import card_blocks
from enrollment.flows.cards import StatusData
from enrollment.model import CardStatus, HostSaid
from enrollment.ports import NoHost
from enrollment.refusals import Done
from enrollment.store.host_wishes import HostWish
from tests.enrollment import doors, people
from tests.enrollment.people import code_of
from tests.records import replace

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from tests.enrollment.people import Client


@dataclass
class Host:
    """A card host that says what it is told to, yes at first, and remembers what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    says: HostSaid = HostSaid.TAKEN

    is_there = True

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        del wish_id
        self.asked.append((card_ref, wish))
        return self.says


async def status(bank: Work) -> str:
    row = await bank.conn.fetchrow("SELECT status FROM enrollment.card")
    return str(row["status"])


async def left(bank: Work) -> int:
    row = await bank.conn.fetchrow("SELECT count(*) AS n FROM enrollment.host_wish")
    return int(row["n"])


async def wished(bank: Work, client: Client, kind: card_blocks.BlockWish = "permanent") -> HostWish:
    made = await card_blocks.wish(bank, client.person_id, client.card_id, kind)
    assert isinstance(made, HostWish)
    return made


def worker(bank: Work, **span: float) -> Work:
    return replace(people.later(bank, **span), actor=ACS)


@pytest.mark.parametrize(
    ("wish", "becomes"),
    [("temporary", CardStatus.BLOCKED_TEMP), ("permanent", CardStatus.BLOCKED)],
)
async def test_a_block_goes_to_the_host_and_the_card_follows(
    bank: Work, client: Client, wish: card_blocks.BlockWish, becomes: CardStatus
) -> None:
    host = Host()
    done = await doors.block(bank, host, client, wish)

    assert isinstance(done, Done)
    assert done.value.status is becomes
    assert host.asked == [("c1", wish)]
    assert await left(bank) == 0


async def test_without_a_host_nothing_is_done(bank: Work, client: Client) -> None:
    refused = await doors.block(bank, NoHost(), client, "permanent")

    assert (code_of(refused), await status(bank)) == ("host_unavailable", "active")
    assert await left(bank) == 0


async def test_another_persons_card_is_none(bank: Work, client: Client) -> None:
    other, host = await people.make_person(bank, "p9", people.PESELS[2]), Host()
    refused = await doors.block(bank, host, replace(client, person_id=other), "temporary")

    assert (code_of(refused), host.asked) == ("not_found", [])


async def test_a_yes_whose_asker_died_is_found_again_and_takes_effect_once(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    late = worker(bank, seconds=30)
    assert await card_blocks.claim(bank.conn, bank.now, 3) == []
    assert await card_blocks.claim(bank.conn, late.now, 3) == [made]
    for _ in range(2):
        await card_blocks.settle_left(late, made, HostSaid.TAKEN)
    slow = await card_blocks.settle(bank, made, HostSaid.TAKEN)  # it was not dead after all

    assert isinstance(slow, Done)
    assert await status(bank) == "blocked"
    assert sum("zastrzezona w portalu" in text for text in await doors.messages(bank)) == 1
    assert (await people.events(bank.conn)).count("block.asked") == 1
    assert await left(bank) == 0


async def test_a_death_while_the_yes_is_carried_out_leaves_the_wish(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    with pytest.raises(ZeroDivisionError):
        async with bank.conn.transaction():  # type: ignore[attr-defined]
            await card_blocks.settle(bank, made, HostSaid.TAKEN)
            raise ZeroDivisionError

    assert await status(bank) == "active"
    assert await card_blocks.claim(bank.conn, worker(bank, seconds=30).now, 3) == [made]


async def outcomes(bank: Work) -> list[str]:
    rows = await bank.conn.fetch(
        "SELECT outcome FROM audit.event WHERE name = 'block.asked' ORDER BY at"
    )
    return [row["outcome"] for row in rows]


@pytest.mark.parametrize(
    ("said", "code", "is_kept"),
    [
        (HostSaid.REFUSED, "host_unavailable", False),
        (HostSaid.NOT_ASKED, "host_unavailable", False),
        (HostSaid.UNKNOWN, "host_unknown", True),
    ],
)
async def test_only_what_is_known_ends_a_wish(
    bank: Work, client: Client, said: HostSaid, code: str, is_kept: bool
) -> None:
    refused = await doors.block(bank, Host(says=said), client, "permanent")

    assert (code_of(refused), await status(bank)) == (code, "active")
    assert await left(bank) == is_kept
    assert await outcomes(bank) == ([] if is_kept else ["host_unavailable"])


async def test_a_host_that_was_silent_is_asked_until_it_answers(bank: Work, client: Client) -> None:
    await doors.block(bank, Host(says=HostSaid.UNKNOWN), client, "permanent")
    late = worker(bank, hours=23, minutes=59)
    for said in (HostSaid.UNKNOWN, HostSaid.NOT_ASKED):
        (found,) = await card_blocks.claim(bank.conn, late.now, 3)
        assert not await card_blocks.settle_left(late, found, said)
        await bank.conn.execute("UPDATE enrollment.host_wish SET due_at = asked_at")
    (found,) = await card_blocks.claim(bank.conn, late.now, 3)
    assert await card_blocks.settle_left(late, found, HostSaid.TAKEN)

    assert (await status(bank), await left(bank), await outcomes(bank)) == ("blocked", 0, ["ok"])
    assert sum("zastrzezona w portalu" in text for text in await doors.messages(bank)) == 1


async def test_what_a_host_never_answered_ends_after_a_day_as_unknown(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    assert not await card_blocks.settle_left(worker(bank, days=1), made, HostSaid.UNKNOWN)

    assert (await left(bank), await outcomes(bank)) == (0, ["unknown"])
    assert await status(bank) == "active"


NO, OVER, YES = "nie udala sie", "Nadal nie wiemy", "zostala zastrzezona"


async def test_a_late_no_is_a_no_and_the_client_is_told(bank: Work, client: Client) -> None:
    made = await wished(bank, client)
    for _ in range(2):
        assert await card_blocks.settle_left(worker(bank, minutes=1), made, HostSaid.REFUSED)

    assert (await left(bank), await outcomes(bank)) == (0, ["host_unavailable"])
    (told,) = await doors.messages(bank)
    assert NO in told
    assert people.pan(1)[-4:] in told


async def test_a_client_is_told_when_nobody_asks_any_more(bank: Work, client: Client) -> None:
    made = await wished(bank, client)
    for said in (HostSaid.UNKNOWN, HostSaid.NOT_ASKED):
        await card_blocks.settle_left(worker(bank, days=1), made, said)

    (told,) = await doors.messages(bank)
    assert OVER in told


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        *((said, "blocked", YES) for said in HostSaid),
        (HostSaid.REFUSED, "blocked_temp", NO),
        (HostSaid.UNKNOWN, "blocked_temp", OVER),
        *((said, "blocked_stolen", None) for said in HostSaid),
    ],
)
async def test_what_the_bank_said_meanwhile_is_what_the_client_is_told(
    bank: Work, client: Client, said: HostSaid, status: str, words: str | None
) -> None:
    """Of a wish to cancel a card for good."""
    made = await wished(bank, client)
    await bank.conn.execute("UPDATE enrollment.card SET status = $1", status)
    await card_blocks.settle_left(worker(bank, days=1), made, said)

    told = await doors.messages(bank)
    assert [words is not None and words in text for text in told] == [True] * bool(words)


async def test_who_is_still_there_is_answered_and_gets_no_message(
    bank: Work, client: Client
) -> None:
    await doors.block(bank, Host(says=HostSaid.UNKNOWN), client, "permanent")
    assert await card_blocks.is_asked(bank, client.card_id)
    refused = await doors.block(bank, Host(says=HostSaid.REFUSED), client, "permanent")

    assert code_of(refused) == "host_unavailable"
    assert not await card_blocks.is_asked(bank, client.card_id)
    assert await doors.messages(bank) == []


async def test_the_same_wish_once_more_is_the_same_one_while_it_is_open(
    bank: Work, client: Client
) -> None:
    silent = Host(says=HostSaid.UNKNOWN)
    await doors.block(bank, silent, client, "temporary")
    (first,) = await card_blocks.claim(bank.conn, worker(bank, seconds=30).now, 3)
    later = people.later(bank, seconds=31)
    repeat = await card_blocks.wish(later, client.person_id, client.card_id, "temporary")
    assert repeat == first

    # Not reached this time: what came of it before is still not known.
    refused = await card_blocks.settle(bank, first, HostSaid.NOT_ASKED)
    assert (code_of(refused), await left(bank)) == ("host_unknown", 1)


async def test_a_yes_is_not_lost_to_one_who_did_not_reach_the_host(
    bank: Work, client: Client
) -> None:
    """Two pages of a client ask for one block; the first finds a host that is only starting."""
    first = await wished(bank, client)
    a_moment_later = people.later(bank, seconds=1)
    second = await wished(a_moment_later, client)
    refused = await card_blocks.settle(bank, first, HostSaid.NOT_ASKED)
    done = await card_blocks.settle(a_moment_later, second, HostSaid.TAKEN)

    assert (first.wish_id, code_of(refused)) == (second.wish_id, "host_unknown")
    assert isinstance(done, Done)
    assert await status(bank) == "blocked"


async def test_a_card_that_is_blocked_for_good_is_not_blocked_for_a_while_any_more(
    bank: Work, client: Client
) -> None:
    """Of two windows that ask at once none is told that the card is not blocked."""
    asking = await card_blocks.wish(bank, client.person_id, client.card_id, "temporary")
    assert isinstance(asking, HostWish)
    await doors.block(bank, Host(), client, "permanent")
    for said in HostSaid:
        done = await card_blocks.settle(bank, asking, said)
        assert isinstance(done, Done)
        assert done.value.status is CardStatus.BLOCKED

    assert (await status(bank), await left(bank)) == ("blocked", 0)


async def test_a_wish_that_the_bank_fulfils_is_over_and_never_comes_back(
    bank: Work, client: Client
) -> None:
    """The host is silent, and staff block the card; the client finds it, and has it unblocked."""
    made = await wished(bank, client, "temporary")
    for becomes in (CardStatus.BLOCKED_TEMP, CardStatus.BLOCKED_TEMP, CardStatus.ACTIVE):
        said = StatusData(becomes, None, None, None)
        assert isinstance(await card_blocks.set_status(bank, client.card_id, said), Done)
    await card_blocks.settle_left(worker(bank, minutes=1), made, HostSaid.TAKEN)

    assert (await status(bank), await left(bank), await outcomes(bank)) == ("active", 0, ["ok"])
    assert ["zablokowana na 60 dni" in text for text in await doors.messages(bank)] == [True]


async def test_what_the_bank_says_of_a_card_leaves_a_wish_for_something_else(
    bank: Work, client: Client
) -> None:
    await wished(bank, client)
    said = StatusData(CardStatus.BLOCKED_TEMP, None, None, None)
    assert isinstance(await card_blocks.set_status(bank, client.card_id, said), Done)

    assert (await left(bank), await doors.messages(bank)) == (1, [])


async def test_what_the_bank_said_meanwhile_stays(bank: Work, client: Client) -> None:
    made = await wished(bank, client)
    await bank.conn.execute("UPDATE enrollment.card SET status = 'blocked_stolen'")
    refused = await card_blocks.settle(bank, made, HostSaid.TAKEN)

    assert (code_of(refused), await status(bank)) == ("illegal_transition", "blocked_stolen")
    assert await left(bank) == 0


async def test_a_wish_about_a_card_that_was_erased_ends(bank: Work, client: Client) -> None:
    made = replace(await wished(bank, client), card_id=client.person_id)

    assert code_of(await card_blocks.settle(bank, made, HostSaid.TAKEN)) == "not_found"
    assert await left(bank) == 0
