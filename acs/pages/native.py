"""An entry screen as the elements of a CRes, for the SDK's own fields and buttons (acsUiType 01).

Laws:
- What the browser's page says of the payment is said here: amount, payee, card [RTS art. 5(1)(a)].
  It stands in challengeInfoText whatever the merchant is called; less important sentences make
  room for it. Without a payment there is no amount.
- A notice comes before everything else. The warning mark is set exactly when something went wrong.
- One field a screen: where the policy asks for a PIN, the PIN's screen is first and the code's
  follows. Both are compared together, so a wrong answer looks the same whichever was wrong.
- Every text keeps within its element, counted in UTF-16 units as SDKs count; none is empty.
- Only what the version knows. No pictures: an SDK would fetch them from somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from acs.challenge.screens import Notice
from acs.pages import wording
from acs.pages.names import shown_name
from schemas.texts import unbroken
from schemas.versions import V210, V231

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acs.challenge.screens import CodeScreen

_TEXT_MAX: Final = 350
_MORE_MAX: Final = 256
"""whyInfoText and expandInfoText."""
_NAME_MAX: Final = 80
"""merchantName has 40 characters on the wire; a letter outside the first plane counts as two."""
_ONE_UNIT_MAX: Final = "\uffff"
_CODE_LENGTH_MAX: Final = "10"
_PIN_LENGTH_MAX: Final = "12"
"""As the page's fields: the blanks of a pasted code do no harm."""


class Say(Protocol):
    """The texts of one language."""

    def __call__(self, text_id: str, **values: object) -> str:
        """Give a text with its values."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What a screen is said with: the texts of its language, and what is the issuer's own.

    ``phone`` is "" for none; ``own_help`` the sentence of the issuer's theme.
    """

    say: Say
    language: str
    phone: str
    own_help: str | None


def elements(
    screen: CodeScreen, version: str, voice: Voice, *, asks_pin: bool
) -> dict[str, object]:
    """Give acsUiType and all it needs; ``asks_pin``: the PIN's screen, else the code's."""
    say = voice.say
    label = say("pin_label") if asks_pin else _code_label(screen, say)
    failed = screen.notice is not None and wording.tone(screen.notice) == "error"
    shown: dict[str, object] = {
        "acsUiType": "01",
        "challengeInfoHeader": say(wording.title_id(screen)),
        "challengeInfoLabel": label,
        "challengeInfoText": _text(screen, voice, asks_pin=asks_pin),
        "submitAuthenticationLabel": say("next" if asks_pin else "submit"),
        "whyInfoLabel": say("why_title"),
        "whyInfoText": _why(screen, say),
        "expandInfoLabel": say("help_title"),
        "expandInfoText": _help(screen, voice, asks_pin=asks_pin),
    }
    if failed:
        shown["challengeInfoTextIndicator"] = "Y"
    if screen.resend.left > 0:
        # Before its time too: a native screen cannot come by a button later on.
        shown["resendInformationLabel"] = say("resend")
    trust = trust_element(version, asks_pin=asks_pin) if screen.offers_trust else None
    if trust is not None:
        shown[trust] = say("trust_label")
    if version == V231:
        shown["challengeEntryBox"] = _entry_box(label, asks_pin=asks_pin)
    return shown


def trust_element(version: str, *, asks_pin: bool) -> str | None:
    """Name the element that offers to trust the merchant, for a CReq must answer it; None for none.

    It is asked once, on the last screen: asked on the PIN's as well, what is ticked there would be
    taken back by the box that the next screen shows empty.
    """
    if asks_pin or version == V210:
        return None
    return "trustListInfoText" if version == V231 else "whitelistingInfoText"


def resend_from(screen: CodeScreen, say: Say, language: str) -> str | None:
    """Say from when a new code may be asked for; None where it may be now, or no more."""
    resend = screen.resend
    if resend.left <= 0 or resend.allowed or resend.ready_at is None:
        return None
    # A time of day: seconds that nothing counts down would be wrong a second later.
    return say("resend_from", time=wording.clock_time(resend.ready_at, wording.SECONDS, language))


