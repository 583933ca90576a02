"""The shape of the settings: one class per section, one annotated field per setting.

``docs/operate/settings.md`` is made from the classes: a field's description is its documentation.
Values that depend on each other are judged in ``acs.config.rules``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from acs.config.hsm_settings import Hsm
from acs.config.listen import Listen
from acs.config.retention_settings import Retention
from acs.config.sca_settings import Sca, Sim
from acs.config.section import CERT, CLIENT_CA, KEY, LISTEN, PROXIES, Count, Pem, Seconds, Section
from acs.config.sms_settings import Otp, Sms
from schemas.secret import Secret

CallingCode = Annotated[str, Meta(pattern="^[1-9][0-9]{0,3}$")]


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

    @property
    def address(self) -> str | None:
        """The address that was given; None = the embedded one. Raises OSError."""
        return _given(self.url, self.url_file)

    @property
    def direct_address(self) -> str | None:
        """The address for what needs a session. Raises OSError."""
        return _given(self.direct_url, self.direct_url_file) or self.address


def _given(url: Secret | None, file: Path | None) -> str | None:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return None if url is None else url.reveal()


class DirectoryServer(Section, frozen=True, kw_only=True):
    """One payment network's Directory Server: an entry of `ds.directory_servers`."""

    id: Annotated[str, Meta(min_length=1, max_length=40, description="our name for it")]
    schemes: Annotated[
        tuple[str, ...], Meta(min_length=1, description="card schemes, such as `visa`")
    ]
    client_subject: Annotated[
        str | None, Meta(description="name in the client certificate it connects with")
    ] = None
    hosts: Annotated[
        tuple[str, ...], Meta(description="`host` or `host:port` that its dsURL may name")
    ] = ()
    rreq_url: Annotated[
        str | None, Meta(description="where results go when the dsURL is not on that list")
    ] = None
    acs_reference_number: Annotated[
        str, Meta(max_length=32, description="acsReferenceNumber given at approval")
    ] = "ACS_REFERENCE_PENDING"
    acs_operator_id: Annotated[
        Annotated[str, Meta(max_length=32)] | None,
        Meta(description="acsOperatorID the network assigned to us"),
    ] = None
    recognised_extensions: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
        Meta(description="ids of message extensions it may mark critical, besides the published"),
    ] = ()
    values: Annotated[
        dict[str, tuple[Annotated[str, Meta(pattern="^[89][0-9]$")], ...]],
        Meta(description="codes 80-99 it has defined, by element name with dots"),
    ] = {}
    ca: Annotated[Pem, Meta(description="who signs its server certificate, PEM file")] = None
    tls_cert: Annotated[Pem, Meta(description="our client certificate for it, PEM file")] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    sdk_signing_key: Annotated[
        Pem,
        Meta(
            description="private key that signs towards the SDKs, RSA or P-256: PEM file, or "
            "`pkcs11:<label>` in the HSM; unset = no challenge in apps"
        ),
    ] = None
    sdk_signing_certs: Annotated[
        Pem, Meta(description="its certificate from this network's CA, and the chain, PEM file")
    ] = None


class DirectoryServers(Section, frozen=True, kw_only=True):
    """The edge to the Directory Servers: AReq in, ARes out; results the other way."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8081)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    client_ca: Annotated[Pem, Meta(description=CLIENT_CA)] = None
    areq_budget_s: Annotated[
        float, Meta(gt=0, le=10, description="time for the answer to an AReq")
    ] = 3.5
    areqs_max: Annotated[
        int,
        Meta(ge=1, le=10_000, description="AReqs a process works on at once; more get Erro 403"),
    ] = 1_000
    sockets_max: Annotated[
        int,
        Meta(
            ge=1, le=1000, description="connections of a process to each Directory Server at once"
        ),
    ] = 64
    rreq_retry_waits_s: Annotated[
        tuple[Seconds, ...],
        Meta(min_length=1, description="waits between tries of a result; the last one repeats"),
    ] = (2, 5, 15, 60, 300)
    rreq_give_up_after_s: Annotated[
        int, Meta(ge=60, description="age at which an unconfirmed result becomes an alarm")
    ] = 86_400
    directory_servers: Annotated[
        tuple[DirectoryServer, ...], Meta(description="the payment networks, see below")
    ] = ()


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


class Caller(Section, frozen=True, kw_only=True):
    """A system that may call the enrollment API: an entry of `enrollment.callers`."""

    name: Annotated[str, Meta(min_length=1, max_length=40, description="our name for it")]
    iss: Annotated[str, Meta(min_length=1, max_length=100, description="claim `iss` of its tokens")]
    kid: Annotated[str, Meta(min_length=1, max_length=64, description="key id in their header")]
    sub: Annotated[str, Meta(min_length=1, max_length=100, description="claim `sub` of its tokens")]
    public_key: Annotated[Path, Meta(description="its public key, PEM file")]
    scopes: Annotated[
        tuple[str, ...], Meta(description="the most it may ask for, such as `card:enrol`")
    ]
    alg: Annotated[Literal["ES256", "RS256"], Meta(description="the one algorithm of this key")] = (
        "ES256"
    )
    client_san: Annotated[
        str | None,
        Meta(description="DNS name or URI in its client certificate; unset = any certificate does"),
    ] = None


class Enrollment(Section, frozen=True, kw_only=True):
    """The enrollment API, and what the issuer asks of persons, phones and PINs."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8083)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    client_ca: Annotated[Pem, Meta(description=CLIENT_CA)] = None
    audience: Annotated[str, Meta(min_length=1, description="claim `aud` of the tokens")] = (
        "enrollment"
    )
    api_origin: Annotated[
        str | None, Meta(description="origin the `htu` claim must name; unset = not checked")
    ] = None
    callers: Annotated[tuple[Caller, ...], Meta(description="who may call, see below")] = ()
    activation: Annotated[
        Literal["per_card", "automatic"],
        Meta(description="3-D Secure is switched on card by card, or once all is on record"),
    ] = "per_card"
    copy_on_replace: Annotated[
        bool, Meta(description="a replacement card takes over 3-D Secure from the old one")
    ] = True
    joint_owner_sees_all: Annotated[
        bool, Meta(description="the owner of a joint account sees co-owners' cards in the portal")
    ] = False
    countries: Annotated[
        tuple[CallingCode, ...],
        Meta(min_length=1, description="calling codes of phones on record, without +"),
    ] = ("48",)
    phone_persons_max: Annotated[Count, Meta(description="persons who may share a phone")] = 3
    pin_length_min: Annotated[int, Meta(ge=4, le=8, description="digits of the internet PIN")] = 4
    pin_length_max: Annotated[int, Meta(ge=4, le=8, description="digits of the internet PIN")] = 8
    pin_changes_day: Annotated[Count, Meta(description="PIN changes of a person a day")] = 5
    step_up_sends_day: Annotated[Count, Meta(description="step-up codes of a person a day")] = 10


