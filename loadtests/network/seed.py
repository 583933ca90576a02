"""`python -m loadtests.network.seed`: tell the demo bank of its people, as its systems would.

The branch and core systems make persons, accounts, limits and cards; then each cardholder, through
the portal, agrees, sets a PIN and switches 3-D Secure on, reading the codes from the own phone.
May be run again at any time: what is done is found done and left as it is. Who could not be
enrolled because something was too slow is tried again, a few times.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from loadtests.network import cards, people
from loadtests.network.enrollment_api import CallRefused, EnrollmentApi, read_callers
from loadtests.network.people import Person
from loadtests.network.purchases import Message

_PROGRESS_FILE = "seeded.json"
_AT_ONCE = 4
_CALL_TIMEOUT_S = 30.0
_API_WAIT_S = 60.0
_SMS_WAIT_S = 20.0
_POLL_S = 0.1
_ROUNDS = 3
_CARD_YEARS = 4
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_SPOILED = {"N blocked": "blocked", "N expired": "expired"}


class SeedFailed(Exception):
    """Something that is not there yet did not come in time."""


@dataclass(frozen=True, slots=True)
class Ids:
    """What the bank's API calls a person, an account and a card; `exp` is the card's, YYMM."""

    person_id: str
    account_id: str
    card_id: str
    exp: str


@dataclass(frozen=True, slots=True)
class Bank:
    """Where to call, where the phones are, and the expiry of cards made now."""

    api: EnrollmentApi
    phones_url: str
    exp: str

    async def seed(self, person: Person, known: Ids | None) -> Ids:
        """Bring one person to where the demo wants it; `known` is what an earlier run noted.

        Raises CallRefused, SeedFailed and aiohttp's errors.
        """
        person_id = await self._person(person, is_new=known is None)
        if known is not None and known.person_id == person_id:
            return known
        if known is not None:  # the database is another one than that of the earlier run
            await self._person(person, is_new=True)
        account_id = await self._account(person, person_id)
        card = await self._card(person, person_id, account_id)
        ids = Ids(person_id, account_id, str(card["card_id"]), self.exp)
        status = _SPOILED.get(person.expect)
        if status is not None and card["status"] == status:
            return ids
        if person.pin is not None and not _is_on(card):
            await self._activate(person, person.pin, ids)
        if status is not None:
            await self.api.call(
                "core",
                "POST",
                f"/cards/{ids.card_id}/status",
                {"status": status, "reason": "demo"},
            )
        return ids

    async def _person(self, person: Person, *, is_new: bool) -> str:
        body: Message = {"identifier": person.identifier, "language": person.language}
        if is_new:
            # A phone that somebody changed since then is left as it is.
            body["phone"] = person.phone
        answer = await self.api.call("core", "PUT", f"/persons/{person.ref}", body)
        return str(answer["person_id"])

    async def _account(self, person: Person, person_id: str) -> str:
        body = {
            "currency": people.CURRENCY,
            "people": [{"person_id": person_id, "role": "owner"}],
        }
        account = await self.api.call("core", "PUT", f"/accounts/{person.ref}", body)
        account_id = str(account["account_id"])
        await self.api.call("branch", "PUT", f"/accounts/{account_id}/limits", person.limits)
        return account_id

    async def _card(self, person: Person, person_id: str, account_id: str) -> Message:
        body = {
            "pan": person.pan,
            "exp": self.exp,
            "product": "Demo debit",
            "person_id": person_id,
            "account_id": account_id,
        }
        return await self.api.call("core", "PUT", f"/cards/{person.ref}", body)

    async def _activate(self, person: Person, pin: str, ids: Ids) -> None:
        await self._consent(person, ids.person_id)
        proof = await self._step_up(person, ids.person_id, "pin.set", {})
        await self.api.call(
            "portal",
            "PUT",
            "/me/pin",
            {"pin": pin, "repeat": pin, "step_up": proof},
            person_id=ids.person_id,
        )
        about = {"card_id": ids.card_id}
        proof = await self._step_up(person, ids.person_id, "threeds.activate", about)
        await self.api.call(
            "portal",
            "POST",
            f"/me/cards/{ids.card_id}/threeds",
            {"wish": "activate", "step_up": proof},
            person_id=ids.person_id,
        )

    async def _consent(self, person: Person, person_id: str) -> None:
        """Say yes to every text that is shown in the person's language."""
        shown = await self.api.call("portal", "GET", "/me/consents", person_id=person_id)
        texts = shown["texts"]
        assert isinstance(texts, list)
        names = ("code", "version", "language", "text_sha256")
        consents = [
            {name: text[name] for name in names} | {"accepted": True}
            for text in texts
            if text["language"] == person.language
        ]
        await self.api.call(
            "portal", "POST", "/me/consents", {"consents": consents}, person_id=person_id
        )

    async def _step_up(
        self, person: Person, person_id: str, action: str, parameters: Mapping[str, object]
    ) -> Message:
        """Ask for a code and read it from the phone, as the cardholder does."""
        before = len(await self._inbox(person))
        body: Message = {"action": action}
        if parameters:
            body["parameters"] = dict(parameters)
        asked = await self.api.call("portal", "POST", "/me/step-ups", body, person_id=person_id)
        give_up_at = asyncio.get_running_loop().time() + _SMS_WAIT_S
        while (code := _newest_code(await self._inbox(person), before)) is None:
            if asyncio.get_running_loop().time() > give_up_at:
                message = f"no SMS with a code at {person.phone} within {_SMS_WAIT_S:.0f} s"
                raise SeedFailed(message)
            await asyncio.sleep(_POLL_S)
        return {"id": asked["step_up_id"], "code": code}

    async def _inbox(self, person: Person) -> list[dict[str, str]]:
        url = f"{self.phones_url}/api/phone/{person.phone.removeprefix('+')}"
        async with self.api.session.get(url) as response:
            inbox: list[dict[str, str]] = await response.json()
            return inbox


