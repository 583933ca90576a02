"""What an SDK says: one wish out of all elements of a CReq, in the order they count; its Erro.

SDKs in the field say several things at once and some of them always [rule 6.28]; a cancel counts
before a new code, a new code before an entry, and an empty entry when there is nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl

from acs.challenge.events import SdkFailed
from schemas import messages
from schemas.compiler import Context
from schemas.values import ChallengeCancel, DeviceChannel, MessageType, TransStatus
from schemas.vault import Secret
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.transaction import Transaction

_YES: Final = frozenset({"Y", "01"})
"""Both spellings of a consent are seen; they mean the same."""
_NATIVE_ONLY: Final = ("challengeDataEntry",)
_HTML_ONLY: Final = ("challengeHTMLDataEntry",)
_NEVER_ASKED: Final = ("oobContinue", "infoContinueIndicator")
_FIELDS_MAX: Final = 8
_WITH_AN_ERRO: Final = frozenset({ChallengeCancel.ERRO_FOR_CRES, ChallengeCancel.ERRO_FOR_CREQ})


@dataclass(frozen=True, slots=True)
class Cancels:
    """The cardholder, or the SDK, ends it; ``why`` is what it says of that."""

    why: ChallengeCancel


@dataclass(frozen=True, slots=True)
class Resends:
    """A new code is wanted."""


@dataclass(frozen=True, slots=True)
class Enters:
    """Something was entered, perhaps nothing: ``entry`` on a native screen, else the two fields."""

    entry: Secret = field(default_factory=lambda: Secret(""))
    pin: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, slots=True)
class Said:
    """What a later CReq says; ``trusts``: the answer to the offer to trust the merchant, if any."""

    wish: Wish
    trusts: bool | None = None


Wish: TypeAlias = Cancels | Resends | Enters


def misplaced(creq: Mapping[str, object], *, html: bool) -> tuple[str, ...]:
    """Name the elements that do not fit the screen that was shown [rule 6.30]."""
    others = (*(_NATIVE_ONLY if html else _HTML_ONLY), *_NEVER_ASKED)
    return tuple(name for name in others if name in creq)


def said(creq: Mapping[str, object], *, html: bool) -> Said:
    """Tell what a CReq says that passed its table and fits its screen."""
    return _in_html(creq) if html else _natively(creq)


def _natively(creq: Mapping[str, object]) -> Said:
    consent = creq.get("trustListDataEntry", creq.get("whitelistingDataEntry"))
    trusts = None if consent is None else consent in _YES
    if "challengeCancel" in creq:
        return Said(_cancels(creq["challengeCancel"]), trusts)
    if creq.get("resendChallenge") == "Y":
        return Said(Resends(), trusts)
    return Said(Enters(Secret(str(creq.get("challengeDataEntry", "")))), trusts)


def _in_html(creq: Mapping[str, object]) -> Said:
    if "challengeCancel" in creq:
        return Said(_cancels(creq["challengeCancel"]))
    if creq.get("resendChallenge") == "Y":
        return Said(Resends())
    fields = form_of(str(creq.get("challengeHTMLDataEntry", "")))
    trusts = fields.get("trust") == "Y"
    if fields.get("do") == "resend":
        return Said(Resends(), trusts)
    entry, pin = Secret(fields.get("otp", "")), Secret(fields.get("pin", ""))
    return Said(Enters(entry, pin), trusts)


def _cancels(code: object) -> Cancels:
    """Read challengeCancel as the network may be told it.

    What stands for an Erro goes with that Erro only, and a cancel has none [rule 8.9]; a code that
    a Directory Server has defined is not known here.
    """
    if code in _WITH_AN_ERRO:
        return Cancels(ChallengeCancel.TRANSACTION_ERROR)
    known = code in ChallengeCancel.__members__.values()
    return Cancels(ChallengeCancel(str(code)) if known else ChallengeCancel.UNKNOWN)


def is_out_of_order(creq: Mapping[str, object], due: int) -> bool:
    """Tell whether a CReq, not judged yet, has another counter than is due [rule 6.22].

    That comes first: what it must hold depends on which one it is. Whatever text is not the next
    counter is out of order; one that is missing, empty or no text breaks its table.
    """
    counter = creq.get("sdkCounterStoA")
    if creq.get("messageType") != MessageType.CREQ or not isinstance(counter, str):
        return False
    return bool(counter) and counter != f"{due:03d}"


def is_from_sdk_of(transaction: Transaction, error: Mapping[str, object]) -> bool:
    """Tell whether an Erro that anybody may have sent knows the SDK of a challenge [rule 6.66]."""
    theirs, ours = error.get("sdkTransID"), transaction.sdk_trans_id
    if transaction.trans_status != TransStatus.CHALLENGE or ours is None:
        return False
    return isinstance(theirs, str) and theirs.lower() == ours.lower()


def failure(error: Mapping[str, object]) -> SdkFailed:
    """Say what an Erro of an SDK, as it was read, means for its challenge [rule 6.66]."""
    return SdkFailed(
        dict(error),
        timed_out=error.get("errorCode") == "402",
        about_cres=error.get("errorMessageType") == "CRes" and _can_be_reported(error),
    )


def _can_be_reported(error: Mapping[str, object]) -> bool:
    """Tell whether an Erro is whole enough to go into challengeErrorReporting [rule 8.9]."""
    try:
        messages.check_outgoing("Erro", error, Context(V231, DeviceChannel.APP))
    except messages.OutgoingInvalid:
        return False
    return True


def form_of(query: str) -> dict[str, str]:
    """Read the query of our own form as the SDK caught it, still percent-encoded [rule 6.32].

    What is no such query holds nothing. A field that stands twice counts as it stood first.
    """
    try:
        pairs = parse_qsl(
            query.lstrip("?"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX
        )
    except (ValueError, UnicodeDecodeError):
        return {}
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields
