"""What the message with a step-up code says about the action it confirms, in our own words."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a client may do in the portal only with a fresh code (PSD2 art. 97(1)(c))."""

    PIN_SET = "pin.set"
    THREEDS_ACTIVATE = "threeds.activate"
    THREEDS_DEACTIVATE = "threeds.deactivate"
    LIMITS_LOWER = "limits.lower"


_WORDS: Final = {
    "pl": {
        Action.PIN_SET: "Zmiana PIN-u do płatności w internecie",
        Action.THREEDS_ACTIVATE: "Włączenie 3-D Secure dla karty *{last4}",
        Action.THREEDS_DEACTIVATE: "Wyłączenie 3-D Secure dla karty *{last4}",
        Action.LIMITS_LOWER: "Zmiana limitów karty *{last4}",
    },
    "en": {
        Action.PIN_SET: "Change of your PIN for online payments",
        Action.THREEDS_ACTIVATE: "Switching 3-D Secure on for card *{last4}",
        Action.THREEDS_DEACTIVATE: "Switching 3-D Secure off for card *{last4}",
        Action.LIMITS_LOWER: "Change of the limits of card *{last4}",
    },
    "de": {
        Action.PIN_SET: "Änderung Ihrer PIN für Online-Zahlungen",
        Action.THREEDS_ACTIVATE: "3-D Secure einschalten für Karte *{last4}",
        Action.THREEDS_DEACTIVATE: "3-D Secure ausschalten für Karte *{last4}",
        Action.LIMITS_LOWER: "Änderung der Limits der Karte *{last4}",
    },
    "uk": {
        Action.PIN_SET: "Зміна PIN-коду для онлайн-платежів",
        Action.THREEDS_ACTIVATE: "Увімкнення 3-D Secure для картки *{last4}",
        Action.THREEDS_DEACTIVATE: "Вимкнення 3-D Secure для картки *{last4}",
        Action.LIMITS_LOWER: "Зміна лімітів картки *{last4}",
    },
}


def action_text(action: Action, language: str, last4: str) -> str:
    """Say what the code confirms; ``last4`` is empty for what concerns no single card."""
    return _WORDS[language][action].format(last4=last4)