def _newest_code(inbox: list[dict[str, str]], before: int) -> str | None:
    """Find the code in what came after the first ``before`` messages; notices have none."""
    fresh = inbox[: len(inbox) - before]
    return next((found.group() for one in fresh if (found := _CODE.search(one["text"]))), None)


def _is_on(card: Message) -> bool:
    threeds = card.get("threeds")
    return isinstance(threeds, dict) and threeds.get("state") == "active"


async def _await_api(session: ClientSession, api_url: str) -> None:
    give_up_at = asyncio.get_running_loop().time() + _API_WAIT_S
    while True:
        try:
            async with session.get(f"{api_url}/openapi.json") as response:
                if response.ok:
                    return
        except (ClientError, TimeoutError):
            pass
        if asyncio.get_running_loop().time() > give_up_at:
            message = f"nobody answers at {api_url}"
            raise SeedFailed(message)
        await asyncio.sleep(_POLL_S)


async def seed(api_url: str, network_url: str, state: Path) -> list[str]:
    """Seed everybody and write the cards; give a sentence for each person that failed.

    `api_url` goes up to and with `/v1`; `state` is the demo's folder with `callers.json`.
    """
    known = _read_progress(state)
    now = datetime.now(UTC)
    faults: dict[str, str] = {}
    async with ClientSession(timeout=ClientTimeout(total=_CALL_TIMEOUT_S)) as session:
        await _await_api(session, api_url)
        bank = Bank(
            EnrollmentApi(api_url, session, read_callers(state)),
            network_url,
            f"{(now.year + _CARD_YEARS) % 100:02d}12",
        )
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(person: Person) -> None:
            async with slots:
                try:
                    known[person.ref] = await bank.seed(person, known.get(person.ref))
                    faults.pop(person.ref, None)
                except (CallRefused, SeedFailed, ClientError, TimeoutError) as fault:
                    faults[person.ref] = (
                        f"{person.ref} ({person.expect}): {str(fault) or type(fault).__name__}"
                    )

        everybody = people.everybody()
        left = everybody
        for _ in range(_ROUNDS):
            await asyncio.gather(*(one(person) for person in left))
            left = [person for person in everybody if person.ref in faults]
    ready = [(person, known[person.ref]) for person in everybody if person.ref in known]
    _write_progress(state, {person.ref: ids for person, ids in ready})
    cards.write(state, [_card_of(person, ids) for person, ids in ready])
    return list(faults.values())


def _card_of(person: Person, ids: Ids) -> cards.Card:
    return cards.Card(
        pan=person.pan,
        holder=person.holder,
        phone=person.phone,
        pin=person.pin,
        identifier=person.identifier,
        account_id=ids.account_id,
        card_id=ids.card_id,
        expect=person.expect,
        exp=ids.exp,
    )


def _read_progress(state: Path) -> dict[str, Ids]:
    try:
        noted = json.loads((state / _PROGRESS_FILE).read_text("utf-8"))
        return {ref: Ids(**ids) for ref, ids in noted.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_progress(state: Path, done: Mapping[str, Ids]) -> None:
    fresh = state / f"{_PROGRESS_FILE}.new"
    fresh.write_text(json.dumps({ref: asdict(ids) for ref, ids in done.items()}), "utf-8")
    fresh.replace(state / _PROGRESS_FILE)


def main(argv: list[str] | None = None) -> int:
    """Seed; 0 when at least one card is ready (what failed is said), 1 when none is."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.network.seed", description=__doc__)
    parser.add_argument("--api", default="http://127.0.0.1:8083", metavar="URL")
    parser.add_argument("--network", default="http://127.0.0.1:8080", metavar="URL")
    parser.add_argument("--state", type=Path, default=Path("var/demo"), metavar="DIR")
    options = parser.parse_args(argv)
    state = options.state.resolve()
    api_url = f"{options.api.rstrip('/').removesuffix('/v1')}/v1"
    try:
        faults = asyncio.run(seed(api_url, options.network.rstrip("/"), state))
    except (SeedFailed, OSError, KeyError) as fault:
        print(f"The test cards could not be seeded: {fault}", file=sys.stderr)
        return 1
    for sentence in faults:
        print(f"Not seeded: {sentence}", file=sys.stderr)
    return 0 if cards.Cards(state).all() else 1


if __name__ == "__main__":
    sys.exit(main())
