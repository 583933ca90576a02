"""The algorithms of the authentication value: Visa's CAVV and Mastercard's IAV.

Pure functions: keys, time and chance are arguments. ``acs.crypto.value`` chooses the profile and
holds the keys behind their port. Scheme manuals are confidential; what is here follows public
descriptions, and each profile has to be confirmed in the bank's own manual before go-live.

Laws:
- A value has 20 bytes (21 where a profile says so) and 28 characters of standard base64.
- Digits are checked before they are used; a wrong one is a ValueError that does not repeat it.
- One date stands for the day of authentication, in the hash and in the layout alike.
"""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes

from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_BLOCK_DIGITS = 32
_BLOCK_END = "0" * 9
_DES_BLOCK = 8
_KEY_BYTES = 16
_CVV_DIGITS = 3
_HASH_DIGITS = 16
_CVV_PAN_DIGITS = 16
_IAV_PAN_DIGITS = 20
_IAV_MAC_BYTES = 4
_AMOUNT_DIGITS = 12
_SEED_DIGITS = 4
_CURRENCY_DIGITS = 3
_V7_LENGTHS = (2, _CURRENCY_DIGITS, _SEED_DIGITS, 1)
_CODE_LIMIT = 14_000
_CODE_STEPS = "6553.6"
_CLEAR_OF_A_STEP = 1e-6  # a float of this size is right to 1e-10
_UUID_CHARACTERS, _UUID_BYTES = 36, 16
_LESS_TEN = bytes.maketrans(b"abcdef", b"012345")

AMOUNT_MAX = 10**_AMOUNT_DIGITS - 1
"""Both schemes carry at most twelve digits of minor units."""


class NotEnoughDigits(Exception):
    """A hash had fewer than 16 decimal digits (odds 2 in 10^10): no value can be made."""


def cvv_block(pan: str, four: str, three: str) -> str:
    """Lay out the 32 digits of the CVV algorithm: 16 of the number, 4, 3, zeros.

    A longer number gives its right-most 16 digits, a shorter one is padded with zeros on the left.
    """
    has_lengths = bool(pan) and len(four) == _SEED_DIGITS and len(three) == _CVV_DIGITS
    _are_digits(pan + four + three, has_lengths)
    number = pan[-_CVV_PAN_DIGITS:].rjust(_CVV_PAN_DIGITS, "0")
    return f"{number}{four}{three}{_BLOCK_END}"


class CvvKey:
    """A double-length DES key, ready to encrypt; one thread at a time uses it."""

    __slots__ = ("single", "triple")

    single: Callable[[bytes], bytes]
    """Encrypts one block by single DES with the left half."""
    triple: Callable[[bytes], bytes]
    """Encrypts one block by two-key 3DES."""

    def __init__(self, key: bytes) -> None:
        """Take the 16 bytes; raises ValueError for another length."""
        if len(key) != _KEY_BYTES:
            message = "a CVV key has 16 bytes"
            raise ValueError(message)
        left = key[:_DES_BLOCK]
        self.single = _encryptor(left * 3).update
        self.triple = _encryptor(key + left).update


def cvv(key: CvvKey, block: str) -> str:
    """Give the three digits for a block of 32 digits.

    The encryption is ISO 9797-1 MAC algorithm 3 over two blocks with a zero IV: single DES with
    the left half, then two-key 3DES.
    """
    data = plain(block)
    first = int.from_bytes(key.single(data[:_DES_BLOCK]), "big")
    mixed = first ^ int.from_bytes(data[_DES_BLOCK:], "big")
    return decimalise(key.triple(mixed.to_bytes(_DES_BLOCK, "big")))


def plain(block: str) -> bytes:
    """Give the 16 bytes that a block of 32 digits is."""
    _are_digits(block, len(block) == _BLOCK_DIGITS)
    return bytes.fromhex(block)


def decimalise(result: bytes) -> str:
    """Give the first three digits: all 0-9 from left to right, then all A-F less ten."""
    text = result.hex().encode()
    numbers = text.translate(None, b"abcdef")
    if len(numbers) < _CVV_DIGITS:
        numbers += text.translate(_LESS_TEN, b"0123456789")
    return numbers[:_CVV_DIGITS].decode()


