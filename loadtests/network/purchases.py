"""One purchase as shop, 3DS Server and Directory Server have seen it, and the book of all.

Everything here is memory of one process: plain values, changed between two awaits only.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from loadtests.network.currencies import Currency

if TYPE_CHECKING:
    from loadtests.network.sdk import App

Message = dict[str, object]

_PURCHASES_MAX = 10_000
_TRANS_IDS = ("threeDSServerTransID", "dsTransID", "acsTransID")

_TEXTS = {
    "Y": ("authenticated", "Payment authenticated"),
    "A": ("attempted", "Authentication attempted: proof given, cardholder not checked"),
    "N": ("not_authenticated", "Not authenticated"),
    "U": ("not_performed", "Authentication could not be performed"),
    "R": ("rejected", "Rejected by the bank: do not authorise"),
    "I": ("information", "Taken note of, no authentication"),
    "C": ("challenge", "Waiting for the cardholder at the bank"),
    "D": ("decoupled", "Waiting for the bank, which asks the cardholder elsewhere"),
}


@dataclass(frozen=True, slots=True)
class Faults:
    """How this purchase's Directory Server misbehaves towards the results request.

    `before_s` waits before taking it, `after_s` waits between taking it and answering,
    `http_status` refuses it without taking it; all of this for the first `times` deliveries.
    """

    before_s: float = 0.0
    after_s: float = 0.0
    http_status: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the live log: who said what to whom."""

    at: datetime
    sender: str
    receiver: str
    name: str
    note: str = ""
    message: Message | None = None
    is_bad: bool = False


@dataclass(slots=True)
class Purchase:
    """Everything seen of one purchase so far."""

    id: str
    created_at: datetime
    channel: str
    version: str
    amount_minor: int
    currency: Currency
    merchant_name: str
    window_size: str
    phone: str | None
    areq: Message
    faults: Faults
    faults_left: int
    ares: Message | None = None
    erro: Message | None = None
    creq: str | None = None
    creq_message: Message | None = None
    session_data: str | None = None
    cres: Message | None = None
    rreq: Message | None = None
    rres: Message | None = None
    failure: str | None = None
    rreq_bytes: bytes | None = None
    rreq_deliveries: int = 0
    rreq_accepted: int = 0
    is_asked: bool = False
    method: str | None = None
    app: "App | None" = None
    findings: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def is_before_the_areq(self) -> bool:
        """True while the browser runs the 3DS Method, whose data `method` is."""
        return not self.is_asked and self.method is not None

    @property
    def acs_url(self) -> str | None:
        """Say where the creq goes, from browser or SDK; None when there is nothing to take."""
        if self.app is not None:
            return self.app.sdk.acs_url
        url = (self.ares or {}).get("acsURL")
        return url if self.creq is not None and isinstance(url, str) else None

    @property
    def is_settled(self) -> bool:
        """True when the outcome is known for good."""
        return self.result()["outcome"] not in {"challenge", "decoupled"}

    def note(
        self,
        at: datetime,
        sender: str,
        receiver: str,
        name: str,
        *,
        note: str = "",
        message: Message | None = None,
        is_bad: bool = False,
    ) -> None:
        """Add one line to the live log."""
        self.events.append(Event(at, sender, receiver, name, note, message, is_bad))

    def result(self) -> dict[str, object]:
        """Say how it stands: from the RReq once it came, else from the ARes, else why not."""
        if self.failure is not None:
            return {"outcome": "unavailable", "text": self.failure}
        if self.erro is not None:
            code, detail = self.erro.get("errorCode"), self.erro.get("errorDetail")
            return {"outcome": "error", "text": f"Refused with error {code}: {detail}"}
        source = self.rreq if self.rreq is not None else self.ares
        if source is None:
            return {"outcome": "started", "text": "Asking the bank"}
        if self.rreq is None and self.cres is not None:
            return {"outcome": "unconfirmed", "text": "No results have come from the bank"}
        status = str(source.get("transStatus"))
        outcome, text = _TEXTS.get(status, ("unknown", "An answer this shop does not know"))
        result: dict[str, object] = {"outcome": outcome, "text": text, "transStatus": status}
        names = ("transStatusReason", "eci", "authenticationValue", "challengeCancel")
        result |= {name: source[name] for name in names if name in source}
        return result

    def public(self) -> dict[str, object]:
        """Give what `GET /api/purchases/{id}` promises, and the network's own observations."""
        seen: dict[str, object] = {
            "id": self.id,
            "created_at": self.created_at.isoformat(timespec="milliseconds"),
            "channel": self.channel,
            "version": self.version,
            "areq": self.areq,
            "ares": self.ares,
            "erro": self.erro,
            "acs_url": self.acs_url,
            "creq": self.creq,
            "threeDSSessionData": self.session_data,
            "screen": None if self.app is None else self.app.screen,
            "cres": self.cres,
            "rreq": self.rreq,
            "rres": self.rres,
            "result": self.result(),
        }
        seen["rreq_deliveries"] = self.rreq_deliveries
        seen["rreq_accepted"] = self.rreq_accepted
        seen["findings"] = list(self.findings)
        seen["log"] = [_log_line(event) for event in self.events]
        return seen


