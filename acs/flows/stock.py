"""Made-up transactions by the million, as the service would leave them; for tests of size only.

One AReq is answered by the flow itself, with its own card; what that leaves in the tables is the
pattern. Each further transaction is the pattern with identifiers, card and time of its own, sealed
and hashed for its own place: its answer can be given again, its evidence and audit event verify.
They are frictionless payments of a browser, spread evenly over the time that transactions are kept;
what is kept for less time is left out where it would have been let go.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from acs import evidence
from acs.chain_gaps import LOG
from acs.flows import evidence as evidence_flow
from acs.flows.authenticate import ares_place, authenticate
from acs.store import audit_chain, dialogues, partitions
from acs.store import stock as store
from acs.transaction import (
    CHANCE_BYTES,
    AcsTransId,
    DsTransId,
    acs_trans_id_at,
    link_digest,
)
from enrollment.flows import stock as clients
from schemas.audit import AuditEvent
from schemas.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime, timedelta

    import asyncpg

    from acs.directory_server import DirectoryServer
    from acs.ports import Ports, Retention
    from acs.transaction import Linked, Transaction
    from enrollment.flows.stock import Client
    from schemas.vault import Keys

_UUID_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_DRAWN_BYTES: Final = CHANCE_BYTES + 2 * _UUID_BYTES + _DIGEST_BYTES + 8
_SEALS: Final = 20_000
AMOUNT: Final = "4999"
AREQ: Final[dict[str, object]] = {
    "messageType": "AReq",
    "messageVersion": "2.2.0",
    "deviceChannel": "02",
    "messageCategory": "01",
    "threeDSServerTransID": "5a0c0000-0000-4000-8000-000000000001",
    "dsTransID": "5a0c0000-0000-4000-8000-000000000002",
    "threeDSServerRefNumber": "3DS_STOCK_SERVER_020301_00001",
    "threeDSServerOperatorID": "STOCK-3DSS-01",
    "threeDSServerURL": "https://3ds.example/3dss",
    "threeDSRequestorID": "STOCK-SHOP-0001",
    "threeDSRequestorName": "Shop",
    "threeDSRequestorURL": "https://shop.example/",
    "acctID": "shop-account-1001",
    "acctInfo": {
        "chAccAgeInd": "05",
        "chAccDate": "20240917",
        "chAccChangeInd": "04",
        "chAccChange": "20240917",
        "nbPurchaseAccount": "4",
        "txnActivityDay": "1",
        "txnActivityYear": "7",
    },
    "merchantRiskIndicator": {"deliveryTimeframe": "03", "shipIndicator": "01"},
    "billAddrLine1": "ul. Przykladowa 1",
    "billAddrCity": "Warszawa",
    "billAddrPostCode": "00-001",
    "billAddrCountry": "616",
    "email": "cardholder@shop.example",
    "addrMatch": "Y",
    "cardholderName": "Jan Kowalski",
    "threeDSRequestorAuthenticationInd": "01",
    "threeDSRequestorChallengeInd": "01",
    "threeDSCompInd": "U",
    "notificationURL": "https://3ds.example/3dss/notification",
    "browserAcceptHeader": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "browserUserAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "browserIP": "192.0.2.10",
    "browserLanguage": "pl-PL",
    "browserJavascriptEnabled": True,
    "browserJavaEnabled": False,
    "browserColorDepth": "24",
    "browserScreenHeight": "900",
    "browserScreenWidth": "1280",
    "browserTZ": "-120",
    "purchaseAmount": AMOUNT,
    "purchaseCurrency": "985",
    "purchaseExponent": "2",
    "merchantName": "Shop",
    "merchantCountryCode": "616",
    "mcc": "5712",
    "acquirerBIN": "400551",
    "acquirerMerchantID": "STOCK-MERCHANT-0001",
    "transType": "01",
    "dsReferenceNumber": "STOCK_DIRECTORY_SERVER_020301_01",
    "dsURL": "https://ds.example/ds/rreq",
}
"""The AReq of the pattern, but for card, time and identifiers of its own."""


class NoPattern(Exception):
    """The flow did not answer the AReq of the pattern; the message says what it said."""


class Template:
    """A text in which some words are exchanged."""

    def __init__(self, text: bytes, words: Mapping[str, bytes]) -> None:
        """Cut the text at the words; each has a name."""
        names = {word: name for name, word in words.items()}
        longest_first = sorted(names, key=len, reverse=True)
        cut = re.split(b"(%s)" % b"|".join(map(re.escape, longest_first)), text)
        self._fixed, self._named = cut[::2], [names[word] for word in cut[1::2]]

    def fill(self, words: Mapping[str, bytes]) -> bytes:
        """Give the text with other words."""
        parts = [self._fixed[0]]
        for name, following in zip(self._named, self._fixed[1:], strict=True):
            parts += (words[name], following)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one transaction of the service left, cut at what is its own."""

    transaction: Template
    messages: Template
    document: Template
    answer: Template
    linked: Linked
    event: AuditEvent
    browser: tuple[str, str]

    @classmethod
    async def take(
        cls,
        ports: Ports,
        conn: asyncpg.Connection[Any],
        server: DirectoryServer,
        client: Client,
    ) -> Pattern:
        """Pay with a card, and read what that left. Raises NoPattern."""
        areq = AREQ | {
            "acctNumber": client.pan.reveal(),
            "purchaseDate": ports.clock().strftime("%Y%m%d%H%M%S"),
            "threeDSServerTransID": _uuid_text(os.urandom(_UUID_BYTES)),
            "dsTransID": _uuid_text(os.urandom(_UUID_BYTES)),
        }
        said = json.loads(await authenticate(ports, json.dumps(areq).encode(), server))
        if said.get("transStatus") != "Y":
            names = ("transStatus", "transStatusReason", "errorCode")
            told = {name: said.get(name) for name in names}
            message = f"a payment with a made-up card is answered by {told}, not by Y"
            raise NoPattern(message)
        acs_trans_id = AcsTransId(UUID(said["acsTransID"]))
        left = await store.pattern(conn, acs_trans_id)
        dialogue = await dialogues.read(conn, acs_trans_id)
        if dialogue is None:
            message = "the transaction of the pattern is not there"
            raise NoPattern(message)
        words = _words(areq, left, dialogue.transaction, client)
        answer = ports.keys.vault.open(left["ares_sealed"], ares_place(acs_trans_id))
        return cls(
            transaction=Template(await store.transaction_line(conn, acs_trans_id), words),
            messages=Template(await store.message_lines(conn, acs_trans_id), words),
            document=Template(left["document"].encode(), words),
            answer=Template(answer, words),
            linked=dialogue.transaction.linked,
            event=AuditEvent(
                at=dialogue.transaction.created_at,
                name=left["name"],
                actor_kind="network",
                actor=left["actor"],
                object="",
                outcome=left["outcome"],
                details=json.loads(left["details"]),
            ),
            browser=(str(areq["browserIP"]), str(areq["browserUserAgent"])),
        )