def check_value(key: CvvKey) -> str:
    """Give the six hex digits people compare at a key ceremony: zeros under two-key 3DES."""
    return key.triple(bytes(_DES_BLOCK))[:3].hex().upper()


def _encryptor(key: bytes) -> CipherContext:
    # Danger: ECB over exactly one block is the block cipher itself, which these algorithms ask
    # for, so one context serves block after block; 3DES is decrepit and only ever used here,
    # where the schemes' hosts expect it.
    return Cipher(TripleDES(key), modes.ECB()).encryptor()  # noqa: S305


class Codes:
    """What a Visa value says about the authentication, laid out.

    ``results``: 1 digit; ``second_factor``: 2 digits, the method; ``key_indicator``: 2 digits,
    which of the host's key sets checks the value.
    """

    __slots__ = ("head", "three")

    def __init__(self, results: str, second_factor: str, key_indicator: str) -> None:
        """Refuse codes of another shape."""
        has_lengths = len(results) == 1 and len(second_factor) == len(key_indicator) == 2  # noqa: PLR2004
        _are_digits(results + second_factor + key_indicator, has_lengths)
        self.head = f"0{results}{second_factor}{key_indicator}0"
        """The first seven digits of a value."""
        self.three = results + second_factor
        """The three digits in the place of the service code."""


class VisaPurchase(Record, frozen=True):
    """What a version 7 value is bound to: number, amount in minor units, currency, UTC day, ECI."""

    pan: str
    eci: str
    amount: int
    currency: str
    day: date

    def __repr__(self) -> str:
        """Show no card number."""
        return f"VisaPurchase(***, {self.eci}, {self.amount}, {self.currency}, {self.day})"


class VisaV7(Record, frozen=True):
    """A version 7 value but for the three digits of the CVV step, and the block they come from."""

    block: str
    before: str
    after: str


def visa_v0_block(pan: str, atn: str, codes: Codes) -> str:
    """Lay out the CVV block of usage 3, version 0; ``atn`` is 16 digits, its last 4 are used."""
    if len(atn) != _HASH_DIGITS:
        raise _wrong()
    return cvv_block(pan, atn[-4:], codes.three)


def visa_v0(output: str, atn: str, codes: Codes, *, action: str = "0") -> bytes:
    """Lay out the 20 bytes of usage 3, version 0, from the three digits of the CVV step."""
    has_lengths = len(output) == _CVV_DIGITS and len(atn) == _HASH_DIGITS and len(action) == 1
    _are_digits(output + atn + action, has_lengths)
    return bytes.fromhex(f"{codes.head}{output}{atn[-4:]}{atn}0{action}00000000")


def visa_v7_layout(purchase: VisaPurchase, seed: str, codes: Codes, protocol: str) -> VisaV7:
    """Lay out usage 3, version 7: the CVV block, and the 20 bytes around its output.

    ``seed`` is 4 digits of chance, ``protocol`` the nibble of the version. The number's last digit
    gives way to the ECI's; number, amount, currency and day are hashed and the first 16 decimal
    digits of the hash stand in for the number. Raises NotEnoughDigits.
    """
    pan, eci, amount, currency = purchase.pan, purchase.eci, purchase.amount, purchase.currency
    _are_digits(
        f"{pan}{eci}{currency}{seed}{protocol}",
        bool(pan) and (len(eci), len(currency), len(seed), len(protocol)) == _V7_LENGTHS,
    )
    _fits(amount)
    day = _year_and_day(purchase.day)
    tied = f"{pan[:-1]}{(eci.rstrip('0') or '0')[-1]}{amount:012d}{currency}{day}"
    hashed = sha256(tied.encode("ascii")).hexdigest()
    numbers = hashed.encode().translate(None, b"abcdef").decode()
    return VisaV7(
        f"{sixteen(numbers)}{seed}{codes.three}{_BLOCK_END}",
        codes.head,
        f"{seed}{amount:010X}{currency}{day[2:]}7{protocol}00000000",
    )


