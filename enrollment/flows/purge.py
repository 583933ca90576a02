"""Lets go of persons who were closed long ago.

Laws: what identifies a person goes, with cards and accounts that are nobody else's; what was
declared and the audit log stay, about an id that leads to nobody. A person goes in one transaction
together with the event that tells of it, so that a process may die at any line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.events import EventName
from enrollment.store import purge

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.work import Work


async def purge_one(work: Work, before: datetime) -> bool:
    """Erase one person who was closed before that time; False when there is none now.

    Race: accounts come before persons in the order of locks, and here they come after; so they
    are not waited for, and the person goes another time.
    """
    person_id = await purge.due(work.conn, before)
    if person_id is None:
        return False
    account_ids = await purge.lock_accounts(work.conn, person_id)
    if account_ids is None:
        return False
    counts = await purge.erase(work.conn, person_id, account_ids, work.now)
    await work.record(
        EventName.PERSON_PURGED,
        person_id,
        cards=counts["cards"],
        phones=counts["phones"],
        identifiers=counts["identifiers"],
        accounts=counts["accounts"],
    )
    return True
