"""The authentication value of a Y: which algorithm, which key, from which facts.

Laws:
- No key, no value: an unknown scheme, a profile of another scheme, a key that is not active or a
  store that cannot be reached give KeyUnavailable, and the caller answers U. Nothing here makes
  a value up.
- A value is made once per transaction; the caller keeps it sealed and sends it again as it is.
- Chance comes in as bytes, time as an aware UTC datetime.
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from acs.crypto import cavv
from acs.crypto.keys import KeyState, KeysUnavailable
from acs.transaction import AuthenticationValue
from schemas.records import Record
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from acs.authentication.facts import CardRange
    from acs.authentication.range_policy import RangePolicy
    from acs.crypto.keys import AuthenticationValueKeys, RemoteValueKeys

    _Maker = Callable[
        ["RangePolicy", str, AuthenticationValueKeys, "Inputs", bytes],
        bytes,
    ]

SEED_BYTES: Final = 16
"""Chance per value: 128 bits, so that the digits cut from it are as good as even."""

FRICTIONLESS_FACTOR: Final = "99"
CHALLENGE_FACTOR: Final = "02"
"""Visa's code for a code by SMS; a policy may name another one."""

_TO_BE_ASKED: Final = "the key is asked over a wire"
_V7_ECI: Final = {"Y": "05", "A": "06"}
"""What the network takes for the ECI where a range's policy leaves it out of the message."""
_RESULTS: Final = {"Y": "0", "A": "7"}
_PROTOCOL: Final = {"2.1.0": "4", "2.2.0": "5", "2.3.1": "6"}


class Profile(StrEnum):
    """Named and versioned ways to make a value; a range's policy chooses one."""

    VISA_V0 = "visa-v0"
    VISA_V7 = "visa-v7"
    MASTERCARD_DSTRANS = "mastercard-dstrans"
    MASTERCARD_LINK = "mastercard-link"


class Inputs(Record, frozen=True):
    """What a value is made from. Amount in minor units; ``eci`` as the message will carry it."""

    pan: Secret
    trans_status: str
    challenged: bool
    eci: str | None
    amount: int
    currency: str
    merchant_name: str
    ds_trans_id: str
    message_version: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class KeyUnavailable:
    """No value can be made; ``why`` is for the log and names no secret."""

    why: str


def available(card_range: CardRange, keys: AuthenticationValueKeys, amount: int | None) -> bool:
    """Tell whether a value could be made now for this range and purchase amount."""
    make_raw = _maker(card_range)
    key_id = card_range.policy.av_key_id
    if make_raw is None or key_id is None:
        return False
    fits = amount is None or amount <= cavv.AMOUNT_MAX
    return fits and keys.state(key_id) is KeyState.ACTIVE


def make(
    card_range: CardRange, keys: AuthenticationValueKeys, inputs: Inputs, seed: bytes
) -> AuthenticationValue | KeyUnavailable:
    """Make the value of a Y or A; ``seed`` is SEED_BYTES of fresh chance."""
    policy = card_range.policy
    make_raw = _maker(card_range)
    profile, key_id = policy.av_profile, policy.av_key_id
    if make_raw is None or profile is None or key_id is None:
        return KeyUnavailable("no profile for the scheme of this range")
    if len(seed) != SEED_BYTES:
        message = f"a seed has {SEED_BYTES} bytes"
        raise AssertionError(message)
    if inputs.amount > cavv.AMOUNT_MAX:
        return KeyUnavailable("the amount does not fit into the value")
    try:
        raw = make_raw(policy, key_id, keys, inputs, seed)
    except (KeysUnavailable, cavv.NotEnoughDigits) as fault:
        return KeyUnavailable(str(fault) or type(fault).__name__)
    text = b2a_base64(raw, newline=False).decode("ascii")
    return AuthenticationValue(Secret(text), inputs.eci, key_id, profile)


async def make_remotely(
    card_range: CardRange, keys: RemoteValueKeys, inputs: Inputs, seed: bytes
) -> AuthenticationValue | KeyUnavailable:
    """Make a value as ``make`` does, with a key that is asked over a wire.

    What is to be computed follows from inputs and seed alone: it is found out without the key, then
    asked for, then the value is made around the answer.
    """
    asked = _Asked()
    unmade = make(card_range, asked, inputs, seed)
    if asked.cvv_block is None and asked.message is None:
        return unmade
    try:
        if asked.cvv_block is not None:
            asked.digits = await keys.cvv(asked.key_id, asked.cvv_block)
        elif asked.message is not None:
            asked.mac = await keys.hmac_sha256(asked.key_id, asked.message)
    except KeysUnavailable as fault:
        return KeyUnavailable(str(fault))
    return make(card_range, asked, inputs, seed)