def _log_line(event: Event) -> dict[str, object]:
    return {
        "at": event.at.isoformat(timespec="milliseconds"),
        "from": event.sender,
        "to": event.receiver,
        "name": event.name,
        "note": event.note,
    }


class Purchases:
    """The book of purchases; the oldest leave when it is full."""

    def __init__(self, capacity: int = _PURCHASES_MAX) -> None:
        """Begin empty, for `capacity` purchases."""
        self._capacity = capacity
        self._by_id: OrderedDict[str, Purchase] = OrderedDict()
        self._by_trans_id: dict[str, str] = {}

    def add(self, purchase: Purchase) -> None:
        """Open a purchase."""
        self._by_id[purchase.id] = purchase
        self._index(purchase, purchase.areq, ("threeDSServerTransID", "dsTransID"))
        if len(self._by_id) > self._capacity:
            _, oldest = self._by_id.popitem(last=False)
            self._forget(oldest)

    def answered(self, purchase: Purchase, ares: Message) -> None:
        """Remember the ACS's own id of a purchase, by which its results come back."""
        self._index(purchase, ares, ("acsTransID",))

    def by_id(self, purchase_id: str) -> Purchase | None:
        """Find a purchase by the shop's id."""
        return self._by_id.get(purchase_id)

    def by_message(self, message: Mapping[str, object]) -> Purchase | None:
        """Find the purchase that any transaction id in a message belongs to."""
        for name in ("acsTransID", "dsTransID", "threeDSServerTransID"):
            trans_id = message.get(name)
            if isinstance(trans_id, str) and trans_id.lower() in self._by_trans_id:
                return self._by_id.get(self._by_trans_id[trans_id.lower()])
        return None

    def newest(self, count: int) -> list[Purchase]:
        """Give the latest purchases, newest first."""
        ids = reversed(self._by_id)
        return [self._by_id[purchase_id] for purchase_id, _ in zip(ids, range(count), strict=False)]

    def _index(self, purchase: Purchase, message: Message, names: tuple[str, ...]) -> None:
        for trans_id in _trans_ids(message, names):
            self._by_trans_id[trans_id] = purchase.id

    def _forget(self, purchase: Purchase) -> None:
        for message in (purchase.areq, purchase.ares or {}):
            for trans_id in _trans_ids(message, _TRANS_IDS):
                if self._by_trans_id.get(trans_id) == purchase.id:
                    del self._by_trans_id[trans_id]


def _trans_ids(message: Message, names: tuple[str, ...]) -> Iterator[str]:
    return (value.lower() for name in names if isinstance(value := message.get(name), str))
