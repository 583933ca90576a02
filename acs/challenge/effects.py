"""What must be done after a step of a challenge: the words of the machine for the shell.

Effects are carried out in the order of the step and in the transaction that stores its state,
except ``Show``, which is the answer, and the sending that ``QueueResults`` makes possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from acs.challenge.events import Timer


class Page(StrEnum):
    """Which page answers.

    ``CODE``: the entry page as the challenge now is, with its notice. ``FINAL``: the page with the
    final CRes, once the result is settled or the wait is over. ``ERROR``: the page with the Erro
    of the refused CReq, likewise. ``NEUTRAL``: a page that tells and sends nothing.
    """

    CODE = "code"
    FINAL = "final"
    ERROR = "error"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Make a code and queue its message; then tell the machine CodeIssued or CodeRefused."""


@dataclass(frozen=True, slots=True)
class ForgetCode:
    """Overwrite what is kept of code and PIN; the challenge needs them no more."""


@dataclass(frozen=True, slots=True)
class QueueResults:
    """Put the RReq of the challenge's outcome into the outbox, exactly once."""


@dataclass(frozen=True, slots=True)
class CountUse:
    """The held amount counts against the limits."""


@dataclass(frozen=True, slots=True)
class ReleaseUse:
    """The held amount goes back to the limits."""


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Set a clock of the challenge, or set it anew."""

    timer: Timer
    due_at: datetime


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Drop one clock of the challenge."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class StopTimers:
    """Drop every clock of the challenge."""


@dataclass(frozen=True, slots=True)
class TrustMerchant:
    """Put the merchant on the list of those the cardholder trusts."""


@dataclass(frozen=True, slots=True)
class Show:
    """Answer the cardholder with this page."""

    page: Page


@dataclass(frozen=True, slots=True)
class Record:
    """Write an event of the audit log, for example ``challenge:code:rejected``."""

    name: str


Effect: TypeAlias = (
    IssueCode
    | ForgetCode
    | QueueResults
    | CountUse
    | ReleaseUse
    | StartTimer
    | StopTimer
    | StopTimers
    | TrustMerchant
    | Show
    | Record
)
