"""The SDK inside a shop's app: one challenge as it holds it, from its key to the last CRes.

It trusts nobody but the root it was shipped with, counts its messages, and reads each answer as
strictly as SDKs in the field do. What it was given to type goes into the envelope and nowhere else.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from loadtests.network import jose
from loadtests.network.checks import Objection, read_json
from loadtests.network.jose import CBC, ENCODINGS, GCM, Unreadable
from loadtests.network.purchases import Message

REFERENCE_NUMBER = "3DS_DEMO_SDK_020301_00001"
JOSE = "application/jose;charset=UTF-8"
JSON = "application/JSON; charset = UTF-8"  # as one SDK in the field spells it

_COUNTER_MAX = 255  # one byte of the IV holds it
_ECHOED = ("threeDSServerTransID", "acsTransID", "sdkTransID")


class Refused(Exception):
    """The SDK does not accept what it got; `objection` is what its Erro says."""

    def __init__(self, objection: Objection) -> None:
        """Hold the protocol's error code and the element or part that is wrong."""
        super().__init__(f"{objection.code} {objection.detail}")
        self.objection = objection


class Sdk:
    """One challenge of one app. `key` is drawn new unless it is given."""

    def __init__(
        self,
        reference_number: str,
        root_pem: bytes | None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        """Make the key pair; `root_pem` is what it trusts, None: it looks at no chain."""
        self.reference_number = reference_number
        self.acs_url: str | None = None
        self._root_pem = root_pem
        self._private = key or ec.generate_private_key(ec.SECP256R1())
        self._shared: bytes | None = None
        self._ids: Message = {}
        self._sent = -1  # the counter of the last CReq

    @property
    def public_jwk(self) -> dict[str, str]:
        """Give the AReq's sdkEphemPubKey."""
        return jose.jwk_of(self._private.public_key())

    @property
    def version(self) -> str:
        """Give the messageVersion of the challenge it has accepted."""
        return str(self._ids["messageVersion"])

    @property
    def is_ready(self) -> bool:
        """True when a challenge was offered and accepted."""
        return self._shared is not None

    def accept(
        self, ares: Mapping[str, object], areq: Mapping[str, object], now: datetime | None = None
    ) -> None:
        """Verify the ARes's signed content and derive the key; raises Refused."""
        try:
            content = jose.read_content(
                ares.get("acsSignedContent"), self._root_pem, now or datetime.now(UTC)
            )
        except Unreadable as error:
            raise Refused(Objection("203", f"acsSignedContent: {error}")) from error
        if content.sdk_key.public_numbers() != self._private.public_key().public_numbers():
            raise Refused(Objection("203", "acsSignedContent: the sdkEphemPubKey is another SDK's"))
        self.acs_url = content.acs_url
        self._shared = jose.derive(self._private, content.acs_key, self.reference_number)
        self._ids = {
            "messageVersion": areq["messageVersion"],
            "threeDSServerTransID": areq["threeDSServerTransID"],
            "acsTransID": ares["acsTransID"],
            "sdkTransID": areq["sdkTransID"],
        }

    def creq(self, *, enc: str = GCM, kid: str | None = None, **elements: object) -> bytes:
        """Give the body of the next CReq; an element of None is left out.

        The ids, the counter and the envelope's `kid` may be replaced too, for whoever wants to see
        that refused; the SDK goes on counting from such a counter, if it is one.
        """
        if enc not in ENCODINGS:
            message = f"{enc} is none of {', '.join(ENCODINGS)}"
            raise ValueError(message)
        counter = elements.get("sdkCounterStoA")
        is_number = isinstance(counter, str) and re.fullmatch(r"[0-9]{3}", counter) is not None
        is_one = is_number and int(str(counter)) <= _COUNTER_MAX
        self._sent = int(str(counter)) if is_one else self._sent + 1
        assert self._sent <= _COUNTER_MAX, "an SDK gives up long before"
        complete = {"messageType": "CReq", **self._ids, "sdkCounterStoA": self._counter} | elements
        told = {name: value for name, value in complete.items() if value is not None}
        return jose.seal(
            json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode(),
            self._key,
            kid=str(self._ids["acsTransID"]) if kid is None else kid,
            enc=enc,
            iv=secrets.token_bytes(16) if enc == CBC else bytes(11) + bytes([self._sent]),
        ).encode()

    def read(self, body: bytes, content_type: str) -> Message:
        """Give the CRes, or the Erro that came in its place; raises Refused.

        An Erro is told by its content type, as SDKs tell it; what is in an envelope must be the
        answer to the last CReq.
        """
        if content_type.lower().startswith("application/json"):
            return _message(body, "Erro")
        try:
            envelope = jose.read_envelope(body.decode("ascii", "replace"))
            if envelope.kid != self._ids["acsTransID"]:
                raise Refused(
                    Objection("302", "the JWE's kid is not this transaction's acsTransID")
                )
            plain = jose.open_envelope(envelope, self._key)
        except Unreadable as error:
            raise Refused(Objection("302", str(error))) from error
        cres = _message(plain, "CRes")
        if cres.get("messageVersion") != self._ids["messageVersion"]:
            raise Refused(Objection("102", "messageVersion"))
        strange = [name for name in _ECHOED if cres.get(name) != self._ids[name]]
        if strange:
            raise Refused(Objection("301", ",".join(strange)))
        if cres.get("acsCounterAtoS") != self._counter:
            raise Refused(
                Objection("302", "acsCounterAtoS is not the counter of the CReq it answers")
            )
        return cres

    def erro(self, code: str, detail: str, **elements: object) -> bytes:
        """Give the body of an Erro to the ACS, in plain JSON; 402 is the SDK's own time-out."""
        erro = {
            "messageType": "Erro",
            **self._ids,
            "errorCode": code,
            "errorComponent": "C",
            "errorDescription": "The challenge has ended in the app",
            "errorDetail": detail,
            "errorMessageType": "CRes",
        } | elements
        return json.dumps(
            {name: value for name, value in erro.items() if value is not None}
        ).encode()

    @property
    def _counter(self) -> str:
        return f"{self._sent:03d}"

    @property
    def _key(self) -> bytes:
        assert self._shared is not None, "no challenge was accepted yet"
        return self._shared


@dataclass(slots=True)
class App:
    """One app with its SDK: the screen it shows, and whether the challenge is over for it."""

    sdk: Sdk
    screen: Message | None = None
    is_over: bool = False
    is_busy: bool = False
    last: tuple[bytes, str] | None = field(default=None, repr=False)
    """Body and content type of what was sent last."""

    def take(self, message: Message) -> None:
        """Show what came: the next screen, or the end."""
        is_screen = message.get("messageType") == "CRes" and "transStatus" not in message
        self.screen = message if is_screen else None
        self.is_over = self.is_over or not is_screen


def _message(raw: bytes, message_type: str) -> Message:
    found = read_json(raw)
    if isinstance(found, Objection):
        raise Refused(found)
    if found.get("messageType") not in (message_type, "Erro"):
        raise Refused(Objection("101", f"messageType is not {message_type}"))
    return found
