"""What the edge of the enrolment API is handed by the composition root."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from enrollment.model import HostSaid

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from enrollment.callers import Callers
    from enrollment.policy import EnrollmentPolicy
    from otp.policy import OtpPolicy
    from schemas.vault import Keys


class Pool(Protocol):
    """Connections to the database."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Lend a connection with an open transaction; leaving the block commits."""


class Host(Protocol):
    """The bank's card host, as far as the portal needs it.

    ``is_there``: whether one is configured at all; else clients are asked to call.
    """

    is_there: bool

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        """Ask for a ``temporary`` or ``permanent`` block.

        The same ``wish_id`` again is the same wish: what it came to before may not be known.
        """


class NoHost:
    """Stands in where no host is configured: every wish is refused clearly, nothing is done."""

    is_there = False

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        """Say that the host was not asked."""
        del card_ref, wish, wish_id
        return HostSaid.NOT_ASKED


def _nothing(*_: object) -> None:
    """Let it pass."""


_TASKS: set[asyncio.Task[None]] = set()


def _on_its_own(job: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(job)
    _TASKS.add(task)  # so that it is not collected
    task.add_done_callback(_TASKS.discard)


def _no_id() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPorts:
    """Everything the edge may reach.

    ``card_range_known`` tells whether a PAN belongs to a card range of this service.
    ``deliver_soon`` is told of a message after the commit and returns at once. ``observe`` counts
    a call by route template and outcome, a word of a closed list. ``request_id`` gives the id
    under which the request at hand stands in the logs. ``host`` blocks cards. Inside ``pace`` an
    answer to somebody unknown takes at least as long as its floor (no client is found by time).
    """

    pool: Pool
    keys: Keys
    policy: EnrollmentPolicy
    otp_policy: OtpPolicy
    callers: Callers
    clock: Callable[[], datetime]
    card_range_known: Callable[[str], bool]
    deliver_soon: Callable[[UUID], object] = _nothing
    observe: Callable[[str, str], object] = _nothing
    request_id: Callable[[], str] = _no_id
    in_background: Callable[[Coroutine[Any, Any, None]], object] = _on_its_own
    """Carries a job on behind the answer."""
    host: Host = field(default_factory=NoHost)
    pace: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
