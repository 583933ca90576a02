"""Import files for the tests: lines about a small bank, and the hands that carry them out."""

from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from enrollment.flows import imports
from enrollment.policy import EnrollmentPolicy
from enrollment.store import imports as store
from tests.enrollment import people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    import asyncpg

    from enrollment.store.imports import Run
    from schemas.vault import Keys

Line = dict[str, Any]


def nonresident(number: int) -> str:
    """Give the number of a person without PESEL, check digit included."""
    body = f"{number:09d}"
    total = sum(
        sum(divmod(int(digit) * (2 if place % 2 == 0 else 1), 10))
        for place, digit in enumerate(reversed(body))
    )
    return f"AB{body}{-total % 10}"


def person(number: int, **changes: Any) -> Line:
    body = {
        "identifier": nonresident(number), "phone": f"+48600{number:06d}", "language": "pl",
        **changes,
    }  # fmt: skip
    return {"kind": "person", "ref": f"p{number}", "body": body}


def account(number: int, **changes: Any) -> Line:
    people_of = [{"person_ref": f"p{number}", "role": "owner"}]
    return {
        "kind": "account",
        "ref": f"a{number}",
        "body": {"currency": "PLN", "people": people_of, **changes},
    }


def card(number: int, **changes: Any) -> Line:
    body = {
        "pan": people.pan(number), "exp": "2912", "product": "classic",
        "person_ref": f"p{number}", "account_ref": f"a{number}", **changes,
    }  # fmt: skip
    return {"kind": "card", "ref": f"c{number}", "body": body}


def limits(number: int, of: str = "card", **changes: Any) -> Line:
    return {"kind": "limits", "ref": f"{of[0]}{number}", "body": {"of": of, **changes}}


def bank(*numbers: int) -> list[Line]:
    """Give the lines of persons with an account and a card each."""
    return [make(number) for number in numbers for make in (person, account, card)]


def file_of(lines: Iterable[Line]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class _Pool:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as conn, conn.transaction():
            yield conn


def hands(
    pool: asyncpg.Pool, keys: Keys, now: datetime, scopes: frozenset[str] = imports.ALL_SCOPES
) -> imports.Hands:
    """Give the hands of an operator."""
    return imports.Hands(
        pool=_Pool(pool),
        keys=keys,
        policy=EnrollmentPolicy(),
        otp_policy=people.OTP_POLICY,
        actor=people.BANK,
        scopes=scopes,
        clock=lambda: now,
        card_range_known=lambda number: number.startswith("400000"),
    )


async def begin(by: imports.Hands, content: bytes | None, sha256: bytes | None = None) -> Run:
    run = imports.new_run(None if content is None else len(content), by.clock())
    async with by.pool.transaction() as conn:
        await store.insert_run(conn, run, sha256=sha256, caller=by.actor.name)
    return run


async def bring(by: imports.Hands, content: bytes | list[Line]) -> Run:
    """Import a file from its beginning to its end."""
    given = content if isinstance(content, bytes) else file_of(content)
    return await imports.carry_on(by, io.BytesIO(given), await begin(by, given))


def counts(run: Run) -> tuple[int, int, int, int]:
    """Give what became of the lines: created, changed, unchanged, refused."""
    return run.created, run.changed, run.unchanged, run.refused


async def errors(pool: asyncpg.Pool, run: Run) -> list[tuple[int, str, str | None]]:
    async with pool.acquire() as conn:
        found = await store.errors(conn, run.run_id, 0, 1000)
    return [(one.line, one.code, one.field) for one in found]
