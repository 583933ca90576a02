"""What goes back to an SDK: a CRes as JWE, an Erro as JSON, or nothing.

Law: who only knows an acsTransID learns no other identifier from a refusal [rules 6.62, 6.65].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acs import log
from acs.flows.erros import ids_of, sent
from schemas.problems import Problem, erro
from schemas.versions import V231

if TYPE_CHECKING:
    from acs.store.dialogues import Dialogue
    from acs.transaction import Transaction

TIMED_OUT: Final = frozenset({"timeout", "no_creq", "sdk_timeout"})
"""Outcomes of a challenge whose time was over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a CRes as JWE, an Erro as JSON, or nothing."""

    body: bytes = field(default=b"", repr=False)
    is_jose: bool = False


def told(dialogue: Dialogue) -> Answer:
    """Tell the Erro that a challenge ended with, or that its time is over."""
    outcome = dialogue.challenge.outcome
    if outcome is not None and outcome.name == "creq_refused" and outcome.error is not None:
        return Answer(sent(outcome.error))
    return too_late(dialogue)


def too_late(dialogue: Dialogue, *, is_proved: bool = True) -> Answer:
    """Refuse a CReq to a challenge that is over [rule 9, rows 42, 44, 46]; see ``refuse``."""
    outcome, version = dialogue.challenge.outcome, dialogue.transaction.message_version
    if outcome is not None and outcome.name in TIMED_OUT:
        problem = Problem("402", "the challenge timed out")
    else:
        problem = Problem("315" if version == V231 else "305", "the challenge is over")
    return refuse(problem, dialogue.transaction, is_proved=is_proved)


def refuse(
    problem: Problem, transaction: Transaction | None = None, *, is_proved: bool = True
) -> Answer:
    """Give an Erro in plain JSON [rules 6.62, 6.64].

    # Secret: sdkTransID ends a challenge [rule 6.66]. Who has not proved to have the key
    # (``is_proved``) is told no identifier but the one it named.
    """
    ids = {} if transaction is None else ids_of(transaction)
    message = erro(
        problem,
        version=None if transaction is None else transaction.message_version,
        ids=ids if is_proved else {"acsTransID": ids["acsTransID"]},
        message_type="CReq",
    )
    log.event("creq:refused", code=str(message["errorCode"]))
    return Answer(sent(message))
