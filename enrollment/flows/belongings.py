"""What else belongs to a client in the portal: trusted merchants, preferences, own events, a block.

Every function sees only what belongs to the person it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.step_up import Proof
    from enrollment.flows.work import Work
    from enrollment.ports import Host
    from enrollment.refusals import Done, Refusal
    from enrollment.store.cards import CardView

BlockWish = Literal["temporary", "permanent"]


@dataclass(frozen=True, slots=True)
class TrustedMerchant:
    """A merchant that the client trusts: payments there need no code by SMS."""

    merchant_id: UUID
    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers: language of pages and messages, small payments without a code."""

    language: str
    low_value: bool


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One security event of the last 90 days; ``name`` is that of the audit log."""

    at: datetime
    name: str
    outcome: str
    channel: str
    card_last4: str | None = None


async def merchants(work: Work, person_id: UUID) -> Done[list[TrustedMerchant]] | Refusal:
    """Read the merchants the client trusts."""
    raise NotImplementedError


async def remove_merchant(work: Work, person_id: UUID, merchant_id: UUID) -> Done[None] | Refusal:
    """Trust a merchant no longer."""
    raise NotImplementedError


async def preferences(work: Work, person_id: UUID) -> Done[Preferences] | Refusal:
    """Read what the client prefers, with the version to send back."""
    raise NotImplementedError


async def put_preferences(
    work: Work,
    person_id: UUID,
    wanted: Preferences,
    proof: Proof | None,
    if_match: int | None = None,
) -> Done[Preferences] | Refusal:
    """Change what the client prefers; switching ``low_value`` on takes a code."""
    raise NotImplementedError


async def block_card(
    work: Work, host: Host, person_id: UUID, card_id: UUID, wish: BlockWish
) -> Done[CardView] | Refusal:
    """Have the host block an own card; ``host_unavailable`` (502): nothing was done, phone us."""
    raise NotImplementedError


async def own_events(work: Work, person_id: UUID) -> Done[list[OwnEvent]] | Refusal:
    """Read the client's own security events of the last 90 days, newest first."""
    raise NotImplementedError