def _words(
    areq: Mapping[str, object], left: Mapping[str, Any], made: Transaction, client: Client
) -> dict[str, bytes]:
    """Name the words that are a transaction's own."""
    texts = {
        "id": str(made.acs_trans_id),
        "three_ds": made.three_ds_server_trans_id,
        "ds": made.ds_trans_id,
        "at": left["at"],
        "moment": evidence.moment(made.created_at),
        "bought": str(areq["purchaseDate"]),
        "digest": left["areq_digest"].hex(),
        "link": made.link_digest.hex(),
        "sealed": left["ares_sealed"].hex(),
        "tag": left["tag"],
    }
    return {name: text.encode() for name, text in texts.items()} | _words_of(client)


def _words_of(client: Client) -> dict[str, bytes]:
    """Name the words that are a client's own."""
    digits = client.pan.reveal()
    return {
        "card": str(client.card_id).encode(),
        "account": str(client.account_id).encode(),
        "person": str(client.person_id).encode(),
        "masked": f"{digits[:6]}******{digits[-4:]}".encode(),
        "last4_told": f'"last4":"{digits[-4:]}"'.encode(),
        "last4_kept": f"\t{digits[-4:]}\t".encode(),
    }


class Rows:
    """Lines for COPY, by table; ``use`` is what was held of limits."""

    def __init__(self) -> None:
        """Begin with none."""
        self.lines: dict[str, list[bytes]] = {table: [] for table in store.COLUMNS}
        self.use: list[bytes] = []

    def add(self, table: str, *columns: str) -> None:
        """Add a row; backslashes are doubled here."""
        self.lines[table].append("\t".join(columns).replace("\\", "\\\\").encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes transactions like the pattern; ``client`` gives the client of a number."""

    pattern: Pattern
    keys: Keys
    kept: Retention
    now: datetime
    clients: int
    client: Callable[[int], Client]

    def rows(self, moments: Sequence[datetime]) -> Rows:
        """Make one transaction for each moment, of clients drawn by chance."""
        made = Rows()
        drawn = os.urandom(_DRAWN_BYTES * len(moments))
        for number, at in enumerate(moments):
            begin = number * _DRAWN_BYTES
            self._add(made, at, drawn[begin : begin + _DRAWN_BYTES])
        return made

    def _add(self, made: Rows, at: datetime, drawn: bytes) -> None:
        acs_trans_id = acs_trans_id_at(at, drawn[:CHANCE_BYTES])
        drawn = drawn[CHANCE_BYTES:]
        client = self.client(int.from_bytes(drawn[-8:], "big") % self.clients)
        ds = _uuid_text(drawn[_UUID_BYTES : 2 * _UUID_BYTES])
        link = replace(
            self.pattern.linked,
            acs_trans_id=acs_trans_id,
            ds_trans_id=DsTransId(ds),
            card_id=client.card_id,
        )
        age, when = self.now - at, at.isoformat()
        seen = evidence_flow.visitor(self.keys, acs_trans_id, "areq", *self.pattern.browser)
        words = _words_of(client) | {
            "id": str(acs_trans_id).encode(),
            "three_ds": _uuid_text(drawn[:_UUID_BYTES]).encode(),
            "ds": ds.encode(),
            "at": when.encode(),
            "moment": evidence.moment(at).encode(),
            "bought": at.strftime("%Y%m%d%H%M%S").encode(),
            "digest": drawn[2 * _UUID_BYTES : -8].hex().encode(),
            "link": link_digest(link).hex().encode(),
            "tag": seen.tag.encode(),
        }
        answer = self.pattern.answer.fill(words)
        sealed = self.keys.vault.seal(answer, ares_place(acs_trans_id))
        words["sealed"] = sealed.hex().encode()
        made.lines["acs.transaction"].append(self.pattern.transaction.fill(words))
        if age < self.kept.messages:
            made.lines["acs.message_log"].append(self.pattern.messages.fill(words))
        if age < self.kept.visitors:
            made.add(
                "acs.visitor", str(acs_trans_id), "areq", when, f"\\x{seen.sealed.hex()}", seen.tag
            )
        document = self.pattern.document.fill(words).decode()
        made.add("audit.evidence", str(acs_trans_id), when, document)
        if age < self.kept.use:
            made.use.append(clients.use_line(client, acs_trans_id, AMOUNT, at, self.now))
        self._tell(made, acs_trans_id, at, evidence.digest(document))

    def _tell(self, made: Rows, acs_trans_id: AcsTransId, at: datetime, digest: str) -> None:
        told = self.pattern.event
        event = replace(
            told,
            at=at,
            object=str(acs_trans_id),
            details={**told.details, "evidence": digest},
        )
        details = event.details_json()
        tag = self.keys.audit.tag(b"audit/1", event.canonical(details))
        made.add(
            "audit.event", at.isoformat(), event.name, event.actor_kind, event.actor, event.object,
            event.outcome, details, tag.key_id, f"\\x{tag.value.hex()}",
        )  # fmt: skip


def moments(first: int, count: int, planned: int, end: datetime, span: timedelta) -> list[datetime]:
    """Give when the transactions from the ``first`` on were, evenly over the time until the end."""
    step = span / planned
    begin = end - span
    return [begin + step * number for number in range(first, first + count)]


async def make_months(conn: asyncpg.Connection[Any], kept: Retention, now: datetime) -> None:
    """Make the past months of each table, as far back as it is kept."""
    spans = {
        "acs.transaction": kept.transactions,
        "acs.message_log": kept.messages,
        "acs.visitor": kept.visitors,
        "audit.evidence": kept.transactions,
        "enrollment.reservation": kept.use,
        "audit.event": kept.transactions,
        "audit.seal": kept.transactions,
    }
    for parent, span in spans.items():
        month, last = partitions.month_of((now - span).date()), partitions.month_of(now.date(), 1)
        while month <= last:
            await partitions.make(conn, parent, month)
            month = partitions.month_of(month, 1)


async def keep(
    conn: asyncpg.Connection[Any], keys: Keys, made: Rows, moments: Sequence[datetime]
) -> None:
    """Store rows, what they count, and the chain of the log, on the caller's open transaction."""
    for table, lines in made.lines.items():
        if table != LOG:
            await store.copy(conn, table, lines)
    first, last = (
        acs_trans_id_at(at, chance * CHANCE_BYTES)
        for at, chance in ((moments[0], b"\x00"), (moments[-1], b"\xff"))
    )
    await clients.add_use(conn, made.use, first, last)
    await audit_chain.wait_for_lock(conn)
    told = zip(moments, made.lines[LOG], strict=True)
    for month, of_month in groupby(told, key=lambda one: partitions.month_of(one[0].date())):
        await _keep_events(conn, keys, month, [line for _, line in of_month])
    while await audit_chain.seal(conn, keys.audit, _SEALS):
        pass


async def _keep_events(
    conn: asyncpg.Connection[Any], keys: Keys, month: date, lines: Sequence[bytes]
) -> None:
    """Store audit events in their month, those of a past one with their links."""
    number = await store.first_number(conn, month)
    if number is None:
        await store.copy(conn, LOG, lines)
    else:
        await store.copy_numbered(conn, number, lines)
        await audit_chain.seal_among(conn, keys.audit, number, number + len(lines))


def _uuid_text(drawn: bytes) -> str:
    text = drawn.hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
