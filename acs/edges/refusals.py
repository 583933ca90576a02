"""How each edge says that it does not take a request: in its callers' own language.

The texts tell what a caller can do and nothing of the inside. A refusal has a word for machines
(``reason``), and the request's id is in a header for the people who look into it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from acs.edges.written import BODY, JSON
from acs.flows.erros import sent
from schemas import messages
from schemas.problems import Problem, erro, ids_of_areq
from schemas.values import MessageType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TITLES = {
    "cut": "The body did not arrive whole",
    "encoded": "Compressed bodies are not read",
    "failed": "Something went wrong here",
    "malformed": "This is not HTTP as it should be",
    "method": "This address does not take that method",
    "too_large": "The body is too large",
    "too_slow": "The body took too long",
    "unavailable": "Not now; try again in a moment",
    "unknown": "There is nothing at this address",
}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"></head>
<body>
<h1>{title}</h1>
<p>{en}</p>
<p lang="pl">{pl}</p>
<p lang="de">{de}</p>
<p lang="uk">{uk}</p>
</body>
</html>
"""
_LOOKED_AT_BYTES = 96 * 1024
"""An app's AReq has 64,000 characters of device data at most, which cost little to pass over."""
_HINTS = {
    "en": "Go back and start again.",
    "pl": "Wróć i zacznij od nowa.",
    "de": "Gehen Sie zurück und beginnen Sie von vorn.",
    "uk": "Поверніться назад і почніть спочатку.",  # noqa: RUF001 - Cyrillic
}
"""For either edge with pages: not everybody comes from a shop."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that no flow answers: HTTP status, a word for machines, headers that go with it."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Give the sentence for people."""
        return _TITLES[self.reason]


def answers(edge: str) -> Callable[[web.BaseRequest, Refusal], web.Response]:
    """Give the way an edge renders a refusal."""
    return _BY_EDGE.get(edge, plain)


def plain(_request: web.BaseRequest, refusal: Refusal) -> web.Response:
    """Answer with the sentence alone."""
    return web.Response(text=f"{refusal.title}\n", status=refusal.status)


def _page(_request: web.BaseRequest, refusal: Refusal) -> web.Response:
    text = _PAGE.format(title=refusal.title, **_HINTS)
    return web.Response(text=text, status=refusal.status, content_type="text/html")


def _problem(_request: web.BaseRequest, refusal: Refusal) -> web.Response:
    body = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "error": {"code": refusal.reason, "message_key": f"http.{refusal.reason}"},
    }
    return web.Response(
        body=json.dumps(body).encode(),
        status=refusal.status,
        content_type="application/problem+json",
    )


def _erro(request: web.BaseRequest, refusal: Refusal) -> web.Response:
    """Answer a Directory Server: where a protocol answer can be made it is one [rule 1.16].

    A body that was not read, or was above the limit, gets the HTTP status alone [rule 1.24].
    """
    if refusal.reason not in {"failed", "unavailable"}:
        return plain(request, refusal)
    body = areq_refused(request.get(BODY, b""), Problem("403", refusal.title))
    return web.Response(body=body, headers={"Content-Type": JSON})


def areq_refused(raw: bytes, problem: Problem) -> bytes:
    """Refuse a message without looking into it: in its version, about its ids [2.39, 2.40].

    An Erro is answered by nothing [rule 1.18]. A body longer than any usual one is not looked at.
    """
    seen = messages.peek(raw) if len(raw) <= _LOOKED_AT_BYTES else {}
    if seen.get("messageType") == MessageType.ERRO:
        return b""
    version, kind = seen.get("messageVersion"), seen.get("messageType", MessageType.AREQ)
    message = erro(
        problem,
        version=version if isinstance(version, str) else None,
        ids=ids_of_areq(seen),
        message_type=kind if isinstance(kind, str) else None,
    )
    return sent(message)


_BY_EDGE = {
    "cardholder": _page,
    "portal": _page,
    "ds": _erro,
    "enrollment": _problem,
}
