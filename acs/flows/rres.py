"""What a Directory Server's reply to an RReq means for the result.

Laws:
- Nothing sent or nothing taken (``acs.directory_server.NOT_TAKEN``): again. Bytes out and no valid
  answer: not confirmed, and the server is told so by an Erro [rules 8.11, 8.13, 8.14].
- A server that has the RReq already was delivered to [rule 8.12]. One that says so in words that
  may also mean "this fits nothing of mine" was, if an earlier try may have brought the RReq there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from acs.directory_server import NOT_TAKEN, Answered, NoAnswer, NotConnected, Resting
from acs.flows.erros import heard, ids_of
from acs.store.pool import Missing
from schemas import messages
from schemas.compiler import Context
from schemas.problems import CODES, Problem, ProtocolError
from schemas.values import MessageType
from schemas.versions import V210

if TYPE_CHECKING:
    from acs.directory_server import DirectoryServer, Reply
    from acs.transaction import Transaction

_ALREADY_THERE: Final = "312"
_THERE_OR_UNFITTING: Final = "Erro 313"
# Before 2.3.1 it has one answer for that and for a transaction it does not know.
_THERE_OR_UNKNOWN: Final = f"Erro {CODES[_ALREADY_THERE].before}"
_NO_CONNECTION, _RESTS = "no connection", "resting"
_UNSENT: Final = frozenset({_NO_CONNECTION, _RESTS})
_NO_DATABASE: Final = f"no {Missing.DATABASE}"
"""Of a try that made the bytes and could not say that they are kept: so none before it sent any."""
_SILENCE: Final = "no answer"
_SENT_BEFORE: Final = ", sent before"
"""Stands in the answer behind a try that sent nothing, where an earlier one did."""

Verdict = Literal["delivered", "unconfirmed", "again"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reply means; ``answer`` is kept with the row, ``tell`` goes back as an Erro.

    ``kind`` is the messageType of what came, None for one that nobody knows [rule 2.38]. One that
    ``rests`` need not be tried again at once.
    """

    verdict: Verdict
    answer: str
    tell: Problem | None = None
    kind: str | None = MessageType.RRES
    rests: bool = False


def went_out(answer: str | None) -> bool:
    """Tell whether a try with this answer may have brought the RReq there; None: none is known."""
    return answer not in {*_UNSENT, _NO_DATABASE}


def after_another(judged: Judged, transaction: Transaction) -> Judged:
    """Say what it means where an earlier try may have brought the RReq there."""
    is_older = transaction.message_version not in CODES[_ALREADY_THERE].versions
    is_there = {_THERE_OR_UNFITTING, _THERE_OR_UNKNOWN} if is_older else {_THERE_OR_UNFITTING}
    if judged.answer in is_there:
        return replace(judged, verdict="delivered")
    if judged.answer in _UNSENT:
        return replace(judged, answer=f"{judged.answer}{_SENT_BEFORE}")
    return judged


def erro_code(answer: str | None) -> str:
    """Say by which code an app is told that its success was not confirmed [rule 8.16].

    ``answer`` is what came of the result so far; None: nothing yet.
    """
    if answer is None or answer == _SILENCE:
        return "402"
    return "405" if answer.removesuffix(_SENT_BEFORE) in _UNSENT else "403"


def judge(transaction: Transaction, server: DirectoryServer, reply: Reply) -> Judged:
    """Say what came of one try."""
    match reply:
        case NotConnected():
            return Judged("again", _NO_CONNECTION)
        case Resting():
            return Judged("again", _RESTS, rests=True)
        case Answered(status=status) if status in NOT_TAKEN:
            return Judged("again", f"HTTP {status}")
        case Answered(status=200, body=body):
            return _judge_body(transaction, server, body)
        case Answered(status=status):
            return Judged("unconfirmed", f"HTTP {status}")
        case NoAnswer():
            late = Problem("402", "the RRes did not come in time")
            return Judged("unconfirmed", _SILENCE, late)


def _judge_body(transaction: Transaction, server: DirectoryServer, body: bytes) -> Judged:
    if messages.peek(body).get("messageType") == "Erro":
        code = heard(messages.peek(body))
        if code == _ALREADY_THERE:
            return Judged("delivered", f"Erro {code}")
        return Judged("unconfirmed", f"Erro {code}")
    context = Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        earlier={"RReq": ids_of_rreq(transaction)},
    )
    try:
        reading = messages.read_rres(body, context, server.additions)
    except ProtocolError as error:
        answer = f"RRes {error.problem.code}"
        return Judged("unconfirmed", answer, error.problem, error.message_type)
    return Judged("delivered", f"RRes {reading.values['resultsStatus']}")


def ids_of_rreq(transaction: Transaction) -> dict[str, str]:
    """Give the identifiers of the RReq, those that its RRes must not contradict [rule 8.18]."""
    ids = ids_of(transaction)
    if transaction.message_version == V210:
        ids.pop("sdkTransID", None)
    return ids