def _entry_box(label: str, *, asks_pin: bool) -> dict[str, str]:
    box = {"challengeDataEntryLabel": label, "challengeDataEntryKeyboardType": "01"}
    if asks_pin:
        return {
            **box,
            "challengeDataEntryLengthMax": _PIN_LENGTH_MAX,
            "challengeDataEntryMasking": "Y",
            "challengeDataEntryToggle": "Y",
        }
    return {
        **box,
        "challengeDataEntryAutofill": "Y",
        "challengeDataEntryAutofillType": "01",
        "challengeDataEntryLengthMax": _CODE_LENGTH_MAX,
    }


def _code_label(screen: CodeScreen, say: Say) -> str:
    if screen.code_number <= 1:
        return say("code_label")
    return say("code_label_number", n=screen.code_number)


def _text(screen: CodeScreen, voice: Voice, *, asks_pin: bool) -> str:
    say, language = voice.say, voice.language
    attempts = wording.attempts_hint_id(screen)
    step = "app_step_pin" if asks_pin else "app_step_code"
    parts = (
        _notice(screen, say, language, asks_pin=asks_pin),
        _linked(screen, say, language),
        _sent(screen, say, language),
        say(step) if screen.asks_pin else None,
        None if attempts is None else say(attempts, left=screen.attempts_left),
    )
    return _fitting(parts, _TEXT_MAX, "\n\n")


def _notice(screen: CodeScreen, say: Say, language: str, *, asks_pin: bool) -> str | None:
    if screen.notice is None:
        return None
    if asks_pin and screen.notice is Notice.PIN_FORMAT:
        return say("app_pin_format")
    text_id = wording.notice_id(replace(screen, asks_pin=asks_pin))
    return say(text_id, **wording.notice_values(screen, language))


def _linked(screen: CodeScreen, say: Say, language: str) -> str:
    """Say what the code is for: a line each, so that no name can reorder or push out another."""
    amount, merchant = wording.amount(screen, language), _cut(shown_name(screen.merchant))
    lines = (
        amount and f"{say('amount_label')}: {amount}",
        merchant and f"{say(f'merchant_label{wording.suffix(screen)}')}: {merchant}",
        say("card_ending", last4=screen.last4),
    )
    return "\n".join(line for line in lines if line)


def _sent(screen: CodeScreen, say: Say, language: str) -> str | None:
    if screen.sent_at is None or not screen.code_live:
        return None
    values = {
        "n": screen.code_number,
        "time": wording.clock_time(screen.sent_at, wording.TIME, language),
        "phone": unbroken(screen.phone_mask),
    }
    if screen.expires_at is None:
        return say("app_sent_no_end", **values)
    until = wording.clock_time(screen.expires_at, wording.TIME, language)
    return say("app_sent", **values, until=until)


def _why(screen: CodeScreen, say: Say) -> str:
    ids = (f"app_why{wording.suffix(screen)}", f"help_not_yours{wording.suffix(screen)}")
    return _fitting(map(say, (*ids, "help_safety")), _MORE_MAX, "\n")


def _help(screen: CodeScreen, voice: Voice, *, asks_pin: bool) -> str:
    say, call = voice.say, None
    if voice.phone:
        call = say("help_call", phone=unbroken(voice.phone))
    if screen.resend.left > 0:
        no_message = say("help_no_message")
    else:
        no_message = say(f"resend_none_left{wording.suffix(screen)}")
    if asks_pin:
        return _fitting((say("help_pin"), call, no_message, voice.own_help), _MORE_MAX, "\n")
    later = resend_from(screen, say, voice.language)
    parts = (no_message, say("help_phone_not_yours"), call, later, voice.own_help)
    return _fitting(parts, _MORE_MAX, "\n")


def _fitting(parts: Iterable[str | None], longest: int, between: str) -> str:
    """Join what there is, the most important first; what no longer fits is left out."""
    joined = ""
    for part in filter(None, parts):
        longer = f"{joined}{between}{part}" if joined else part
        if _units(longer) <= longest:
            joined = longer
    return joined


def _cut(name: str) -> str:
    """Shorten a name that no payment system lets a merchant have."""
    if _units(name) <= _NAME_MAX:
        return name
    while _units(name) > _NAME_MAX - 1:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _units(text: str) -> int:
    """Count as SDKs do, in UTF-16; its codec would be a file to open, and is not needed."""
    return len(text) + sum(sign > _ONE_UNIT_MAX for sign in text)
