"""How a client sees the own card numbers: first six and last four digits (PCI DSS 3.4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment import pan
from enrollment.store import pans
from schemas.vault import Secret

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work


async def masks(work: Work, person_id: UUID) -> dict[UUID, str]:
    """Give the masked numbers of a person's cards by card, such as ``418039******0694``."""
    sealed = await pans.sealed_of_person(work.conn, person_id)
    return {
        card_id: pan.mask(Secret(pan.unseal(work.keys, card_id, number)))
        for card_id, number in sealed.items()
    }
