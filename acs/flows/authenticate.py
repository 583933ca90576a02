"""AReq in, ARes or Erro out: gather, decide, commit, answer.

Laws:
- Two round trips to the database: one reads all facts, one commits everything; pure code decides
  in between, in step for those that were read together (``acs.steps``). AReqs at the same time
  share the round trips, and the outcome of none depends on another's. A requestor-initiated
  payment may read once more (``gather``), a challenge in the app keeps its key first, and where
  operators are asked about SIM cards their answer is looked up or kept. A limit that another
  payment used up meanwhile is read again and decided again.
- The answer leaves only after the commit: what an ARes promises is on disk [rule 1E, T0].
- The authentication value is made before the commit and nothing is promised without it: a key
  that fails turns the outcome into U, never into a made-up value (``acs.flows.promises``).
- The same AReq again (same bytes) gets the same stored answer; other content under the same
  identifiers is an Erro. Neither makes a second transaction, reservation or message.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias, cast

from acs import VERSION, evidence, log, metrics
from acs.authentication import responses
from acs.authentication.decision import decide
from acs.authentication.swap import should_ask
from acs.flows import erros, promises
from acs.flows import evidence as evidence_flow
from acs.flows.gather import Asked, gather
from acs.flows.number_check import checked
from acs.flows.oddities import oddities
from acs.store import sdk_sessions, transactions
from acs.store.pool import Missing, Unavailable
from acs.transaction import (
    CHANCE_BYTES,
    AcsTransId,
    AuthenticationValue,
    DsTransId,
    Transaction,
    acs_trans_id_at,
    link_digest,
    linked,
)
from enrollment.model import calendar_of
from schemas import messages
from schemas.audit import AuditEvent
from schemas.problems import Problem, ProtocolError, erro, ids_of_areq
from schemas.records import replace
from schemas.values import MessageType, TransStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime
    from uuid import UUID

    from acs.authentication.case import Decision
    from acs.authentication.facts import Facts
    from acs.directory_server import DirectoryServer
    from acs.flows.promises import Promised
    from acs.ports import Ports
    from acs.store.evidence import Visitor
    from acs.store.sdk_sessions import SdkSession
    from acs.transaction import SdkTransId, ThreeDSServerTransId
    from enrollment.model import Standing
    from schemas.compiler import Reading

Answered: TypeAlias = "tuple[transactions.NewTransaction, bytes]"
"""What is to be stored, and the bytes that answer."""

TRIES_FOR_A_LIMIT = 5


async def authenticate(ports: Ports, raw: bytes, server: DirectoryServer) -> bytes:
    """Answer one AReq: the bytes of an ARes or an Erro; never raises for what was sent.

    An Erro that comes here is heard and answered by nothing [rule 1.18].
    """
    started = time.perf_counter()
    try:
        with ports.areq_deadlines.within():
            return await _authenticate(ports, raw, server)
    except ProtocolError as error:
        return _hear(raw) if error.message_type == MessageType.ERRO else _refuse(error)
    except (Unavailable, TimeoutError) as failure:
        log.event("database:unavailable", level=logging.ERROR, failure=failure)
        return _refuse(_cannot(raw))
    finally:
        metrics.AREQ_SECONDS.observe(time.perf_counter() - started)


async def _authenticate(ports: Ports, raw: bytes, server: DirectoryServer) -> bytes:
    areq = messages.read_areq(raw, server.additions)
    issued = ports.tables.now.find(str(areq.values["acctNumber"]))
    if issued is None or issued.range.scheme not in server.schemes:
        raise _error(areq, Problem("305", "acctNumber", ("acctNumber",)))
    asked = Asked(areq, raw, server, issued, ports.clock())
    for _ in range(TRIES_FOR_A_LIMIT):
        new, answer = await _decide(ports, asked)
        if new.sdk_session is not None:
            async with ports.pool.connection() as conn:
                await sdk_sessions.add(conn, new.sdk_session, asked.now)
        match await ports.areqs.record(new):
            case transactions.Recorded():
                # After the answer, and together with the others of its batch; what is on disk is
                # answered whatever becomes of the line that tells of it.
                asyncio.get_running_loop().call_soon(_tell, ports, asked, new.transaction)
                return answer
            case transactions.AlreadyKnown():
                return await _answer_again(ports, asked)
            case transactions.LimitTaken():
                continue
    raise Unavailable(Missing.LIMITS)


async def _decide(ports: Ports, asked: Asked) -> Answered:
    gathered = await gather(ports, asked)
    facts = gathered.facts
    if ports.number_checks is not None and should_ask(
        asked.areq, facts, decide(asked.areq, facts, asked.now)
    ):
        facts = await _with_checks(ports, asked, facts)
    fetched = None
    if ports.hsm is not None and promises.are_remote(ports, asked):
        fetched = await promises.fetched(ports, asked, facts, _new_id(asked))
    work = partial(_steps, ports, asked, facts, gathered.device_id, fetched)
    answered: Answered = await ports.in_step.submit(work)
    return answered


def _steps(
    ports: Ports,
    asked: Asked,
    facts: Facts,
    device_id: UUID | None,
    fetched: Promised | None,
) -> Generator[None, None, Answered]:
    """Decide, answer, and say what is to be stored: pure but for chance, in steps of one kind.

    ``fetched`` was decided before, since a key outside of this process had to be asked.
    """
    if fetched is None:
        acs_trans_id = _new_id(asked)
        decision = decide(asked.areq, facts, asked.now)
        yield
        fetched = promises.promised(ports, asked, facts, acs_trans_id, decision)
    acs_trans_id, decision, eci, proof, agreed = fetched
    yield
    language = _language(ports, asked, facts.standing)
    info = decision.cardholder_info
    ares = responses.ares(
        asked.areq,
        decision,
        acs_trans_id=acs_trans_id,
        identity=_identity(asked.server.acs_reference_number, asked.server.acs_operator_id),
        challenge_url=ports.policies.challenge_url,
        eci=eci,
        proof=proof,
        cardholder_text=None if info is None else ports.pages.text(f"info_{info}", language),
        in_app=None if agreed is None else agreed.told,
    )
    yield
    transaction = _transaction(
        ports, asked, acs_trans_id, decision, standing=facts.standing, language=language
    )
    yield
    seen = _visitor(ports, asked, acs_trans_id)
    document = _document(ports, transaction, decision, eci=eci, proof=proof, seen=seen)
    yield
    new = _new(
        ports,
        asked,
        transaction,
        decision,
        ares=ares,
        document=document,
        device_id=device_id,
        seen=seen,
        sdk_session=None if agreed is None else agreed.session,
    )
    return new, ares.raw


def _new_id(asked: Asked) -> AcsTransId:
    return acs_trans_id_at(asked.now, secrets.token_bytes(CHANCE_BYTES))


_identity = lru_cache(maxsize=64)(responses.Identity)
"""Who we are towards each Directory Server, made once."""


async def _with_checks(ports: Ports, asked: Asked, facts: Facts) -> Facts:
    """Look at SIM card and number of the phone that the decision rests on."""
    phone = None if facts.standing is None else facts.standing.phone
    if phone is None:
        return facts
    found = await checked(ports, phone.phone_id, asked.now)
    return facts if found is None else replace(facts, swap=found.swap, number=found.number)


def _transaction(
    ports: Ports,
    asked: Asked,
    acs_trans_id: AcsTransId,
    decision: Decision,
    *,
    standing: Standing | None,
    language: str,
) -> Transaction:
    values = asked.areq.values
    text = cast("Callable[[str], str | None]", values.get)  # what is asked for below is text
    challenged = decision.trans_status is TransStatus.CHALLENGE
    phone = None if standing is None or not challenged else standing.phone
    frozen = linked(values, acs_trans_id, None if standing is None else standing.card_id)
    return Transaction(
        acs_trans_id=acs_trans_id,
        three_ds_server_trans_id=cast("ThreeDSServerTransId", values["threeDSServerTransID"]),
        ds_trans_id=frozen.ds_trans_id,
        sdk_trans_id=cast("SdkTransId | None", values.get("sdkTransID")),
        ds_id=asked.server.ds_id,
        ds_url=text("dsURL"),
        message_version=asked.areq.context.version,
        device_channel=frozen.device_channel,
        message_category=frozen.message_category,
        range_id=asked.issued.range.range_id,
        range_version=asked.issued.range.version,
        scheme=asked.issued.range.scheme,
        card_id=frozen.card_id,
        account_id=None if standing is None else standing.account_id,
        person_id=None if standing is None else standing.person_id,
        phone_id=None if phone is None else phone.phone_id,
        phone_mask=None if phone is None else phone.mask,
        last4=asked.pan[-4:],
        pan_sealed=ports.keys.vault.seal(asked.pan.encode(), pan_place(acs_trans_id))
        if challenged and promises.proves(asked)
        else None,
        purchase_amount=frozen.purchase_amount,
        purchase_currency=frozen.purchase_currency,
        purchase_exponent=frozen.purchase_exponent,
        purchase_date=text("purchaseDate"),
        merchant_name=frozen.merchant_name,
        acquirer_bin=frozen.acquirer_bin,
        acquirer_merchant_id=frozen.acquirer_merchant_id,
        notification_url=text("notificationURL"),
        link_digest=link_digest(frozen),
        trans_status=decision.trans_status,
        trans_status_reason=decision.reason,
        rule=decision.rule,
        reasons=decision.reasons,
        elements=decision.elements,
        language=language,
        created_at=asked.now,
        requestor_id=text("threeDSRequestorID"),
        authentication_ind=text("threeDSRequestorAuthenticationInd"),
        offers_trust=decision.offers_trust,
    )


def _visitor(ports: Ports, asked: Asked, acs_trans_id: AcsTransId) -> Visitor | None:
    """Seal where the requestor says the cardholder is; nobody is there in a 3RI request."""
    address = _text(asked.areq.values, "browserIP") or _text(asked.areq.values, "appIp")
    program = _text(asked.areq.values, "browserUserAgent")
    if address is None and program is None:
        return None
    return evidence_flow.visitor(ports.keys, acs_trans_id, "areq", address, program)


def _document(
    ports: Ports,
    transaction: Transaction,
    decision: Decision,
    *,
    eci: str | None,
    proof: AuthenticationValue | None,
    seen: Visitor | None,
) -> str | None:
    """Write the evidence of an outcome that is final with the answer; a challenge has its own."""
    if decision.trans_status is TransStatus.CHALLENGE:
        return None
    basis = evidence.Basis(
        software=VERSION,
        key_ids=ports.keys.active,
        exemption=decision.exemption,
        eci=eci,
        proof=None
        if proof is None
        else evidence_flow.proof(ports.keys, transaction.acs_trans_id, proof),
        visitors={} if seen is None else {seen.seen_in: seen.tag},
    )
    return evidence.document(transaction, None, basis)


def _new(  # noqa: PLR0913 - a record has these parts
    ports: Ports,
    asked: Asked,
    transaction: Transaction,
    decision: Decision,
    *,
    ares: messages.Written,
    document: str | None,
    device_id: UUID | None,
    seen: Visitor | None,
    sdk_session: SdkSession | None,
) -> transactions.NewTransaction:
    told = {} if document is None else {"evidence": evidence.digest(document)}
    event = AuditEvent(
        at=asked.now,
        name="authentication.decided",
        actor_kind="network",
        actor=asked.server.ds_id,
        object=str(transaction.acs_trans_id),
        outcome=str(decision.trans_status),
        details={"rule": decision.rule, "exemption": str(decision.exemption), **told},
    )
    details = event.details_json()
    vault = ports.keys.vault
    return transactions.NewTransaction(
        transaction=transaction,
        areq_digest=hashlib.sha256(asked.raw).digest(),
        ares_sealed=vault.seal(ares.raw, ares_place(transaction.acs_trans_id)),
        areq_masked=messages.masked_text("AReq", asked.areq),
        ares_masked=ares.masked,
        hold=_hold(ports, decision, asked.now),
        first_creq_due=_first_creq_due(ports, decision, asked.now),
        audit_name=event.name,
        audit_object=event.object,
        audit_outcome=event.outcome,
        audit_details=details,
        audit_tag=ports.keys.audit.tag(b"audit/1", event.canonical(details)),
        device_id=device_id,
        visitor=seen,
        evidence=document,
        low_value=decision.low_value,
        sdk_session=sdk_session,
    )


def _first_creq_due(ports: Ports, decision: Decision, now: datetime) -> datetime | None:
    if decision.trans_status is not TransStatus.CHALLENGE:
        return None
    policy = ports.policies.challenge
    return now + policy.first_creq + policy.first_creq_grace


def _hold(ports: Ports, decision: Decision, now: datetime) -> transactions.Hold | None:
    if decision.reserve is None or not ports.policies.counts_use:
        return None
    day, month = calendar_of(now)
    counted = decision.trans_status is TransStatus.AUTHENTICATED
    return transactions.Hold(decision.reserve, day, month, counted)


async def _answer_again(ports: Ports, asked: Asked) -> bytes:
    """Give the stored answer to the same bytes; other content is refused [peer T14]."""
    values = asked.areq.values
    async with ports.pool.connection() as conn:
        known = await transactions.answered_before(
            conn, str(values["threeDSServerTransID"]), str(DsTransId(str(values["dsTransID"])))
        )
    if known is None:
        raise Unavailable(Missing.DATABASE)
    if known.areq_digest != hashlib.sha256(asked.raw).digest():
        code = "312" if asked.areq.context.version == "2.3.1" else "305"
        raise _error(asked.areq, Problem(code, "the transaction identifiers were used before"))
    log.event("areq:repeated", acs_trans_id=str(known.acs_trans_id))
    return ports.keys.vault.open(known.ares_sealed, ares_place(known.acs_trans_id))


def pan_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a transaction's card number is sealed for."""
    return f"acs.transaction.pan|{acs_trans_id}"


