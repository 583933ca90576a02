"""An SDK for the cases of the app channel, lent by the demo's payment network over HTTP.

The set holds no cryptography and shares no code with what it judges, so the keys, the envelopes and
their check are the network's (`/api/sdks`). What can be read without a key is read here: the parts
of acsSignedContent.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS = 3


@dataclass(frozen=True, slots=True)
class Sdk:
    """One SDK, and where it is told what to do; ``key`` is its sdkEphemPubKey."""

    session: aiohttp.ClientSession
    url: str
    key: dict[str, str]

    async def accept(self, areq: Mapping[str, Any], ares: Mapping[str, Any]) -> str | None:
        """Let it verify the signed content of an ARes; gives why it does not accept it."""
        told = {"areq": dict(areq), "ares": {name: ares[name] for name in ares if name[0] != "@"}}
        async with self.session.post(f"{self.url}/accept", json=told) as response:
            answer = await response.json(content_type=None)
        return None if response.ok else str(answer.get("detail", answer))

    async def send(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Let it send a CReq or something else; gives what came and how; raises BadCase."""
        async with self.session.post(self.url, json=dict(wish)) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
        if not response.ok:
            message = f"the network's SDK cannot do {sorted(wish)}: {answer}"
            raise BadCase(message)
        return answer


async def lend(session: aiohttp.ClientSession, network: str, reference_number: str) -> Sdk:
    """Borrow an SDK with this sdkReferenceNumber; raises aiohttp's errors."""
    wish = {"sdkReferenceNumber": reference_number}
    async with session.post(f"{network}/api/sdks", json=wish) as response:
        response.raise_for_status()
        given = await response.json(content_type=None)
    return Sdk(session, f"{network}/api/sdks/{given['id']}", given["sdkEphemPubKey"])


async def is_there(session: aiohttp.ClientSession, network: str) -> bool:
    """Tell whether a payment network that lends SDKs answers there."""
    try:
        await lend(session, network, "PROBE")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError):
        return False
    return True


def signed(jws: object) -> dict[str, Any] | None:
    """Read header and payload of an acsSignedContent; None when it is not made of such parts."""
    parts = jws.split(".") if isinstance(jws, str) else []
    if len(parts) != _PARTS:
        return None
    try:
        header, payload = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in parts[:2]
        )
    except (binascii.Error, ValueError):
        return None
    return {"header": header, "payload": payload, "signature": parts[2]}


def document(acs_html: object) -> str:
    """Read an acsHTML; empty when it is none."""
    if not isinstance(acs_html, str):
        return ""
    try:
        return base64.urlsafe_b64decode(acs_html + "=" * (-len(acs_html) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
