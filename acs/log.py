"""Structured logs: one JSON object per line on standard error, and nothing that is not on a list.

Laws:
- The names of events and of fields are closed lists. What is not on them cannot be logged: in tests
  it is an error, in production the line is left out and counted. So a PAN, code or phone number
  has no field to be logged in.
- The last line of defence looks at the finished text: long digit runs that pass the Luhn check and
  short codes near words such as "code" are masked.
- An exception is told by type and place in the source, never by its text or arguments, since
  drivers put values there. Messages of libraries are told by logger, level and type only.
- A log line has no raw line break, whatever a value holds (log injection).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

import msgspec

from acs import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

EVENTS: dict[str, str] = {
    "alarm:raised": "something a person must look at; `alarm` says what",
    "areq:answered": "an AReq was answered by an ARes",
    "areq:refused": "an AReq was answered by an Erro",
    "areq:repeated": "the same AReq came again and got the same answer",
    "challenge:closed": "a challenge reached its end",
    "challenge:opened": "the first valid CReq of a transaction",
    "challenge:refused": "a CReq was answered by an Erro or an error page",
    "client:refused": "a client's certificate was refused; `reason` is OpenSSL's word for why",
    "clock:agreed": "this machine's clock, which was wrong, says what most others say",
    "clock:doubted": "nobody knows whose clock is right: a start waits for others a while",
    "creq:refused": "a CReq could not be read",
    "database:joined": "the embedded PostgreSQL was already running",
    "database:migrated": "migrations were applied",
    "database:moved": "the embedded database lives outside the data directory",
    "database:restored": "what stood open in a restored database was ended; `count` challenges",
    "database:started": "the embedded PostgreSQL accepts connections",
    "database:stopped": "the embedded PostgreSQL has ended",
    "database:unavailable": "the database did not answer in time, so an AReq got an Erro",
    "ds:answering": "a Directory Server that had failed again and again answers",
    "ds:resting": "a Directory Server failed again and again and gets no result for a while",
    "edge:started": "a listener accepts connections",
    "erro:received": "the peer reported an error",
    "http:refused": "a request was answered by 503; `reason` says what did not answer",
    "hsm:answering": "an HSM that had failed again and again answers",
    "hsm:away": "the process that speaks with the HSM is not at work; `reason` says why",
    "hsm:failed": "the HSM answered a question by an error of its own",
    "hsm:ready": "the process that speaks with the HSM is logged in",
    "hsm:resting": "the HSM failed again and again and is asked nothing for a while",
    "keys:found": "a key of the HSM that was missing or wrong is there and right",
    "keys:generated": "new keys were made for a place that had none",
    "keys:missing": "a key that was asked for is not there",
    "library:record": "a library wrote to its log",
    "method:failed": "what a browser said of itself (3DS Method) could not be kept",
    "month:dropped": "the partition of a month was let go; `kind` is the table",
    "month:made": "partitions of months to come were made",
    "number_check:failed": "nobody could tell what became of a SIM card or number",
    "receipt:ignored": "a provider's call held no delivery report that is understood",
    "receipt:refused": "a call with delivery reports was not proved or could not be read",
    "restart:done": "every worker was replaced",
    "restart:refused": "a new worker did not start, and those that serve stay",
    "restart:started": "the workers are replaced one by one",
    "request:failed": "a request ended in an exception nobody foresaw",
    "rreq:abandoned": "the Directory Server never confirmed a result",
    "rreq:delivered": "a result was confirmed by an RRes",
    "rreq:failed": "a result could not be delivered this time",
    "service:started": "the process is at work",
    "service:stopped": "the process ends",
    "settings:open": "every account may read a file with a password; `source` names the setting",
    "smpp:bound": "a carrier's SMSC has let us in",
    "smpp:unbound": "there is no connection to a carrier's SMSC; `reason` says why",
    "timer:due": "a timer was handed to its machine",
    "worker:ended": "a worker process is no more",
    "worker:stuck": "a worker process that does nothing more is killed; `reason` says how it shows",
    "worker:unmade": "a worker process cannot be started; `reason` is the machine's word for why",
    "work:failed": "a piece of work ended in an exception nobody foresaw",
    "work:started": "the worker loop pulls work",
}
"""Every event that may be logged, and what it tells."""

FIELDS = frozenset(
    {
        "acs_trans_id", "alarm", "code", "count", "ds", "edge", "error", "folder", "kind",
        "level", "listen", "logger", "migration", "outcome", "path", "pid", "place",
        "provider", "purpose", "reason", "request_id", "rule", "sessions", "source",
        "state", "status", "trans_status", "version", "workers",
    }
)  # fmt: skip
"""Every field that may stand in a log line."""

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request at work; it is added to every line logged for it."""

