"""What is counted and timed, under the names that dashboards and alarms are built on.

Laws:
- Names begin with ``acs_``; names and labels are a contract with the operator and change only
  together with a major version.
- A label is a word from a short closed list: scheme, channel, outcome, rule, route template. Never
  a PAN, phone number, code or identifier.
- With several worker processes each writes its own file below PROMETHEUS_MULTIPROC_DIR and the
  scrape adds them up; that variable must be set before this module is imported. What ended ones
  counted is kept in one file, so a scrape takes as long after a thousand restarts as after one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from prometheus_client.metrics_core import Metric

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
"""The metrics of this process."""

# The protocol gives seconds, the benchmark asks for milliseconds: the steps cover both.
_FAST_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# From "the code came at once" to the cap of a challenge.
_DIALOGUE_S = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)

# A code is useful for five minutes; a report may come long after the message.
_ARRIVAL_S = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0, 300.0)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, steps: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, meaning, labels, buckets=steps, registry=REGISTRY)


AREQ = _counter(
    "acs_areq_total",
    "AReqs answered, by what was decided and which rule spoke",
    "scheme",
    "channel",
    "category",
    "version",
    "trans_status",
    "rule",
)
AREQ_SECONDS = _histogram("acs_areq_seconds", "From the AReq's last byte to the answer", _FAST_S)
ERRO = _counter("acs_erro_total", "Erro messages, by direction in or out", "direction", "code")
CHALLENGE = _counter(
    "acs_challenge_total",
    "Challenges that came to an end",
    "channel",
    "method",
    "outcome",
)
CHALLENGE_SECONDS = _histogram(
    "acs_challenge_seconds", "From the first CReq to the challenge's end", _DIALOGUE_S
)
THREE_DS_METHOD = _counter(
    "acs_three_ds_method_total", "Posts to the 3DS Method, by what became of them", "outcome"
)
THREE_DS_METHOD_SECONDS = _histogram(
    "acs_three_ds_method_seconds",
    "From opening the hidden frame to its script's post, as the browser tells it",
    _FAST_S,
)
AREQ_ODDITY = _counter(
    "acs_areq_oddity_total", "AReqs that look like a shop's mistake and were answered", "kind"
)
OTP = _counter("acs_otp_total", "What happened to one-time codes", "event")
SMS = _counter("acs_sms_total", "Text messages handed to a provider", "provider", "outcome")
SMS_SECONDS = _histogram("acs_sms_seconds", "How long a provider took", _FAST_S, "provider")
SMPP_BOUND = Gauge(
    "acs_smpp_bound",
    "Connections to a carrier's SMSC that are bound",
    ("provider",),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SMS_BREAKER = Gauge(
    "acs_sms_breaker_open",
    "In how many processes a provider rests after failures",
    ("provider",),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SMS_REPORT_CALLS = _counter(
    "acs_sms_report_calls_total",
    "Calls on the receipts edge, by what became of them",
    "provider",
    "outcome",
)
SMS_REPORTS = _counter(
    "acs_sms_reports_total",
    "Delivery reports that told something new, by the country's calling code",
    "provider",
    "state",
    "calling_code",
)
SMS_REPORTS_WANTED = Gauge(
    "acs_sms_reports_wanted",
    "1 for a provider that is asked to call with delivery reports",
    ("provider",),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
SMS_DELIVERY_SECONDS = _histogram(
    "acs_sms_delivery_seconds",
    "From queueing a message to the report that it was delivered",
    _ARRIVAL_S,
    "provider",
    "calling_code",
)
SMS_WAITING = Gauge(
    "acs_sms_waiting",
    "Messages that no provider has taken yet and that may still leave, awaited ones and notices",
    ("kind",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
SMS_OLDEST_SECONDS = Gauge(
    "acs_sms_oldest_seconds",
    "Age of the oldest message that waits, of awaited ones and of notices",
    ("kind",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
SMS_BUDGET = Gauge(
    "acs_sms_budget_used_ratio",
    "Used share of the budget of all messages",
    ("span",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
SMS_SUSPENDED = Gauge(
    "acs_sms_suspended_prefixes",
    "Blocks of numbers that get no message because hardly any code is entered",
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
SMS_STOPPED = Gauge(
    "acs_sms_suspended_sources",
    "Merchants, acquirers or networks whose payments get no message for a while",
    ("kind",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
NUMBER_CHECK = _counter(
    "acs_number_check_total", "Questions about SIM cards and numbers, by the answer", "outcome"
)
NUMBER_CHECK_SECONDS = _histogram(
    "acs_number_check_seconds", "How long operators took to answer, or were waited for", _FAST_S
)
HSM = _counter("acs_hsm_total", "Questions to the HSM, by what became of them", "outcome")
HSM_SECONDS = _histogram(
    "acs_hsm_seconds",
    "How long the HSM took to answer, its queue included, or was waited for",
    _FAST_S,
)
HSM_READY = Gauge(
    "acs_hsm_ready",
    "Sessions of all processes that are logged in to the HSM",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
HSM_BREAKER = Gauge(
    "acs_hsm_breaker_open",
    "In how many processes the HSM rests after failures, or is away",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
HSM_WAITING = Gauge(
    "acs_hsm_waiting",
    "Questions that wait for the HSM",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
RREQ = _counter("acs_rreq_total", "Attempts to tell a Directory Server a result", "ds", "outcome")
RREQ_BREAKER = Gauge(
    "acs_rreq_breaker_open",
    "In how many processes a Directory Server rests after failures",
    ("ds",),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SDK_SIGNING_END = Gauge(
    "acs_sdk_signing_end_timestamp_seconds",
    "When the first certificate of what signs towards a network's SDKs ends, in Unix time",
    ("ds",),
    registry=REGISTRY,
    multiprocess_mode="livemin",
)
TLS_END = Gauge(
    "acs_tls_end_timestamp_seconds",
    "When the first certificate that a listener or a way out shows or trusts, or the first"
    " revocation list, ends, in Unix time",
    ("where",),
    registry=REGISTRY,
    multiprocess_mode="livemin",
)
RREQ_PENDING = Gauge(
    "acs_rreq_pending",
    "Results that no Directory Server has confirmed yet",
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
RREQ_OLDEST_SECONDS = Gauge(
    "acs_rreq_oldest_seconds",
    "Age of the oldest unconfirmed result",
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
ENROLLMENT = _counter(
    "acs_enrollment_total",
    "Calls of the enrollment API by route template",
    "route",
    "outcome",
)
DB_POOL = Gauge(
    "acs_db_pool_connections",
    "Database connections, idle or used",
    ("state",),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
HTTP = _counter("acs_http_total", "Requests answered, by listener and class", "edge", "status")
HTTP_REFUSED = _counter(
    "acs_http_refused_total",
    "Requests that broke a limit of the listener",
    "edge",
    "reason",
)
MONTHS_AHEAD = Gauge(
    "acs_months_ahead",
    "Months after this one that a table has a partition for; below 1 rows will stay in no month",
    ("table",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
WORK = _counter("acs_work_total", "Pieces of background work", "source", "outcome")
ALARM = _counter("acs_alarm_total", "Things a person must look at", "alarm")
LOG_DROPPED = _counter("acs_log_dropped_total", "Log lines left out for a name not on the lists")
BUILD_INFO = Gauge(
    "acs_build_info",
    "What is running",
    ("version", "python"),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
CLOCK_OFFSET = Gauge(
    "acs_clock_offset_seconds",
    "By how much this machine's clock is ahead of the database's; NaN while that is away",
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
CLOCK_OVERRULED = Gauge(
    "acs_clock_overruled",
    "In how many processes another time holds than this machine's, as most others say",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
PROCESSES_READY = Gauge(
    "acs_processes_ready",
    "Processes that listen or work, and find nothing wrong",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


GAUGES_UNREAD = Gauge(
    "acs_gauges_unread",
    "1 while gauges are left out, since the database did not tell what they are",
    ("of",),
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
READ = {
    "results": ("acs_rreq_pending", "acs_rreq_oldest_seconds"),
    "messages": (
        "acs_sms_waiting",
        "acs_sms_oldest_seconds",
        "acs_sms_budget_used_ratio",
        "acs_sms_suspended_prefixes",
        "acs_sms_suspended_sources",
    ),
    "months": ("acs_months_ahead",),
}
"""Gauges that are read from the database for each scrape, by what they tell of."""


ALARMS = (
    "audit_fault",
    "bad_policy",
    "clock",
    "event_not_expected",
    "host_silent",
    "hsm",
    "month_crowded",
    "month_open",
    "month_unmade",
    "no_room",
    "request_failed",
    "rreq_abandoned",
    "signing_key",
    "sms_acquirer",
    "sms_budget",
    "sms_conversion",
    "sms_merchant",
    "sms_network",
    "sms_stopped",
)
"""Every alarm that may be raised."""


def announce(version: str) -> None:
    """Publish which version runs on which Python, and every alarm as not raised yet.

    A counter that appears with its first alarm has not increased, for who scrapes it.
    """
    BUILD_INFO.labels(version, platform.python_version()).set(1)
    for alarm in ALARMS:
        ALARM.labels(alarm)


def exposition(unread: Collection[str] = ()) -> bytes:
    """Give all metrics in the Prometheus text format, of every worker process when several run.

    Without those of READ that are ``unread``: what they were before says nothing of now.
    """
    for name in READ:
        GAUGES_UNREAD.labels(name).set(name in unread)
    left_out = frozenset(gauge for name in unread for gauge in READ.get(name, ()))
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return _written(REGISTRY, left_out)
    with _locked(Path(folder), fcntl.LOCK_SH):
        collector = MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        return _written(collector, left_out)


def _written(source: Collector, left_out: frozenset[str]) -> bytes:
    known = CollectorRegistry(auto_describe=False)
    known.register(_Without(source, left_out))
    return prometheus_client.generate_latest(known)


class _Without(Collector):
    """What a collector has, but for some metrics."""

    def __init__(self, source: Collector, names: frozenset[str]) -> None:
        self._source, self._names = source, names

    def collect(self) -> Iterator[Metric]:
        return (one for one in self._source.collect() if one.name not in self._names)


def forget_process(pid: int, folder: str) -> None:
    """Drop the live gauges of a worker process that has ended; what it counted stays counted.

    What cannot be done, as for want of descriptors, is left: the supervisor lives on.
    """
    with contextlib.suppress(OSError), _locked(Path(folder), fcntl.LOCK_EX):
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        for kind in ("counter", "histogram"):
            with contextlib.suppress(OSError, RuntimeError, ValueError, struct.error):
                _add_up(Path(folder, f"{kind}_{pid}.db"), Path(folder, f"{kind}_0.db"))


def _add_up(ended: Path, total: Path) -> None:
    """Add what an ended process counted to what those before it did."""
    if not total.exists():
        ended.rename(total)
        return
    values = list(MmapedDict.read_all_values_from_file(str(ended)))  # type: ignore[no-untyped-call]
    ended.unlink()  # first: then there is room in memory for what is written
    kept = MmapedDict(str(total))  # type: ignore[no-untyped-call]
    try:
        for key, value, *_ in values:
            before, _ = kept.read_value(key)  # type: ignore[no-untyped-call]
            kept.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        kept.close()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Keep who reads the files and who adds them up apart."""
    with Path(folder, "lock").open("ab") as file:
        fcntl.flock(file, how)
        yield
