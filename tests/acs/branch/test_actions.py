"""What a counter does, against the running API."""

from __future__ import annotations

import argparse
import asyncio
import io
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from acs.branch import command
from enrollment.flows import limits
from enrollment.model import EffectiveLimits
from tests.enrollment import api as apis
from tests.enrollment import people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.api import Api

NUMBERS = f"identifier={people.PESELS[1]}\nphone={people.PHONE}\npan={people.pan(1)}\n"
REGISTER = (
    "register", "p1", "--account", "a1", "--card", "c1", "--exp", "2912", "--product", "classic",
    "--numbers", "-",
)  # fmt: skip


class Ended(NamedTuple):
    """How the command ended."""

    code: int
    out: str
    err: str


class Branch(Protocol):
    """The command, as a member of staff types it."""

    async def __call__(self, *words: str, given: str = "") -> Ended: ...


def typed(line: Sequence[str], clock: Callable[[], datetime]) -> int:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return command.main(parser.parse_args(line), clock)


@pytest.fixture
async def api(pool: asyncpg.Pool, keys: Keys, now: datetime) -> AsyncIterator[Api]:
    async with apis.running(pool, keys, now) as running:
        yield running


@pytest.fixture
def branch(
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Branch:
    """Give the command as a member of staff types it."""
    key = tmp_path / "branch.pem"
    key.write_text(apis.private_pem("bank"))

    async def run(*words: str, given: str = "") -> Ended:
        names = ("--iss", "iss-bank", "--kid", "bank-1", "--sub", "svc-bank")
        line = [*words, "--api", api.url, "--key", str(key), *names]
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = await asyncio.to_thread(typed, line, api.clock)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return run


async def test_another_card_leaves_the_language_and_the_kind_as_they_are(
    api: Api, branch: Branch
) -> None:
    await branch(*REGISTER, "--language", "uk", "--kind", "corporate_user", given=NUMBERS)
    done = await branch(*REGISTER, given=NUMBERS)
    row = await api.conn.fetchrow("SELECT language, kind, version FROM enrollment.person")

    assert done.code == command.DONE
    assert tuple(row) == ("uk", "corporate_user", 1)


async def test_a_client_is_registered_and_shown(branch: Branch) -> None:
    made = await branch(*REGISTER, given=NUMBERS)
    shown = await branch("show", "p1")

    assert (made.code, made.err) == (0, "")
    assert "card     c1  *" in made.out
    assert "phone +48 *** *** 761" in shown.out
    assert "3-D Secure none" in shown.out
    for number in (people.PESELS[1], people.PHONE, people.pan(1)):
        assert number not in made.out + shown.out


async def test_a_reference_may_hold_a_colon(branch: Branch) -> None:
    words = [f"pl:{word}" if word in {"p1", "a1", "c1"} else word for word in REGISTER]
    made = await branch(*words, given=NUMBERS)
    shown = await branch("show", "pl:p1")

    assert (made.code, made.err) == (shown.code, shown.err) == (0, "")
    assert "card     pl:c1  *" in shown.out


async def test_what_cannot_be_a_reference_is_no_matter_of_the_key(branch: Branch) -> None:
    for ref in ("jan kowalski", "p/1"):
        assert "bad_format (ref)" in (await branch("show", ref)).err


async def test_a_minor_is_registered_with_the_banks_leave(branch: Branch) -> None:
    born = NUMBERS.replace(people.PESELS[1], "AB1234567897") + "birth_date=2010-06-18\n"
    made = await branch(*REGISTER, "--birth-date", "--minor", "allowed", given=born)
    refused = await branch(*REGISTER, "--minor", "refused", given=born)
    code = await branch("code", "p1")

    assert "under 18, 3-D Secure allowed" in made.out
    assert "under 18, 3-D Secure not allowed" in refused.out
    assert (code.code, "under 18 and not allowed" in code.err) == (1, True)


async def test_registering_again_changes_nothing(branch: Branch) -> None:
    first = await branch(*REGISTER, given=NUMBERS)

    assert await branch(*REGISTER, given=NUMBERS) == first


async def test_an_account_that_the_client_has_keeps_its_people(branch: Branch, api: Api) -> None:
    await branch(*REGISTER, given=NUMBERS)
    first, second = await make_two(api)
    await api.call(
        "PUT",
        "/v1/accounts/a1",
        {
            "currency": "PLN",
            "people": [
                {"person_id": first, "role": "owner"},
                {"person_id": second, "role": "proxy"},
            ],
        },
    )
    await branch(*REGISTER, given=NUMBERS)

    assert await api.conn.fetchval("SELECT count(*) FROM enrollment.account_person") == 2


async def make_two(api: Api) -> tuple[str, str]:
    found = await api.call("GET", "/v1/persons/p1")
    other = await api.call("PUT", "/v1/persons/p2", {"identifier": people.PESELS[0]})
    return found.body["person_id"], other.body["person_id"]


async def test_limits_of_account_and_card_are_set_and_switched_off(branch: Branch) -> None:
    await branch(*REGISTER, given=NUMBERS)
    account = await branch("limits", "p1", "--account", "a1", "--per-tx", "5000")
    card = await branch("limits", "p1", "--card", "c1", "--off")

    assert "per_tx 5000  per_day unlimited" in account.out
    assert "per_tx 0  per_day 0" in card.out


async def test_a_counter_is_told_of_what_the_client_lowered_and_takes_it_away(
    api: Api, branch: Branch
) -> None:
    await branch(*REGISTER, given=NUMBERS)
    row = await api.conn.fetchrow("SELECT card_id, person_id FROM enrollment.card")
    bank = people.hands(api.conn, api.keys, api.clock.now)
    await limits.lower_card_limits(bank, row["card_id"], EffectiveLimits(per_tx=100, count_day=2))
    raised = await branch("limits", "p1", "--card", "c1", "--per-tx", "5000")
    lifted = await branch("limits", "p1", "--card", "c1", "--lift-own")
    both = await branch("limits", "p1", "--card", "c1", "--per-tx", "6000", "--lift-own")

    assert "in force: per_tx 100  " in raised.out
    assert raised.out.endswith(
        "the client lowered: per_tx 100  count_day 2; --lift-own takes it away\n"
    )
    assert lifted.code == command.DONE
    assert "in force: per_tx 5000  " in lifted.out
    assert "lowered" not in lifted.out
    assert "in force: per_tx 6000  " in both.out


async def test_limits_of_a_card_of_somebody_else_are_not_set(branch: Branch) -> None:
    await branch(*REGISTER, given=NUMBERS)
    ended = await branch("limits", "p1", "--card", "c9", "--off")

    assert (ended.code, ended.err) == (1, "acs branch: this client has no card c9\n")


async def test_an_activation_code_is_shown_once(branch: Branch) -> None:
    await branch(*REGISTER, given=NUMBERS)
    first = await branch("code", "p1")
    second = await branch("code", "p1")

    assert (first.code, second.code) == (0, 0)
    assert first.out.splitlines()[0] != second.out.splitlines()[0]


async def test_a_phone_is_changed(branch: Branch) -> None:
    await branch(*REGISTER, given=NUMBERS)
    ended = await branch("phone", "p1", "--numbers", "-", given="phone=+48601111222")

    assert ended.out == "phone    +48 *** *** 222, before +48 *** *** 761\n"


async def test_a_permanent_block_takes_two_members_of_staff(branch: Branch, api: Api) -> None:
    await branch(*REGISTER, given=NUMBERS)
    await api.conn.execute(
        "INSERT INTO enrollment.sca_state (person_id, failures, block_kind, updated_at)"
        " SELECT person_id, 5, 'sca_perm', $1 FROM enrollment.person",
        api.clock.now,
    )
    words = ("unblock", "p1", "--kind", "sca_perm", "--reason", "id shown", "--staff", "s1")
    alone = await branch(*words)
    second = ("confirm", "p1", "--reason", "id shown", "--staff")
    same = await branch(*second, "s1")
    both = await branch(*second, "s2")
    again = await branch(*second, "s2")

    assert (alone.code, same.code) == (1, 1)
    assert "another member of staff confirms it within 15 minutes" in alone.err
    assert (both.code, both.out) == (0, "the block sca_perm of p1 is ended\n")
    assert (again.code, again.err) == (1, "acs branch: this client has no such block\n")


async def test_an_access_is_taken_and_a_client_closed(branch: Branch) -> None:
    await branch(*REGISTER, given=NUMBERS)
    words = ("p1", "--reason", "id shown", "--staff", "s1")
    taken = await branch("reset", *words)
    closed = await branch("close", *words)
    over = await branch("reset", *words)

    assert (taken.code, taken.out) == (0, "person   p1  known; password and PIN are gone\n")
    assert (closed.code, closed.out) == (0, "person   p1  closed\n")
    assert over.code == 1


async def test_an_account_of_other_clients_is_not_taken_from_them(branch: Branch, api: Api) -> None:
    await branch(*REGISTER, given=NUMBERS)
    numbers = f"identifier={people.PESELS[0]}\nphone=+48601111222\npan={people.pan(2)}\n"
    words = ("--account", "a1", "--card", "c2", "--exp", "2912", "--product", "classic")
    ended = await branch("register", "p2", *words, "--numbers", "-", given=numbers)

    assert ended.code == 1
    assert "this account belongs to other clients" in ended.err
    assert await api.conn.fetchval("SELECT count(*) FROM enrollment.account_person") == 1


async def test_a_client_that_is_not_there_is_said_in_a_sentence(branch: Branch) -> None:
    assert await branch("show", "p9") == Ended(1, "", "acs branch: there is no such client\n")


async def test_what_the_api_refuses_is_said_without_the_number(branch: Branch) -> None:
    wrong = NUMBERS.replace(people.pan(1), "4000001000000011")
    ended = await branch(*REGISTER, given=wrong)

    assert ended.code == 1
    assert ended.err == "acs branch: the card number has a wrong check digit: check it\n"