def ares_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a transaction's answer is sealed for."""
    return f"acs.transaction.ares|{acs_trans_id}"


def _language(ports: Ports, asked: Asked, standing: Standing | None) -> str:
    return ports.pages.choose_language(
        None if standing is None else standing.language,
        _text(asked.areq.values, "browserLanguage"),
        asked.issued.issuer.default_language,
    )


def _tell(ports: Ports, asked: Asked, transaction: Transaction) -> None:
    _counter(
        transaction.scheme,
        transaction.device_channel,
        transaction.message_category,
        transaction.message_version,
        transaction.trans_status,
        transaction.rule,
    ).inc()
    log.event(
        "areq:answered",
        acs_trans_id=str(transaction.acs_trans_id),
        ds=asked.server.ds_id,
        trans_status=str(transaction.trans_status),
        rule=transaction.rule,
        version=transaction.message_version,
    )
    for oddity in oddities(asked.areq.values, ports.pages.languages):
        metrics.AREQ_ODDITY.labels(oddity).inc()


_counter = lru_cache(maxsize=4096)(metrics.AREQ.labels)
"""The counters of AReqs by their labels, each looked up once."""


def _hear(raw: bytes) -> bytes:
    erros.note(messages.peek(raw))
    return b""


def _refuse(error: ProtocolError) -> bytes:
    message = erro(
        error.problem, version=error.version, ids=error.ids, message_type=error.message_type
    )
    log.event("areq:refused", code=str(message["errorCode"]))
    return erros.sent(message)


def _error(areq: Reading, problem: Problem) -> ProtocolError:
    names = ("threeDSServerTransID", "dsTransID", "sdkTransID")
    ids = {name: str(areq.values[name]) for name in names if name in areq.values}
    return ProtocolError(problem, message_type="AReq", version=areq.context.version, ids=ids)


def _cannot(raw: bytes) -> ProtocolError:
    seen = messages.peek(raw)
    version = seen.get("messageVersion")
    return ProtocolError(
        Problem("403", "the request could not be processed in time"),
        message_type="AReq",
        version=version if isinstance(version, str) else None,
        ids=ids_of_areq(seen),
    )


def _text(values: Mapping[str, object], name: str) -> str | None:
    found = values.get(name)
    return None if found is None else str(found)