_OWN = ("acs", "otp", "enrollment", "schemas", "loadtests")
_VALUE_MAX = 200
_LOGGER = logging.getLogger("acs")
_ROOT = logging.getLogger()
# A UUID is let pass: its digits may look like a card number, and hiding it would blind the reader.
_LONG_DIGITS = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<!\d)(\d(?:[ -]?\d){12,18})(?!\d)"
)
_CODE_WORDS = re.compile(r"((?:otp|code|kod|pin)\w*\W{0,12})\d{4,8}(?!\d)", re.IGNORECASE)
# What a text must hold for the first of the two to find anything.
_EVERY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_A_CARD_NUMBER = b"0" * 13
_ENCODER = msgspec.json.Encoder()


class Unlisted(AssertionError):
    """An event or field that is not on the list; a programmer's mistake."""


class _Rules:
    """Whether a line that breaks the lists is an error (tests) or left out and counted."""

    strict = False


def setup(*, level: str = "INFO", stream: TextIO | None = None, strict: bool = False) -> None:
    """Send every log record of this process through this module. Called once at the start."""
    _Rules.strict = strict
    handler = _Lines(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_listed)
    _leave_out_what_is_not_told()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A library's chatter below WARNING says nothing an operator can act on.
    for name in ("aiohttp", "asyncio", "asyncpg"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _leave_out_what_is_not_told() -> None:
    """Spare each record what no line of ours holds: caller, thread, process, task.

    These are the switches of the logging HOWTO, "Optimization".
    """
    logging._srcfile = None  # noqa: SLF001 - named there
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False
    setattr(logging, "logAsyncioTasks", False)  # noqa: B010 - there from Python 3.12 on


def strict(*, on: bool) -> None:
    """Make a line that breaks the lists an error; the test suite switches this on."""
    _Rules.strict = on


def event(
    name: str,
    *,
    level: int = logging.INFO,
    failure: BaseException | None = None,
    **fields: object,
) -> None:
    """Log one event. ``failure`` is told by type and place. Raises Unlisted when strict."""
    if not _LOGGER.isEnabledFor(level):
        return
    unlisted = unlisted_in(name, fields)
    if unlisted:
        if _Rules.strict:
            raise Unlisted(unlisted)
        metrics.LOG_DROPPED.inc()
        return
    handlers = _ROOT.handlers
    if len(handlers) == 1 and type(handlers[0]) is _Lines:
        # As ``setup`` left it: what the library would do with a record comes to these two lines.
        at = time.time()
        line = _line(int(at), int(at % 1 * 1000), logging.getLevelName(level).lower())
        if handlers[0].tell(_told(line, name, fields, failure)):
            return
    told = None if failure is None else (type(failure), failure, failure.__traceback__)
    record = logging.LogRecord(_LOGGER.name, level, "", 0, name, None, told)
    record.__dict__.update(fields=fields, is_listed=True)
    _LOGGER.handle(record)


def alarm(which: str, /, failure: BaseException | None = None, **fields: object) -> None:
    """Count and log what a person must look at; ``which`` is one of ``metrics.ALARMS``."""
    metrics.ALARM.labels(which).inc()
    event("alarm:raised", level=logging.ERROR, failure=failure, alarm=which, **fields)


def work_failed(source: str, failure: BaseException) -> None:
    """Count and log a piece of work that ended in an exception nobody foresaw."""
    metrics.WORK.labels(source, "failed").inc()
    event("work:failed", level=logging.ERROR, failure=failure, source=source)


def unlisted_in(name: str, fields: dict[str, object]) -> str:
    """Name what is not on the lists; empty when all is."""
    if name in EVENTS and fields.keys() <= FIELDS:
        return ""
    wrong = [] if name in EVENTS else [f"event {name}"]
    wrong += [f"field {field}" for field in fields if field not in FIELDS]
    return ", ".join(wrong)


def mask(text: str) -> str:
    """Hide what looks like a card number or a one-time code in a finished line."""
    if text.isascii() and not _may_hide(text.encode()):
        return text
    return _CODE_WORDS.sub(r"\1******", _LONG_DIGITS.sub(_mask_pan, text))


def _may_hide(text: bytes) -> bool:
    """Tell from a look whether there is anything to mask; most lines hold nothing."""
    if _A_CARD_NUMBER in text.translate(_EVERY_DIGIT, b" -"):
        return True
    lower = text.lower()
    return b"otp" in lower or b"code" in lower or b"kod" in lower or b"pin" in lower


class _Lines(logging.StreamHandler[TextIO]):
    """Writes whole lines; standard error passes each on by itself, so nothing flushes it."""

    def flush(self) -> None:
        """Do nothing."""

    def tell(self, line: str) -> bool:
        """Write a finished line; False when the stream does not take it."""
        assert self.lock is not None  # noqa: S101 - the library makes it
        try:
            with self.lock:
                self.stream.write(line + self.terminator)
        except (OSError, ValueError):  # the library says so, its own way
            return False
        return True


class JsonLines(logging.Formatter):
    """One record, one JSON object, one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; only listed fields and, of an exception, its type and place."""
        line = _line(int(record.created), int(record.msecs), record.levelname.lower())
        failure = record.exc_info[1] if record.exc_info else None
        if _is_own(record):
            return _told(line, str(record.msg), getattr(record, "fields", {}), failure)
        return _told(line, "library:record", {"logger": record.name}, failure)


def _line(second: int, milliseconds: int, level: str) -> dict[str, object]:
    return {"at": f"{_second(second)}.{milliseconds:03}+00:00", "level": level}


def _told(
    line: dict[str, object],
    name: str,
    fields: Mapping[str, object],
    failure: BaseException | None,
) -> str:
    """Finish a line: the event, its fields, the request at work, what went wrong; masked."""
    line["event"] = name
    for field, value in fields.items():
        line[field] = value[:_VALUE_MAX] if type(value) is str else _value(value)
    if request_id := REQUEST_ID.get():
        line.setdefault("request_id", request_id)
    if failure is not None:
        line["error"] = type(failure).__qualname__
        line["place"] = place_of(failure.__traceback__)
    raw = _ENCODER.encode(line)
    # In ASCII, so that no letter of it ends a line for any reader.
    text = raw.decode() if raw.isascii() else json.dumps(line)
    masked = mask(text)
    if masked == text:
        return text
    # What a number was masked to is none: as a text it leaves the line readable.
    return mask(json.dumps({name: _quoted(value) for name, value in line.items()}))


@lru_cache(maxsize=8)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def place_of(traceback: TracebackType | None) -> str:
    """Give where an exception was raised, innermost last: ``module.py:line < module.py:line``."""
    steps: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
        steps.append(f"{name}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return " > ".join(steps[-6:])


def _listed(record: logging.LogRecord) -> bool:
    """Let a record through; one of our own that is not on the lists is an error or dropped."""
    if record.name.split(".", 1)[0] not in _OWN or _is_own(record):
        return True
    if _Rules.strict:
        raise Unlisted(record.name)
    metrics.LOG_DROPPED.inc()
    return False


def _is_own(record: logging.LogRecord) -> bool:
    if "is_listed" in record.__dict__:
        return True
    if record.name.split(".", 1)[0] not in _OWN or not isinstance(record.msg, str):
        return False
    fields = getattr(record, "fields", {})
    return not record.args and not unlisted_in(record.msg, fields)


def _value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:_VALUE_MAX]


def _quoted(value: object) -> object:
    """Give a number as text; it may be masked."""
    return str(value) if type(value) in {int, float} else value


def _mask_pan(match: re.Match[str]) -> str:
    if match.group(1) is None:
        return match.group()
    digits = re.sub(r"\D", "", match.group(1))
    return f"{digits[:6]}******{digits[-4:]}" if luhn_passes(digits) else match.group()


def luhn_passes(digits: str) -> bool:
    """Tell whether the check digit of a card number fits (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004
