"""Test cards by their kind, and where a card's code and PIN are known from.

Cases name a kind, never a number: ``challenge_otp``, ``challenge_pin_otp``, ``frictionless``,
``over_limit``, ``not_enrolled``, ``blocked``, ``expired``, ``no_key``, ``unknown_in_range``,
``outside_ranges``. A card of a kind that may be challenged serves one run at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from pathlib import Path

    import aiohttp

Text: TypeAlias = dict[str, str]

_KINDS = {
    "C otp": "challenge_otp",
    "C pin+otp": "challenge_pin_otp",
    "Y": "frictionless",
    "N limit": "over_limit",
    "N not enrolled": "not_enrolled",
    "N blocked": "blocked",
    "N expired": "expired",
    "U": "no_key",
}
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_CODE_WITHIN_S = 10.0
_LOOK_S = 0.05


class Codes(Protocol):
    """Where the one-time codes of a card arrive."""

    async def last(self) -> Text:
        """Give the last text that has arrived so far; empty when there is none."""

    async def newest(self, after: Text) -> str:
        """Give the newest code once another text than ``after`` is the last one."""


@dataclass(frozen=True, slots=True)
class StaticCode:
    """A card whose code is always the same."""

    code: str

    async def last(self) -> Text:
        """Nothing ever arrives."""
        return {}

    async def newest(self, after: Text) -> str:
        """Give the code."""
        del after
        return self.code


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A card whose codes arrive as texts that a URL lists, newest first."""

    session: aiohttp.ClientSession
    url: str

    async def last(self) -> Text:
        """Give the text on top; their number would tell nothing once a phone is full."""
        texts = await self._texts()
        return texts[0] if texts else {}

    async def newest(self, after: Text) -> str:
        """Wait for a text that is newer; raise TimeoutError when none comes."""
        async with asyncio.timeout(_CODE_WITHIN_S):
            while (last := await self.last()) == after:  # noqa: ASYNC110 - a phone cannot call
                await asyncio.sleep(_LOOK_S)
        code = _CODE.search(last["text"])
        if code is None:
            message = "the newest text holds no code"
            raise BadCase(message)
        return code.group()

    async def _texts(self) -> list[Text]:
        async with self.session.get(self.url) as response:
            texts: list[Text] = await response.json(content_type=None)
            return texts


@dataclass(slots=True)
class Card:
    """One test card. ``failures`` counts wrong entries since the last right one."""

    kind: str
    pan: str
    codes: Codes = field(default_factory=lambda: StaticCode(""))
    pin: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class PageNames:
    """How the challenge page of the ACS names its fields and buttons."""

    otp: str = "otp"
    pin: str = "pin"
    action: str = "action"
    submit: str = "submit"
    resend: str = "resend"
    cancel: str = "cancel"


class Cards:
    """All cards there are, lent out by kind."""

    def __init__(self, cards: Iterable[Card], page: PageNames | None = None) -> None:
        """Hold the cards."""
        self.page = page or PageNames()
        self._by_kind: dict[str, list[Card]] = {}
        for card in cards:
            self._by_kind.setdefault(card.kind, []).append(card)
        self._turns: dict[str, Iterator[Card]] = {
            kind: itertools.cycle(some) for kind, some in self._by_kind.items()
        }
        self._free: dict[str, asyncio.Queue[Card]] = {}
        for kind, some in self._by_kind.items():
            if kind.startswith("challenge"):
                self._free[kind] = asyncio.Queue()
                for card in some:
                    self._free[kind].put_nowait(card)

    def has(self, kind: str) -> bool:
        """Tell whether there is a card of this kind."""
        return kind in self._by_kind

    @contextlib.asynccontextmanager
    async def lent(self, kind: str) -> AsyncIterator[Card]:
        """Lend a card; one that may be challenged to nobody else meanwhile."""
        queue = self._free.get(kind)
        if queue is None:
            yield next(self._turns[kind])
            return
        card = await queue.get()
        try:
            yield card
        finally:
            queue.put_nowait(card)


async def from_demo(session: aiohttp.ClientSession, url: str) -> Cards:
    """Ask the demo's payment network for its test cards; raise aiohttp's errors and BadCase."""
    async with session.get(f"{url}/api/cards") as response:
        listed: list[dict[str, Any]] = await response.json(content_type=None)
    cards = [
        Card(
            kind=_KINDS[one["expect"]],
            pan=one["pan"],
            codes=PhoneCode(session, f"{url}/api/phone/{one['phone'].lstrip('+')}"),
            pin=one["pin"],
        )
        for one in listed
        if one["expect"] in _KINDS
    ]
    if not cards:
        message = f"{url} knows no test cards yet"
        raise BadCase(message)
    known = next((card.pan for card in cards if card.kind == "challenge_otp"), cards[0].pan)
    cards.append(Card("unknown_in_range", _with_check_digit(f"{known[:8]}9999999")))
    cards.append(Card("outside_ranges", _with_check_digit("499999999999999")))
    return Cards(cards)


@dataclass(frozen=True, slots=True)
class CardFile:
    """The cards of another ACS: ``[[card]]`` with kind, pan, code, pin; ``[page]`` with names.

    ``code`` is ``static 123456`` or ``phone URL``.
    """

    cards: tuple[Mapping[str, str], ...]
    page: PageNames

    def deck(self, session: aiohttp.ClientSession) -> Cards:
        """Give the cards."""
        return Cards(
            (
                Card(one["kind"], one["pan"], _codes(session, one), one.get("pin"))
                for one in self.cards
            ),
            self.page,
        )


def read_file(path: Path) -> CardFile:
    """Read a file of cards; raise BadCase."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = tuple({name: str(text) for name, text in one.items()} for one in content["card"])
        page = PageNames(**content.get("page", {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path}: {type(error).__name__} {error}"
        raise BadCase(message) from error
    for one in entries:
        if not {"kind", "pan"} <= set(one) or _source(one)[0] not in {"static", "phone"}:
            message = f"{path}: a card has a kind, a pan, and a code that is static or phone"
            raise BadCase(message)
    return CardFile(entries, page)


def _codes(session: aiohttp.ClientSession, entry: Mapping[str, str]) -> Codes:
    kind, argument = _source(entry)
    return StaticCode(argument) if kind == "static" else PhoneCode(session, argument)


def _source(entry: Mapping[str, str]) -> tuple[str, str]:
    kind, _, argument = entry.get("code", "static ").partition(" ")
    return kind, argument


def _with_check_digit(digits: str) -> str:
    """Append the Luhn digit (ISO/IEC 7812-1)."""
    doubled = [
        sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits[::-1])
    ]
    return digits + str(-sum(doubled) % 10)
