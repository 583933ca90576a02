"""Gather the facts of an AReq: the first of its two round trips.

What the card's standing, and with it the device data of a 3DS Method, cost is one statement, which
AReqs at the same time share. Only a requestor-initiated payment that refers to an earlier
authentication asks a second question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from acs.authentication import rendering
from acs.authentication.facts import Converted, Facts, NoRate
from acs.authentication.limits import convert
from acs.authentication.references import device_ids, merchant_of, prior_ids
from acs.crypto import value
from acs.store import device_data, transactions
from enrollment import pan as enrollment_pan
from enrollment.model import calendar_of
from schemas.records import Record
from schemas.three_ds_method import DeviceData
from schemas.values import DeviceChannel, MessageCategory
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from datetime import datetime

    from acs.authentication.facts import Prior
    from acs.authentication.rendering import Rendering
    from acs.directory_server import DirectoryServer
    from acs.ports import Ports
    from acs.store.card_ranges import IssuedRange
    from schemas.compiler import Reading


class Asked(Record, frozen=True):
    """One AReq that was read and found right, and who asked."""

    areq: Reading
    raw: bytes
    server: DirectoryServer
    issued: IssuedRange
    now: datetime

    @property
    def pan(self) -> str:
        """The card number, in memory only."""
        return str(self.areq.values["acctNumber"])


class Gathered(Record, frozen=True):
    """The facts, and where the device data among them is stored."""

    facts: Facts
    device_id: UUID | None


async def gather(ports: Ports, asked: Asked) -> Gathered:
    """Read what the decision may know."""
    answer = await ports.areqs.ask(_question(ports, asked))
    standing, sealed = answer.standing, answer.device
    priors = await _priors(ports, asked)
    small = asked.issued.range.policy.low_value
    facts = Facts(
        range=asked.issued.range,
        standing=standing,
        ds_id=asked.server.ds_id,
        amount=_converted(ports, asked, None if standing is None else standing.currency),
        keys_available=_keys_available(ports, asked),
        device=None if sealed is None else _opened(ports, sealed),
        priors=priors,
        small=_converted(ports, asked, None if small is None else small.currency_number),
        rendering=_rendering(asked),
    )
    found = None if sealed is None else sealed.three_ds_server_trans_id
    return Gathered(facts, found)


def _keys_available(ports: Ports, asked: Asked) -> bool:
    """Tell whether a value could be made; of an HSM that is known to be away none is hoped for."""
    card_range, hsm = asked.issued.range, ports.hsm
    if hsm is not None and hsm.is_away and hsm.holds(card_range.policy.av_key_id or ""):
        return False
    amount = asked.areq.values.get("purchaseAmount")
    return value.available(card_range, ports.values, None if amount is None else int(str(amount)))


def _rendering(asked: Asked) -> Rendering | None:
    """Say how a challenge in the app would be shown, where what it promises can be signed."""
    if asked.areq.context.channel != DeviceChannel.APP or asked.server.signer is None:
        return None
    return rendering.choose(asked.areq.values.get("deviceRenderOptions"))


def _question(ports: Ports, asked: Asked) -> device_data.Question:
    day, month = calendar_of(asked.now)
    return device_data.Question(
        pan_indexes=enrollment_pan.index(ports.keys, asked.pan),
        day=day,
        month=month,
        device_ids=[UUID(one) for one in device_ids(asked.areq)],
        now=asked.now,
        merchant=merchant_of(asked.areq),
    )


async def _priors(ports: Ports, asked: Asked) -> tuple[Prior, ...]:
    context = asked.areq.context
    if context.channel != DeviceChannel.RI3 or context.category != MessageCategory.PA:
        return ()
    named = prior_ids(asked.areq)
    if not named:
        return ()
    async with ports.pool.connection() as conn:
        return await transactions.priors(conn, named)


def _opened(ports: Ports, sealed: device_data.Sealed) -> DeviceData | None:
    """Open device data; what a forgotten key sealed is as good as none."""
    place = device_place(sealed.three_ds_server_trans_id)
    try:
        return DeviceData.from_bytes(ports.keys.vault.open(sealed.sealed, place))
    except CannotOpen:
        return None


def _converted(ports: Ports, asked: Asked, into: str | None) -> Converted | NoRate | None:
    values = asked.areq.values
    amount, currency = values.get("purchaseAmount"), values.get("purchaseCurrency")
    if into is None or amount is None or currency is None:
        return None
    return convert(
        int(str(amount)),
        int(str(values.get("purchaseExponent", "2"))),
        str(currency),
        into=into,
        rates=ports.tables.now.rates,
        margin_bp=ports.policies.fx_margin_bp,
        today=asked.now.date(),
        booked=asked.issued.range.policy.exponent_of(str(currency)),
    )


def device_place(three_ds_server_trans_id: UUID) -> str:
    """Name the place device data is sealed for."""
    return f"acs.device_data|{three_ds_server_trans_id}"
