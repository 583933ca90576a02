"""Birthdays: what was suspended because its holder was too young follows the holder's age.

Birth dates are sealed, so no statement can ask whose birthday it is. Those who wait for it are few
and found by an index; once a day, from midnight of the issuer's zone on, each of them is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment import ages
from enrollment.flows import enrolments
from enrollment.flows.ages import opened
from enrollment.model import calendar_of
from enrollment.store import persons
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from enrollment.flows.work import Work


async def catch_up(work: Work, limit: int) -> int:
    """Go through up to ``limit`` cards that wait for their holders' age; gives how many.

    # Race: the bank may change the person meanwhile; with the row held all is looked at again.
    # Several persons are held, in the order in which a change of an account holds them.
    """
    day, _ = calendar_of(work.now)
    after = await persons.next_age_sweep(work.conn, day)
    if after is None:
        return 0
    waiting = await persons.next_of_age_sweep(work.conn, after, limit)
    moved = set()
    for one in waiting:
        try:
            born = opened(work.keys, one.person_id, one.birth_date_ct)
        except CannotOpen as failure:  # its key is gone: the others follow their ages
            work.note(failure)
            continue
        if ages.bar(born, is_allowed=one.minor_allowed, today=day) is not one.reason:
            moved.add(one.person_id)
    for person_id in sorted(moved):
        await persons.lock(work.conn, person_id)
        await enrolments.recompute_among(work, person_id)
    is_over = len(waiting) < limit
    last = waiting[-1].card_id if waiting else after
    await persons.move_age_sweep(work.conn, day, last, work.now if is_over else None)
    return len(waiting)
