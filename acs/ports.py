"""What a flow is handed: pools, keys, the ways out, the policies, the clock.

One frozen record, built by ``acs.app`` alone; each edge gets its own copy with its own pool.
A flow takes nothing from anywhere else, so a test can hand it everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from acs import log
from acs.deadlines import Deadlines
from acs.steps import InStep, in_step
from acs.store.areqs import Areqs
from enrollment.events import ACS
from enrollment.flows import Work
from enrollment.policy import EnrollmentPolicy
from enrollment.ports import Host, NoHost

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from acs.background import Background
    from acs.challenge.policy import ChallengePolicy
    from acs.crypto.keys import AuthenticationValueKeys, RemoteValueKeys
    from acs.directory_server import DirectoryServers
    from acs.number_checks import Lookup, NoAnswer
    from acs.pages.render import Pages
    from acs.store.card_ranges import PolicyTables
    from acs.store.pool import Connection, Pool
    from otp.model import Claim, SmsState
    from otp.policy import OtpPolicy
    from schemas.vault import Keys, Secret


class MessageDelivery(Protocol):
    """The way to the phone: sends one queued message at once."""

    async def deliver(self, sms_id: UUID, wait_s: float | None = None) -> object:
        """Claim, send and settle one message; wait for it at most ``wait_s`` seconds."""

    async def deliver_claimed(self, claim: Claim, wait_s: float | None = None) -> SmsState | None:
        """Send and settle a message that this process has in hand; None: it is not settled yet."""

    async def tidy_reports(self, limit: int) -> int:
        """Apply reports that a dead process left, delete what nobody claims; give how many."""


class NumberChecks(Protocol):
    """Whoever knows of SIM cards: a mobile operator, or an aggregator of several."""

    async def swapped_within(self, number: Secret, hours: int) -> bool | NoAnswer:
        """Tell whether the SIM card of an E.164 number was exchanged in the last ``hours``."""

    @property
    def looks_up(self) -> bool:
        """Tell whether ``look_up`` has somebody to ask."""

    async def look_up(self, number: Secret) -> Lookup | NoAnswer:
        """Tell whether anybody has an E.164 number, and when it was ported last."""


@dataclass(frozen=True, slots=True)
class SwapPolicy:
    """When an exchanged SIM card or ported number matters, how patient we are to hear of it."""

    recent_hours: int = 72
    earlier_hours: int = 240
    patience: timedelta = timedelta(seconds=1.5)
    kept: timedelta = timedelta(minutes=15)
    steps_down_on_error: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept. ``use``: what payments held of limits, until nobody counts it."""

    transactions: timedelta = timedelta(days=548)
    messages: timedelta = timedelta(days=120)
    visitors: timedelta = timedelta(days=548)
    evidence: timedelta = timedelta(days=2192)
    use: timedelta = timedelta(days=62)
    persons: timedelta = timedelta(days=2192)
    audit: timedelta = timedelta(days=2192)


class Tables(Protocol):
    """The issuers' policies as they are now."""

    @property
    def now(self) -> PolicyTables:
        """The tables in force."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The settings that flows act by.

    ``final_wait`` bounds how long a cardholder waits for the RRes [rule 1.26]; ``areq_budget`` is
    T0 with room for the network, ``areqs_max`` how many AReqs a process works on at once;
    ``fx_margin_bp`` is added to exchange rates, in basis points. A result that was not taken is
    tried again once after ``rreq_try_again_in_place`` while the cardholder waits [rule 8.11], then
    by the worker after ``rreq_retry_waits``.
    """

    challenge: ChallengePolicy
    otp: OtpPolicy
    challenge_url: str
    enrollment: EnrollmentPolicy = field(default_factory=EnrollmentPolicy)
    swap: SwapPolicy = field(default_factory=SwapPolicy)
    retention: Retention = field(default_factory=Retention)
    counts_use: bool = True
    tells_over_limit: bool = False
    fx_margin_bp: int = 500
    areq_budget: timedelta = timedelta(seconds=3.5)
    areqs_max: int = 1_000
    final_wait: timedelta = timedelta(seconds=7)
    rreq_try_again_in_place: timedelta = timedelta(seconds=1)
    rreq_retry_waits: tuple[timedelta, ...] = field(
        default=(
            timedelta(seconds=2),
            timedelta(seconds=5),
            timedelta(seconds=15),
            timedelta(minutes=1),
            timedelta(minutes=5),
        )
    )
    rreq_give_up_after: timedelta = timedelta(hours=24)

    @property
    def app_challenge_url(self) -> str:
        """Where an SDK goes with its CReqs."""
        return f"{self.challenge_url}/app"


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a flow may reach. ``worker`` names this process in the claims it makes.

    Without ``number_checks`` nobody is asked about SIM cards. ``values`` knows the states of all
    keys of authentication values; those that ``hsm`` holds make values there only.
    """

    pool: Pool
    keys: Keys
    values: AuthenticationValueKeys
    directory_servers: DirectoryServers
    tables: Tables
    messages: MessageDelivery
    pages: Pages
    policies: Policies
    clock: Callable[[], datetime]
    worker: str
    background: Background
    number_checks: NumberChecks | None = None
    hsm: RemoteValueKeys | None = None
    card_host: Host = field(default_factory=NoHost)
    areqs: Areqs = field(init=False)
    areq_deadlines: Deadlines = field(init=False)
    in_step: InStep = field(init=False)

    def __post_init__(self) -> None:
        """Let the AReqs of this pool share their round trips, go in step, and have one timer."""
        object.__setattr__(self, "areqs", Areqs(self.pool))
        object.__setattr__(self, "in_step", in_step())
        budget_s = self.policies.areq_budget.total_seconds()
        object.__setattr__(self, "areq_deadlines", Deadlines(budget_s))


def own_work(ports: Ports, conn: Connection, now: datetime) -> Work:
    """Make what the enrolment side is handed for what this service does by itself."""
    given = ports.policies
    note = partial(log.work_failed, "enrollment")
    return Work(conn, ports.keys, given.enrollment, given.otp, ACS, now, note=note)
