"""How patient a challenge is. Numbers with a ceiling cannot be set above it.

Defaults: EMV 3-D Secure behaviour [rules 1E, 5.17, 5.18]; attempts: RTS art. 4(3)(b), at most 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from schemas.values import TransStatusReason

ATTEMPTS_CEILING = 5
INTERACTION_CEILING = timedelta(minutes=10)
COUNTER_MAX = 99
"""interactionCounter has two digits [rule 5.19]."""


@dataclass(frozen=True, slots=True)
class ChallengePolicy:
    """Limits of one challenge. Durations are timedeltas, counts are per challenge.

    How often and when a new code may be asked for is the one-time password's own policy.
    ``posts_max`` bounds everything a form sends, right or wrong in shape. ``replay`` is how long
    after the outcome the final page is given again. ``cancel_counts`` raises interactionCounter at
    a cancel, which some networks expect.
    """

    attempts_max: int = 3
    posts_max: int = 20
    first_creq: timedelta = timedelta(seconds=30)
    first_creq_grace: timedelta = timedelta(seconds=2)
    interaction: timedelta = timedelta(minutes=10)
    cap: timedelta = timedelta(minutes=30)
    replay: timedelta = timedelta(minutes=10)
    cancel_counts: bool = False
    attempts_over_reason: TransStatusReason = TransStatusReason.TOO_MANY_CHALLENGES
    blocked_reason: TransStatusReason = TransStatusReason.TOO_MANY_CHALLENGES

    @property
    def answered_for(self) -> timedelta:
        """How long after its AReq a challenge may still go on, or its end be asked for."""
        return self.first_creq + self.first_creq_grace + self.cap + self.replay

    def __post_init__(self) -> None:
        """Refuse a policy beyond the ceilings or without sense."""
        if not 1 <= self.attempts_max <= ATTEMPTS_CEILING:
            message = f"attempts_max is 1 to {ATTEMPTS_CEILING}"
            raise ValueError(message)
        if not 1 <= self.posts_max <= COUNTER_MAX:
            message = f"posts_max is 1 to {COUNTER_MAX}"
            raise ValueError(message)
        if not timedelta(0) < self.interaction <= INTERACTION_CEILING:
            message = "interaction is above 0 and at most 10 minutes"
            raise ValueError(message)
        if self.cap < self.interaction:
            message = "cap is not shorter than interaction"
            raise ValueError(message)
