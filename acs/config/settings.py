"""The shape of the settings: one class per section, one annotated field per setting.

``docs/operate/settings.md`` is made from the classes: a field's description is its documentation.
Values that depend on each other are judged in ``acs.config.rules``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from acs.config.ds_settings import DirectoryServers
from acs.config.enrollment_settings import Enrollment, Portal, Registration
from acs.config.hsm_settings import Hsm
from acs.config.listen import Listen
from acs.config.retention_settings import Retention
from acs.config.sca_settings import Sca, Sim
from acs.config.section import CERT, KEY, LISTEN, PROXIES, Pem, Section
from acs.config.sms_settings import Otp, Sms
from schemas.secret import Secret


class Database(Section, frozen=True, kw_only=True):
    """PostgreSQL, the only memory of the service."""

    url: Annotated[
        Secret | None,
        Meta(description="PostgreSQL 15 or newer; unset = an embedded one inside `data_dir`"),
    ] = None
    url_file: Annotated[
        Path | None, Meta(description="a file that holds the url, when it carries a password")
    ] = None
    direct_url: Annotated[
        Secret | None,
        Meta(
            description="the way past PgBouncer, for what needs a session: the wait for notices "
            "and every command but `serve` and `work`; unset = as `url`"
        ),
    ] = None
    direct_url_file: Annotated[Path | None, Meta(description="a file that holds `direct_url`")] = (
        None
    )
    role: Annotated[
        str, Meta(description="the role that the service takes on after it has logged in")
    ] = "acs_app"
    pool_size: Annotated[
        int, Meta(ge=1, le=200, description="connections per edge and process, at most")
    ] = 8
    acquire_timeout_s: Annotated[
        float, Meta(gt=0, le=30, description="how long a request waits for a connection")
    ] = 2.0
    statement_timeout_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="after this a statement is cancelled")
    ] = 5_000
    lock_timeout_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="after this waiting for a lock is given up")
    ] = 4_000


class Cardholder(Section, frozen=True, kw_only=True):
    """The edge to the cardholder: challenge pages, 3DS Method."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8082)
    public_url: Annotated[
        str, Meta(description="how the cardholder's browser reaches it; goes into acsURL")
    ] = "http://127.0.0.1:8082"
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    proxies: Annotated[tuple[str, ...], Meta(description=PROXIES)] = ()
    themes: Annotated[
        dict[str, Path],
        Meta(
            description="theme files by name, see [themes](themes.md); a card range names its own, "
            "else the one with its issuer's id is taken, else `default`"
        ),
    ] = {}


class Ops(Section, frozen=True, kw_only=True):
    """The edge to the operators: health, readiness, metrics."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8085)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None


class Receipts(Section, frozen=True, kw_only=True):
    """The edge to the text message providers: delivery reports.

    Without `--edge` it is served when a provider has a `report_token_file`.
    """

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8086)
    public_url: Annotated[
        str | None, Meta(description="how providers reach it; goes into {report_url}")
    ] = None
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None


class Demo(Section, frozen=True, kw_only=True):
    """The demo's payment network."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8080)


class Challenge(Section, frozen=True, kw_only=True):
    """How patient a challenge is."""

    posts_max: Annotated[int, Meta(ge=1, le=99, description="posts of the page in all")] = 20
    first_creq_s: Annotated[int, Meta(ge=1, le=300, description="wait for the first CReq")] = 30
    first_creq_grace_s: Annotated[
        int, Meta(ge=0, le=30, description="a CReq this late is still taken")
    ] = 2
    interaction_s: Annotated[
        int, Meta(ge=30, le=600, description="wait for the cardholder's next step")
    ] = 600
    cap_s: Annotated[int, Meta(ge=60, le=7200, description="length of a challenge in all")] = 1_800
    replay_s: Annotated[
        int, Meta(ge=0, le=3600, description="how long the last page is given again")
    ] = 600
    cancel_counts: Annotated[
        bool, Meta(description="a cancel raises interactionCounter, which some networks expect")
    ] = False
    final_wait_s: Annotated[
        float, Meta(gt=0, le=10, description="the cardholder waits this long for the RRes")
    ] = 7.0
    attempts_over_reason: Annotated[
        str, Meta(pattern="^[0-9]{2}$", description="transStatusReason when all tries are used")
    ] = "19"
    blocked_reason: Annotated[
        str, Meta(pattern="^[0-9]{2}$", description="transStatusReason when the person is blocked")
    ] = "19"


