"""The test cards: what their holders know, as the seeding client wrote it down.

The file `cards.json` in the state folder belongs to the network: card numbers and PINs of the
demo's people live there and nowhere else.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "cards.json"


@dataclass(frozen=True, slots=True)
class Card:
    """One test card and its holder; `expect` begins with the transStatus at 123.45 PLN."""

    pan: str
    holder: str
    phone: str
    pin: str | None
    identifier: str
    account_id: str
    card_id: str
    expect: str
    exp: str = ""

    @property
    def masked(self) -> str:
        """Only the last four digits, as a shop shows a stored card."""
        return f"•••• {self.pan[-4:]}"

    @property
    def brand(self) -> str:
        """Name the payment scheme by the first digits."""
        return {"4": "Visa", "5": "Mastercard", "3": "JCB"}.get(self.pan[:1], "Card")

    def public(self) -> dict[str, object]:
        """Give what `GET /api/cards` promises: no more and no less."""
        return {name: value for name, value in asdict(self).items() if name != "exp"}


class Cards:
    """The cards on file; read again whenever the file has changed."""

    def __init__(self, state: Path) -> None:
        """Read from the file in this folder; it need not exist yet."""
        self._path = state / FILE_NAME
        self._stamp: tuple[int, int] | None = None
        self._cards: tuple[Card, ...] = ()

    def all(self) -> tuple[Card, ...]:
        """Give all cards in the order of the file; none while the bank still issues them.

        A file that cannot be read leaves the last good list in force.
        """
        try:
            status = self._path.stat()
        except OSError:
            return self._cards
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._cards = _read(self._path, self._cards)
            self._stamp = stamp
        return self._cards

    def by_pan(self, pan: str) -> Card | None:
        """Find the card with this number."""
        return next((card for card in self.all() if card.pan == pan), None)


def _read(path: Path, last_good: tuple[Card, ...]) -> tuple[Card, ...]:
    try:
        return tuple(Card(**entry) for entry in json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return last_good


def write(state: Path, cards: list[Card]) -> None:
    """Replace the list in one step, so that a reader never meets half a file."""
    state.mkdir(parents=True, exist_ok=True)
    path = state / FILE_NAME
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps([asdict(card) for card in cards], indent=1), "utf-8")
    fresh.replace(path)