class Registration(Section, frozen=True, kw_only=True):
    """How a client gets access to the card portal."""

    mode: Annotated[
        Literal["strict", "legacy"],
        Meta(
            description="`strict` asks for an activation code of the branch besides number and "
            "SMS (RTS art. 24(2)(b)); `legacy` does not"
        ),
    ] = "strict"
    per_number_day: Annotated[Count, Meta(description="registrations of a number a day")] = 3
    per_number_week: Annotated[Count, Meta(description="registrations of a number a week")] = 5
    per_address_hour: Annotated[
        Count, Meta(description="registrations from an address an hour")
    ] = 10
    sms_lifetime_s: Annotated[
        int, Meta(ge=60, le=3600, description="life of the password by SMS")
    ] = 900
    sends_max: Annotated[Count, Meta(description="messages of one registration")] = 3
    activation_code_days: Annotated[Count, Meta(description="life of a branch's code")] = 14


class Portal(Section, frozen=True, kw_only=True):
    """The card portal's pages."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8084)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    proxies: Annotated[tuple[str, ...], Meta(description=PROXIES)] = ()
    logins_per_address_hour: Annotated[
        Count, Meta(description="sign-ins tried from an address an hour")
    ] = 30
    numbers_per_address_hour: Annotated[
        Count, Meta(description="different numbers tried from an address an hour")
    ] = 10
    session_idle_s: Annotated[
        int, Meta(ge=30, le=300, description="a session ends when nothing is done for so long")
    ] = 300
    session_max_s: Annotated[
        int, Meta(ge=60, le=86_400, description="a session ends after so long, whatever is done")
    ] = 1800
    password_failures_max: Annotated[
        int, Meta(ge=1, le=5, description="wrong passwords until midnight of Europe/Warsaw")
    ] = 3
    resets_day: Annotated[Count, Meta(description="password resets of a number a day")] = 3
    phone_cooling_s: Annotated[
        int, Meta(ge=0, description="wait before a phone changed in the portal takes over")
    ] = 86_400
    phone_changes_year: Annotated[
        Count, Meta(description="changes of phone in the portal in a year")
    ] = 3
    forbidden_words: Annotated[
        tuple[str, ...], Meta(description="names of bank and products, which are no passwords")
    ] = ()
    host_url: Annotated[
        str | None,
        Meta(description="where the host takes a client's wish to block a card; unset = nowhere"),
    ] = None
    public_url: Annotated[
        str | None,
        Meta(description="origin browsers know it by, without a path; unset = as they ask for it"),
    ] = None
    bank_name: Annotated[
        str, Meta(min_length=1, max_length=60, description="the bank's name on every page")
    ] = "Bank"
    bank_phone: Annotated[
        str, Meta(max_length=30, description="help line on every page; empty = the branch helps")
    ] = ""
    language: Annotated[
        Literal["pl", "en", "de", "uk"],
        Meta(description="language when neither client nor browser ask for one"),
    ] = "pl"
    links: Annotated[
        dict[Literal["chip_pin", "transfer", "wallet"], str],
        Meta(description="https addresses of the bank's other systems to point to from a card"),
    ] = {}

    @property
    def is_secure(self) -> bool:
        """Tell whether browsers reach it by https."""
        return self.tls_cert is not None or (self.public_url or "").startswith("https://")


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