@dataclass(slots=True)
class _Asked:
    """Stands for the keys while a value is made twice: notes the question, gives the answer."""

    key_id: str = ""
    cvv_block: str | None = None
    message: bytes | None = None
    digits: str | None = None
    mac: bytes | None = None

    def state(self, key_id: str) -> KeyState | None:
        del key_id
        return KeyState.ACTIVE

    def cvv(self, key_id: str, digits: str) -> str:
        self.key_id, self.cvv_block = key_id, digits
        if self.digits is None:
            raise KeysUnavailable(_TO_BE_ASKED)
        return self.digits

    def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        self.key_id, self.message = key_id, message
        if self.mac is None:
            raise KeysUnavailable(_TO_BE_ASKED)
        return self.mac


def _maker(card_range: CardRange) -> _Maker | None:
    """Give the way that the policy names, if it is one of the range's scheme."""
    scheme, make_raw = _MAKERS.get(card_range.policy.av_profile or "", (None, None))
    return make_raw if scheme == card_range.scheme else None


def _visa_v0(
    policy: RangePolicy,
    key_id: str,
    keys: AuthenticationValueKeys,
    inputs: Inputs,
    seed: bytes,
) -> bytes:
    codes = _codes(policy, inputs)
    atn = _cut(seed, 16)
    output = keys.cvv(key_id, cavv.visa_v0_block(inputs.pan.reveal(), atn, codes))
    return cavv.visa_v0(output, atn, codes)


def _visa_v7(
    policy: RangePolicy,
    key_id: str,
    keys: AuthenticationValueKeys,
    inputs: Inputs,
    seed: bytes,
) -> bytes:
    purchase = cavv.VisaPurchase(
        inputs.pan.reveal(),
        inputs.eci or _V7_ECI[inputs.trans_status],
        inputs.amount,
        inputs.currency,
        inputs.authenticated_at.date(),
    )
    protocol = _PROTOCOL[inputs.message_version]
    layout = cavv.visa_v7_layout(purchase, _cut(seed, 4), _codes(policy, inputs), protocol)
    return cavv.visa_v7(layout, keys.cvv(key_id, layout.block))


def _mastercard_dstrans(
    policy: RangePolicy,
    key_id: str,
    keys: AuthenticationValueKeys,
    inputs: Inputs,
    _seed: bytes,
) -> bytes:
    message = cavv.iav_dstrans_input(inputs.pan.reveal(), inputs.ds_trans_id)
    return cavv.iav(keys.hmac_sha256(key_id, message), pad_bytes=policy.av_pad_bytes)


def _mastercard_link(
    policy: RangePolicy,
    key_id: str,
    keys: AuthenticationValueKeys,
    inputs: Inputs,
    _seed: bytes,
) -> bytes:
    message = cavv.iav_link_input(
        inputs.pan.reveal(),
        merchant_name=inputs.merchant_name,
        amount=inputs.amount,
        currency=inputs.currency,
        ds_trans_id=inputs.ds_trans_id,
    )
    return cavv.iav(keys.hmac_sha256(key_id, message), pad_bytes=policy.av_pad_bytes)


_MAKERS: Final[Mapping[str, tuple[str, _Maker]]] = {
    str(profile): (scheme, make_raw)
    for profile, scheme, make_raw in (
        (Profile.VISA_V0, "visa", _visa_v0),
        (Profile.VISA_V7, "visa", _visa_v7),
        (Profile.MASTERCARD_DSTRANS, "mastercard", _mastercard_dstrans),
        (Profile.MASTERCARD_LINK, "mastercard", _mastercard_link),
    )
}


def _codes(policy: RangePolicy, inputs: Inputs) -> cavv.Codes:
    challenge_factor = policy.av_second_factor or CHALLENGE_FACTOR
    second_factor = challenge_factor if inputs.challenged else FRICTIONLESS_FACTOR
    return _known_codes(_RESULTS[inputs.trans_status], second_factor, policy.av_key_indicator)


_known_codes = lru_cache(maxsize=256)(cavv.Codes)
"""Codes that were checked; policies have few."""


def _cut(seed: bytes, length: int) -> str:
    return str(int.from_bytes(seed, "big") % 10**length).zfill(length)
