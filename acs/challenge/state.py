"""What a challenge is at one moment: frozen values, changed only by the machine's transitions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from acs.challenge.effects import Show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from acs.challenge.effects import Effect, Page
    from acs.challenge.events import Event
    from acs.challenge.policy import ChallengePolicy
    from acs.challenge.screens import Notice
    from acs.transaction import AcsTransId, Elements
    from schemas.values import ChallengeCancel, TransStatus, TransStatusReason


class State(StrEnum):
    """Where a challenge is [rules 9]."""

    WAIT_CREQ = "wait_creq"
    """C was answered; the browser has not come yet."""
    CHALLENGE = "challenge"
    """The page is out."""
    RESULT = "result"
    """The outcome is fixed; the network is being told."""
    CLOSED = "closed"
    """The network was told, or never will be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a challenge ended; made once, never changed. ``name`` is for the record and metrics.

    ``reason`` is as the transaction's version can say it; ``error`` is the Erro of a refused CReq.
    """

    name: str
    trans_status: TransStatus
    reason: TransStatusReason | None = None
    challenge_cancel: ChallengeCancel | None = None
    error: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The cardholder's dialogue as it stands. Times are aware UTC.

    ``interaction_counter`` counts answers that were submitted for comparison; ``attempts`` those
    that did not match (an answer to an expired code is the difference). ``step`` is raised by
    everything a form does, so that a form can tell which copy of the page it came from.
    ``trusts``: the cardholder wants the merchant on the list of trusted ones, once this succeeds.
    ``lasts``: how long it may last in all, where the requestor's side waits less long than our
    policy [rule 1.27].
    ``code_seq`` counts codes made, ``code_sent_at`` is when the newest was. ``cres_status`` is what
    the final CRes says; once given it stays.
    """

    acs_trans_id: AcsTransId
    message_version: str
    elements: Elements
    language: str
    created_at: datetime
    state: State = State.WAIT_CREQ
    step: int = 0
    form_posts: int = 0
    interaction_counter: int = 0
    attempts: int = 0
    code_seq: int = 0
    code_sent_at: datetime | None = None
    notice: Notice | None = None
    outcome: Outcome | None = None
    cres_status: Literal["Y", "N"] | None = None
    opened_at: datetime | None = None
    last_activity_at: datetime | None = None
    outcome_at: datetime | None = None
    closed_at: datetime | None = None
    trusts: bool = False
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The challenge after an event, and what must be done, in this order."""

    challenge: Challenge
    effects: tuple[Effect, ...] = ()

    @property
    def page(self) -> Page | None:
        """The page that answers the cardholder; None where nobody waits for one."""
        pages = [effect.page for effect in self.effects if isinstance(effect, Show)]
        return pages[-1] if pages else None


@dataclass(frozen=True, slots=True)
class EventNotExpected:
    """The event has no place in this state; nothing changed. The shell has a fault."""

    challenge: Challenge
    event: Event


@dataclass(frozen=True, slots=True)
class Moment:
    """One event at one time, as the rules see it."""

    challenge: Challenge
    event: Event
    policy: ChallengePolicy
    now: datetime
