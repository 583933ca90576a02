"""The phone: every SMS that arrived, by number, newest first.

The Access Control Server's `inbox` gateway posts here, as a carrier would deliver. Nothing is
written to disk: the texts hold one-time codes.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime

_SMS_PER_NUMBER_MAX = 200
_NUMBERS_MAX = 10_000
_IDS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message as the phone shows it."""

    to: str
    sender: str
    text: str
    arrived_at: datetime

    def public(self) -> dict[str, str]:
        """Give what `GET /api/phone/{msisdn}` promises."""
        return {
            "to": self.to,
            "from": self.sender,
            "text": self.text,
            "sent_at": self.arrived_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


def digits_of(msisdn: str) -> str:
    """Read a number with or without leading `+` or `00` and with blanks or dashes."""
    digits = "".join(character for character in msisdn if character in "0123456789")
    return digits.removeprefix("00")


class Phones:
    """All inboxes. Bounded: the oldest texts and the numbers longest silent go first."""

    def __init__(self) -> None:
        """Begin with nothing received."""
        self._inboxes: OrderedDict[str, deque[Sms]] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def receive(self, sms_id: str, sms: Sms) -> bool:
        """Take one SMS; False when this id has come before, which changes nothing."""
        if sms_id in self._seen:
            return False
        self._seen[sms_id] = None
        if len(self._seen) > _IDS_MAX:
            self._seen.popitem(last=False)
        number = digits_of(sms.to)
        inbox = self._inboxes.setdefault(number, deque(maxlen=_SMS_PER_NUMBER_MAX))
        inbox.appendleft(sms)
        self._inboxes.move_to_end(number)
        if len(self._inboxes) > _NUMBERS_MAX:
            self._inboxes.popitem(last=False)
        return True

    def inbox(self, msisdn: str) -> list[Sms]:
        """Give the texts of one number, newest first."""
        return list(self._inboxes.get(digits_of(msisdn), ()))

    def numbers(self) -> list[tuple[str, Sms]]:
        """Give each number that has texts with its newest one, the latest heard first."""
        return [(inbox[0].to, inbox[0]) for inbox in reversed(self._inboxes.values())]
