"""What an ARes of the app channel promises: where the SDK goes, and the keys both sides agree on.

Laws: the private half of our key lives for this one call; what is kept is the agreed key, sealed
[rule 6.2]. Nothing is promised that could not be signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from acs import log
from acs.authentication.responses import InApp
from acs.crypto import jws, key_agreement
from acs.crypto.keys import KeysUnavailable, RemoteSigner
from acs.crypto.signer import good_from, good_until
from acs.store.sdk_sessions import SdkSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.authentication.rendering import Rendering
    from acs.crypto.keys import ContentSigner
    from acs.flows.gather import Asked
    from acs.ports import Ports
    from acs.transaction import AcsTransId


@dataclass(frozen=True, slots=True)
class Promise:
    """What the ARes tells, and what has to be kept for it."""

    told: InApp
    session: SdkSession


@dataclass(frozen=True, slots=True)
class _Begun:
    """Who signs, the key that both agreed on, and what is to be signed."""

    signer: ContentSigner | RemoteSigner
    key: bytes = field(repr=False)
    content: str


def promise(
    ports: Ports, asked: Asked, acs_trans_id: AcsTransId, rendering: Rendering
) -> Promise | KeysUnavailable:
    """Agree on a key with the SDK and sign our half; KeysUnavailable when it cannot be signed."""
    begun = _begin(ports, asked)
    if isinstance(begun, KeysUnavailable):
        return begun
    signer = begun.signer
    if isinstance(signer, RemoteSigner):
        return KeysUnavailable("what signs is asked over a wire")
    try:
        signature = signer.sign(begun.content.encode("ascii"))
    except KeysUnavailable as failure:
        return _alarm(asked, failure)
    return _promise(ports, asked, acs_trans_id, rendering, begun=begun, signature=signature)


async def promise_remotely(
    ports: Ports, asked: Asked, acs_trans_id: AcsTransId, rendering: Rendering
) -> Promise | KeysUnavailable:
    """Do as ``promise`` does, with a signer that is asked over a wire."""
    begun = _begin(ports, asked)
    if isinstance(begun, KeysUnavailable):
        return begun
    signer = begun.signer
    if not isinstance(signer, RemoteSigner):
        return promise(ports, asked, acs_trans_id, rendering)
    try:
        signature = await signer.sign_remotely(begun.content.encode("ascii"))
    except KeysUnavailable as failure:
        return _alarm(asked, failure)
    return _promise(ports, asked, acs_trans_id, rendering, begun=begun, signature=signature)


def _begin(ports: Ports, asked: Asked) -> _Begun | KeysUnavailable:
    signer, values = asked.server.signer, asked.areq.values
    if signer is None:
        return KeysUnavailable("no key signs for this Directory Server")
    # An SDK refuses what it signs then: no challenge is better than one that cannot begin.
    if asked.now < good_from(signer):
        return _alarm(asked, KeysUnavailable("the signing certificate is not valid yet"))
    if good_until(signer) <= asked.now:
        return _alarm(asked, KeysUnavailable("the signing certificate has expired"))
    theirs = cast("Mapping[str, str]", values["sdkEphemPubKey"])
    agreed = key_agreement.agree(theirs, str(values["sdkReferenceNumber"]))
    content = jws.signing_input(
        signer,
        acs_url=ports.policies.app_challenge_url,
        acs_key=agreed.public_key,
        sdk_key=theirs,
    )
    return _Begun(signer, agreed.key, content)


def _promise(
    ports: Ports,
    asked: Asked,
    acs_trans_id: AcsTransId,
    rendering: Rendering,
    *,
    begun: _Begun,
    signature: bytes,
) -> Promise:
    told = InApp(
        rendering.element(asked.areq.context.version), jws.signed(begun.content, signature)
    )
    session = SdkSession(
        acs_trans_id=acs_trans_id,
        rendering=rendering,
        patience_min=int(str(asked.areq.values["sdkMaxTimeout"])),
        key_sealed=ports.keys.vault.seal(begun.key, key_place(acs_trans_id)),
    )
    return Promise(told, session)


def _alarm(asked: Asked, failure: KeysUnavailable) -> KeysUnavailable:
    log.alarm("signing_key", failure, ds=asked.server.ds_id)
    return failure


def key_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a session's key is sealed for."""
    return f"acs.sdk_session.key|{acs_trans_id}"


def pin_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a PIN is sealed for that waits for its code."""
    return f"acs.sdk_session.pin|{acs_trans_id}"
