"""The envelope of an SDK: opened with the key of its challenge, its answer sealed with the same.

Laws:
- What does not open with the agreed key changes nothing [rule 6.65].
- The same bytes again are answered again; the answer has another initialization vector than the
  first [rule 6.24; NIST SP 800-38D, 8]. Those of an earlier CReq, which anybody may have kept, are
  refused and change nothing [rules 6.22, 6.65].
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acs.authentication.rendering import HTML
from acs.challenge.responses import to_bytes
from acs.crypto import jwe
from acs.flows.answers import uuid_of
from acs.flows.in_app import key_place
from acs.flows.sdk_answers import Answer, refuse, too_late
from acs.store import dialogues, sdk_sessions
from acs.store.pool import Missing, Unavailable
from schemas import messages
from schemas.problems import Problem, naming
from schemas.values import MessageType
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.crypto.jwe import Envelope
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.store.sdk_sessions import SdkSession

OUT_OF_ORDER: Final = naming("302", ("sdkCounterStoA",))


@dataclass(frozen=True, slots=True)
class Post:
    """What an SDK sent, and where from: ``program`` is its User-Agent."""

    body: bytes = field(repr=False)
    address: str | None = None
    program: str | None = None


@dataclass(slots=True)
class Talk:
    """One message that opened: its challenge, and the session as it was and as it becomes.

    ``seen`` are its elements, not judged; ``masked`` is the message as it may be kept.
    """

    envelope: Envelope
    plain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    dialogue: Dialogue
    was: SdkSession
    digest: bytes
    now_is: SdkSession = field(init=False)
    seen: Mapping[str, object] = field(init=False, repr=False)
    masked: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        """Begin with what was read."""
        self.now_is = self.was
        self.seen = messages.peek(self.plain)

    @property
    def is_erro(self) -> bool:
        """Tell whether the SDK gives up with an Erro."""
        return self.seen.get("messageType") == MessageType.ERRO

    @property
    def is_repeat(self) -> bool:
        """Tell whether the same bytes were worked on before."""
        return self.digest == self.was.creq_digest

    @property
    def is_first(self) -> bool:
        """Tell whether no CReq was taken before it."""
        return self.was.counter == sdk_sessions.NOTHING_YET

    @property
    def in_html(self) -> bool:
        """Tell whether screens are HTML."""
        return self.was.rendering.interface == HTML


async def opened(ports: Ports, conn: Connection, envelope: Envelope, body: bytes) -> Talk | Answer:
    """Find the challenge that an envelope names and open it; an Erro where it cannot go on."""
    acs_trans_id = uuid_of(envelope.kid)
    dialogue = None if acs_trans_id is None else await dialogues.lock(conn, acs_trans_id)
    session = (
        None if dialogue is None else await sdk_sessions.read(conn, dialogue.challenge.acs_trans_id)
    )
    if dialogue is None or session is None:
        return refuse(naming("301", ("acsTransID",)))
    if session.key_sealed is None:
        return too_late(dialogue, is_proved=False)  # nobody can prove anything any more
    try:
        key = ports.keys.vault.open(session.key_sealed, key_place(session.acs_trans_id))
        plain = jwe.open_envelope(envelope, key)
    except CannotOpen as error:
        raise Unavailable(Missing.KEYS) from error
    except jwe.BadJwe as fault:
        return refuse(Problem("302", str(fault)), dialogue.transaction, is_proved=False)
    digest = hashlib.sha256(body).digest()
    talk = Talk(envelope, plain, key, dialogue=dialogue, was=session, digest=digest)
    return _refused(talk) or talk


def _refused(talk: Talk) -> Answer | None:
    """Refuse what opened and can still not be taken, without any change; None when it can."""
    if talk.is_repeat:
        return None
    is_over = talk.dialogue.challenge.outcome is not None
    if not is_over and not talk.was.came_before(talk.digest):
        return None
    if talk.is_erro:
        return Answer()
    if is_over:
        return too_late(talk.dialogue)
    # Made by the SDK, sent by whoever had it: no reason to end the challenge.
    return refuse(OUT_OF_ORDER, talk.dialogue.transaction, is_proved=False)


def sealed(talk: Talk, cres: Mapping[str, object]) -> Answer:
    """Seal a CRes for the SDK, in the way its CReq was sealed."""
    envelope, counter = talk.envelope, talk.now_is.counter
    by_counter = envelope.enc == jwe.A128GCM and not talk.is_repeat
    body = jwe.seal(
        to_bytes(cres),
        talk.key,
        kid=str(talk.was.acs_trans_id),
        enc=envelope.enc,
        iv=jwe.counter_iv(counter) if by_counter else None,
    )
    return Answer(body, is_jose=True)