class Limits(Section, frozen=True, kw_only=True):
    """Limits of internet payments: who counts their use, who may raise them, who is told."""

    usage_source: Annotated[
        Literal["acs_estimate", "off"],
        Meta(description="the service counts successful authentications itself, or nobody does"),
    ] = "acs_estimate"
    portal_raise: Annotated[
        Literal["never", "up_to_branch"],
        Meta(description="a client only lowers own limits, or raises them up to the branch's too"),
    ] = "never"
    notify: Annotated[
        bool,
        Meta(description="a client gets an SMS when a limit refuses a payment, once a day a card"),
    ] = False


class KeyFiles(Section, frozen=True, kw_only=True):
    """Keys outside the database: `<dir>/<purpose>/<key id>.key`, 64 hex digits, mode 0400 or 0600.

    Purposes: pan_index, identifier_index, phone_index, otp, pin, form, audit, data.
    """

    dir: Annotated[Path | None, Meta(description="the folder; unset = `keys` in `data_dir`")] = None
    active: Annotated[
        dict[str, str],
        Meta(description="id of the key that makes new values, per purpose that has several"),
    ] = {}
    authentication_values: Annotated[
        Path | None,
        Meta(description="keys of the authentication values; unset = `values.json` in `dir`"),
    ] = None


class Work(Section, frozen=True, kw_only=True):
    """What happens without a caller: results, messages, timers, housekeeping."""

    poll_s: Annotated[
        float, Meta(gt=0, le=60, description="how often a source looks when nobody wakes it")
    ] = 1.0
    stop_grace_s: Annotated[
        float, Meta(gt=0, le=120, description="how long work in hand may take when a process stops")
    ] = 10.0


class Log(Section, frozen=True, kw_only=True):
    """Structured logs on standard error."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="the least level written")
    ] = "INFO"


class Settings(Section, frozen=True, kw_only=True):
    """All settings."""

    profile: Annotated[
        Literal["production", "demo"],
        Meta(description="`demo` makes its own keys and allows the `inbox`; `acs demo` sets it"),
    ] = "production"
    data_dir: Annotated[Path, Meta(description="embedded database, generated keys, demo state")] = (
        Path("var")
    )
    database: Database = Database()
    ds: DirectoryServers = DirectoryServers()
    cardholder: Cardholder = Cardholder()
    enrollment: Enrollment = Enrollment()
    sca: Sca = Sca()
    sim: Sim = Sim()
    registration: Registration = Registration()
    portal: Portal = Portal()
    ops: Ops = Ops()
    receipts: Receipts = Receipts()
    demo: Demo = Demo()
    sms: Sms = Sms()
    otp: Otp = Otp()
    challenge: Challenge = Challenge()
    limits: Limits = Limits()
    keys: KeyFiles = KeyFiles()
    hsm: Hsm = Hsm()
    retention: Retention = Retention()
    work: Work = Work()
    log: Log = Log()

    @property
    def keys_dir(self) -> Path:
        """Give the folder of the keys."""
        return self.keys.dir if self.keys.dir is not None else self.data_dir / "keys"

    @property
    def values_file(self) -> Path:
        """Give the file with the keys of the authentication values."""
        return self.keys.authentication_values or self.keys_dir / "values.json"

    @property
    def sms_providers(self) -> tuple[str, ...]:
        """Give the providers in their order."""
        if self.sms.providers is not None:
            return self.sms.providers
        return ("inbox",) if self.profile == "demo" else ()

    @property
    def reporting_providers(self) -> tuple[str, ...]:
        """Give the providers in use that are asked for delivery reports."""
        return tuple(
            name
            for name in self.sms_providers
            if name in self.sms.http and self.sms.http[name].report_token_file is not None
        )

    @property
    def inbox_url(self) -> str:
        """Give where the `inbox` posts messages: the demo network's phone unless told otherwise."""
        return self.sms.inbox_url or f"http://{self.demo.listen}/inbox/sms"
