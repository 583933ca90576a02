"""The electronic commerce indicator: a table by scheme, category and transaction status.

Sources: the tables that payment service providers publish; several agree on each row. A range's
policy may replace a value or leave it out, because a scheme's rule book has the last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA_SHARE: Final = "data_share"
MERCHANT_INITIATED: Final = "merchant_initiated"

_VISA_LIKE: Final = {"Y": "05", "A": "06", "N": "07", "U": "07", "R": "07", "I": "07"}
_MASTERCARD: Final = {
    "Y": "02",
    "A": "01",
    "N": "00",
    "U": "00",
    "R": "00",
    "I": "06",
    DATA_SHARE: "04",
    MERCHANT_INITIATED: "07",
}

TABLE: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("visa", "01"): _VISA_LIKE,
    ("visa", "02"): _VISA_LIKE,
    ("amex", "01"): _VISA_LIKE,
    ("amex", "02"): _VISA_LIKE,
    ("discover", "01"): _VISA_LIKE,
    ("discover", "02"): _VISA_LIKE,
    ("diners", "01"): _VISA_LIKE,
    ("diners", "02"): _VISA_LIKE,
    ("jcb", "01"): _VISA_LIKE,
    ("jcb", "02"): _VISA_LIKE,
    ("unionpay", "01"): _VISA_LIKE,
    ("unionpay", "02"): _VISA_LIKE,
    ("mastercard", "01"): _MASTERCARD,
    ("mastercard", "02"): {"Y": "N2", "N": "N0", "U": "N0", "R": "N0"},
}
"""(scheme, messageCategory) -> transStatus -> ECI. No row, no value: the element is left out."""


def eci_of(
    scheme: str,
    category: str,
    trans_status: str,
    *,
    kind: str | None = None,
    override: Mapping[str, str] | None = None,
) -> str | None:
    """Give the ECI, or None when the message carries none (C, D, S and unknown schemes).

    ``kind`` marks an I that answers "data share only" (DATA_SHARE) and the Y of a payment that a
    requestor initiates on an earlier authentication (MERCHANT_INITIATED). ``override`` is the
    range policy's own map from transStatus (or kind) to a value; "" leaves the element out.
    """
    if trans_status in _CARRY_NONE:
        return None
    row, own = TABLE.get((scheme, category), _NOTHING), override or _NOTHING
    special = None if kind is None else own.get(kind, row.get(kind))
    return (
        special if special is not None else own.get(trans_status, row.get(trans_status))
    ) or None


_NOTHING: Final[Mapping[str, str]] = {}
_CARRY_NONE: Final = frozenset({"C", "D", "S"})
"""Nothing is decided yet [rule 3.20], whatever a policy says: the answer must not hold one."""
