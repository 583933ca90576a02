"""Erro messages, in and out: each is counted once, by its code.

Law: an Erro that comes in is never answered by one [rule 1.18].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acs import log, metrics
from acs.challenge.events import CReqRefused
from acs.challenge.responses import to_bytes
from schemas.problems import CODES, erro

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.transaction import Transaction
    from schemas.problems import Problem


def heard(error: Mapping[str, object]) -> str:
    """Count an Erro that came in; give its code, ``none`` for one that nobody knows."""
    code = str(error.get("errorCode", ""))
    known = code if code in CODES else "none"
    metrics.ERRO.labels("in", known).inc()
    return known


def note(error: Mapping[str, object], transaction: Transaction | None = None) -> None:
    """Count and log an Erro that came in, and whose it is if that is proved."""
    whose: dict[str, Any] = (
        {} if transaction is None else {"acs_trans_id": str(transaction.acs_trans_id)}
    )
    log.event("erro:received", code=heard(error), **whose)


def sent(error: Mapping[str, object]) -> bytes:
    """Count an Erro that goes out; give its bytes."""
    metrics.ERRO.labels("out", str(error["errorCode"])).inc()
    return to_bytes(error)


def creq_refused(
    transaction: Transaction, problem: Problem, message_type: str | None
) -> CReqRefused:
    """Make the Erro for what came as a CReq and breaks the protocol; the challenge ends with it.

    ``message_type`` is what it says it is, None for a type that nobody knows [rule 2.38].
    """
    message = erro(
        problem,
        version=transaction.message_version,
        ids=ids_of(transaction),
        message_type=message_type,
    )
    log.event("creq:refused", code=str(message["errorCode"]))
    return CReqRefused(message)


def ids_of(transaction: Transaction) -> dict[str, str]:
    """Give the identifiers that an Erro about a transaction tells."""
    ids = {
        "threeDSServerTransID": transaction.three_ds_server_trans_id,
        "acsTransID": str(transaction.acs_trans_id),
        "dsTransID": transaction.ds_trans_id,
    }
    sdk = transaction.sdk_trans_id
    return ids if sdk is None else {**ids, "sdkTransID": sdk}
