"""skeleton"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from acs.challenge.effects import Effect
    from acs.challenge.events import Event
    from acs.challenge.policy import ChallengePolicy
    from acs.challenge.screens import Notice
    from acs.transaction import AcsTransId, Elements
    from schemas.values import TransStatus, TransStatusReason


class State(StrEnum):
    """Where a challenge is [rules 9]."""

    WAIT_CREQ = "wait_creq"
    CHALLENGE = "challenge"
    RESULT = "result"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a challenge ended; made once, never changed. ``name`` is for the record and metrics."""

    name: str
    trans_status: TransStatus
    reason: TransStatusReason | None = None
    challenge_cancel: str | None = None
    error: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The cardholder's dialogue as it stands. Times are aware UTC.

    ``interaction_counter`` counts answers that were compared; ``attempts`` those that did not match
    (an answer to an expired code is the difference). ``step`` is raised by everything a form does,
    so that a form can tell which copy of the page it came from. ``code_seq`` counts codes made.
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


@dataclass(frozen=True, slots=True)
class Step:
    """The challenge after an event, and what must be done, in this order."""

    challenge: Challenge
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class EventNotExpected:
    """The event has no place in this state; nothing changed. The shell has a fault."""

    challenge: Challenge
    event: Event


def begin(challenge: Challenge, policy: ChallengePolicy) -> Step:
    """Start the clock of the first CReq for a challenge just promised by an ARes."""
    raise NotImplementedError


def step(
    challenge: Challenge, event: Event, policy: ChallengePolicy, now: datetime
) -> Step | EventNotExpected:
    """Take the challenge one event further."""
    raise NotImplementedError
