"""What a provider's answer means. Pure.

Laws:
- The rules for the body speak first, in their order; then the status does. So an error in the body
  of a 200 is seen, and so is the body of a 400 that says the message was taken before.
- A status on no list leaves the outcome unknown, and so does a successful one whose body no rule
  knows.
- A reason is the status or a word of the configuration, never what the provider wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

from otp.gateways.http.content import id_at, json_of, text_at
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown

SUCCESS = frozenset({200, 201, 202, 204})
PERMANENT = frozenset({400, 422})
# But for the last two these are this provider's quarrel with us (key, credit, address, form of the
# request), never the number's fault; another one may carry the message.
RETRYABLE = frozenset({401, 402, 403, 404, 405, 413, 415, 429, 503})


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """How to read a JSON answer: the text at a path decides, if it is on one of the lists."""

    path: str
    accepted: frozenset[str] = frozenset()
    permanent: frozenset[str] = frozenset()
    retryable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a text that means two things."""
        lists = (self.accepted, self.permanent, self.retryable)
        if len(frozenset().union(*lists)) != sum(map(len, lists)):
            message = f"answer {self.path}: a text stands on one list only"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a provider's answers are read. Raises ValueError for what contradicts itself."""

    success: frozenset[int] = SUCCESS
    permanent: frozenset[int] = PERMANENT
    retryable: frozenset[int] = RETRYABLE
    rules: tuple[AnswerRule, ...] = ()
    id_path: str | None = None

    def __post_init__(self) -> None:
        """Refuse a status that means two things."""
        lists = (self.success, self.permanent, self.retryable)
        if len(frozenset().union(*lists)) != sum(map(len, lists)):
            message = "a status stands on one list only"
            raise ValueError(message)

    def wants_body(self, status: int) -> bool:
        """Tell whether the body of an answer with this status says anything."""
        known = self.success | self.permanent | self.retryable
        return status in known and (bool(self.rules) or self.id_path is not None)

    def outcome(self, status: int, body: bytes | None) -> SendOutcome:
        """Say what became of the message; the body is None where it was not read whole."""
        content = json_of(body) if self.wants_body(status) else None
        for rule in self.rules:
            said = self._said(rule, content)
            if said is not None:
                return said
        return self._by_status(status, content)

    def _said(self, rule: AnswerRule, content: object) -> SendOutcome | None:
        word = text_at(content, rule.path)
        if word in rule.accepted:
            return Accepted(id_at(content, self.id_path))
        if word in rule.permanent:
            return Rejected(retryable=False, reason=f"answer_{word}")
        if word in rule.retryable:
            return Rejected(retryable=True, reason=f"answer_{word}")
        return None

    def _by_status(self, status: int, content: object) -> SendOutcome:
        reason = f"http_{status}"
        if status in self.permanent:
            return Rejected(retryable=False, reason=reason)
        # A redirect that is not followed has carried nothing.
        if status in self.retryable or 300 <= status < 400:  # noqa: PLR2004 - HTTP's class 3xx
            return Rejected(retryable=True, reason=reason)
        if status not in self.success:
            return Unknown(reason)
        if self.rules:
            return Unknown("answer_unknown")
        return Accepted(id_at(content, self.id_path))
