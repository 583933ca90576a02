"""What an ARes of the app channel promises: where the SDK goes, and the keys both sides agree on.

Laws: the private half of our key lives for this one call; what is kept is the agreed key, sealed
[rule 6.2]. Nothing is promised that could not be signed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from acs import log, metrics
from acs.authentication.responses import InApp
from acs.crypto import jws, key_agreement
from acs.crypto.keys import KeysUnavailable
from acs.crypto.signer import good_until
from acs.store.sdk_sessions import SdkSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.authentication.rendering import Rendering
    from acs.flows.gather import Asked
    from acs.ports import Ports
    from acs.transaction import AcsTransId


@dataclass(frozen=True, slots=True)
class Promise:
    """What the ARes tells, and what has to be kept for it."""

    told: InApp
    session: SdkSession


def promise(
    ports: Ports, asked: Asked, acs_trans_id: AcsTransId, rendering: Rendering
) -> Promise | KeysUnavailable:
    """Agree on a key with the SDK and sign our half; KeysUnavailable when it cannot be signed."""
    signer, values = asked.server.signer, asked.areq.values
    if signer is None:
        return KeysUnavailable("no key signs for this Directory Server")
    if good_until(signer) <= asked.now:
        # An SDK refuses what it signs, so no challenge is better than one that cannot begin.
        return _alarm(asked, KeysUnavailable("the signing certificate has expired"))
    theirs = cast("Mapping[str, str]", values["sdkEphemPubKey"])
    agreed = key_agreement.agree(theirs, str(values["sdkReferenceNumber"]))
    try:
        signed = jws.signed_content(
            signer,
            acs_url=ports.policies.app_challenge_url,
            acs_key=agreed.public_key,
            sdk_key=theirs,
        )
    except KeysUnavailable as failure:
        return _alarm(asked, failure)
    session = SdkSession(
        acs_trans_id=acs_trans_id,
        rendering=rendering,
        patience_min=int(str(values["sdkMaxTimeout"])),
        key_sealed=ports.keys.vault.seal(agreed.key, key_place(acs_trans_id)),
    )
    return Promise(InApp(rendering.element(asked.areq.context.version), signed), session)


def _alarm(asked: Asked, failure: KeysUnavailable) -> KeysUnavailable:
    metrics.ALARM.labels("signing_key").inc()
    log.event(
        "alarm:raised",
        level=logging.ERROR,
        failure=failure,
        alarm="signing_key",
        ds=asked.server.ds_id,
    )
    return failure


def key_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a session's key is sealed for."""
    return f"acs.sdk_session.key|{acs_trans_id}"


def pin_place(acs_trans_id: AcsTransId) -> str:
    """Name the place a PIN is sealed for that waits for its code."""
    return f"acs.sdk_session.pin|{acs_trans_id}"
