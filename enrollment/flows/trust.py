"""A cardholder trusts a merchant: asked on a challenge's page, true only with its success.

Laws: the list is changed by a strong authentication of the person alone (RTS art. 13(1)), so the
caller stores this in the transaction of that success, and the entry names it. The client's page of
trusted merchants shows it and takes it off again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from enrollment.events import EventName
from enrollment.store import belongings

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.model import Merchant

_NAME_MAX: Final = 40


async def trust(
    work: Work, person_id: UUID, merchant: Merchant, name: str, *, proved_by: UUID
) -> None:
    """Put a merchant on the person's list; one that is on it already stays as it is.

    ``name`` is what the client saw; ``proved_by`` the authentication that it rests on.
    """
    merchant_id = uuid4()
    added = await belongings.add_merchant(
        work.conn,
        merchant_id,
        person_id,
        merchant,
        name=name[:_NAME_MAX],
        added_by=proved_by,
        now=work.now,
    )
    if added:
        await work.record(
            EventName.MERCHANT_TRUSTED,
            person_id,
            merchant=str(merchant_id),
            proved_by=str(proved_by),
        )