@lru_cache(maxsize=16)
def _year_and_day(day: date) -> str:
    """Give two digits of the year and three of its day; there are few days at a time."""
    return f"{day:%y%j}"


def sixteen(numbers: str) -> str:
    """Give the first 16 digits; raises NotEnoughDigits."""
    if len(numbers) < _HASH_DIGITS:
        raise NotEnoughDigits
    return numbers[:_HASH_DIGITS]


def visa_v7(layout: VisaV7, output: str) -> bytes:
    """Give the 20 bytes of usage 3, version 7, with the three digits of the CVV step."""
    _are_digits(output, len(output) == _CVV_DIGITS)
    return bytes.fromhex(f"{layout.before}{output}{layout.after}")


def iav_dstrans_input(pan: str, ds_trans_id: str) -> bytes:
    """Lay out what Mastercard's IAV is made over: the number and the whole dsTransID."""
    return _iav_pan(pan) + _uuid(ds_trans_id)


def iav_link_input(
    pan: str, *, merchant_name: str, amount: int, currency: str, ds_trans_id: str
) -> bytes:
    """Lay out the variant with dynamic linking: number, payee, amount, currency, dsTransID."""
    _are_digits(currency, len(currency) == _CURRENCY_DIGITS)
    merchant = sha256(merchant_name.encode()).digest()[:4]
    money = amount_code(amount).to_bytes(2, "big") + bytes.fromhex("0" + currency)
    return _iav_pan(pan) + merchant + money + _uuid(ds_trans_id)[:4]


def amount_code(amount: int) -> int:
    """Code minor units in 16 bits: as they are up to 14,000, then on a logarithmic scale."""
    _fits(amount)
    if amount <= _CODE_LIMIT:
        return amount
    steps = math.log10(amount / 100) * float(_CODE_STEPS)
    if _CLEAR_OF_A_STEP < steps % 1 < 1 - _CLEAR_OF_A_STEP:
        return int(steps)
    return exact_amount_code(amount)


def exact_amount_code(amount: int) -> int:
    """Give the code of an amount above 14,000 by decimal arithmetic."""
    # Money: Decimal with 50 digits, because a float's last bit could move the truncation.
    exact = Context(prec=50, rounding=ROUND_DOWN)
    scaled = exact.multiply(exact.log10(Decimal(amount).scaleb(-2)), Decimal(_CODE_STEPS))
    return int(scaled)


def iav(mac: bytes, *, pad_bytes: int) -> bytes:
    """Wrap the first four bytes of the MAC: tag C6, length 4, zeros up to ``pad_bytes``."""
    if pad_bytes not in {20, 21}:
        message = "an IAV has 20 or 21 bytes"
        raise ValueError(message)
    return (b"\xc6\x04" + mac[:_IAV_MAC_BYTES]).ljust(pad_bytes, b"\x00")


def _iav_pan(pan: str) -> bytes:
    _are_digits(pan, bool(pan))
    if len(pan) > _IAV_PAN_DIGITS:
        message = "a card number has at most 20 digits here"
        raise ValueError(message)
    return bytes.fromhex(pan.ljust(_IAV_PAN_DIGITS, "F"))


def _uuid(text: str) -> bytes:
    """Give the bytes of a UUID in canonical form."""
    number = bytes.fromhex(text.replace("-", ""))
    if len(text) != _UUID_CHARACTERS or len(number) != _UUID_BYTES:
        message = "not a UUID in canonical form"
        raise ValueError(message)
    return number


def _fits(amount: int) -> None:
    if not 0 <= amount <= AMOUNT_MAX:
        message = "the amount does not fit into twelve digits"
        raise ValueError(message)


def _are_digits(text: str, has_lengths: bool) -> None:  # noqa: FBT001 - a claim about the text
    """Refuse a text, or several as one, that is not all digits or whose lengths are wrong."""
    if not has_lengths or not text.isdigit() or not text.isascii():
        raise _wrong()


def _wrong() -> ValueError:
    # Secret: the text may be a card number, so the error does not repeat it.
    return ValueError("not a text of digits of the right length")
