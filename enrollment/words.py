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
    LOW_VALUE_ON = "low_value.on"
    PHONE_CHANGE = "phone.change"
    PHONE_CONFIRM = "phone.confirm"
    LOGIN = "login"
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the name of an action


_WORDS: Final = {
    "pl": {
        Action.PIN_SET: "Zmiana PIN-u do płatności w internecie",
        Action.THREEDS_ACTIVATE: "Włączenie 3-D Secure dla karty *{last4}",
        Action.THREEDS_DEACTIVATE: "Wyłączenie 3-D Secure dla karty *{last4}",
        Action.LIMITS_LOWER: "Zmiana limitów karty *{last4}",
        Action.LOW_VALUE_ON: "Włączenie drobnych płatności bez kodu",
        Action.PHONE_CHANGE: "Zmiana telefonu na numer z końcówką {last4}",
        Action.PHONE_CONFIRM: "Kody do płatności na ten telefon",
        Action.LOGIN: "Logowanie do portalu kartowego",
        Action.PASSWORD_RESET: "Nowe hasło do portalu kartowego",
    },
    "en": {
        Action.PIN_SET: "Change of your PIN for online payments",
        Action.THREEDS_ACTIVATE: "Switching on 3-D Secure for card *{last4}",
        Action.THREEDS_DEACTIVATE: "Switching off 3-D Secure for card *{last4}",
        Action.LIMITS_LOWER: "Change of the limits of card *{last4}",
        Action.LOW_VALUE_ON: "Switching on small payments without a code",
        Action.PHONE_CHANGE: "Change of your phone to the number ending in {last4}",
        Action.PHONE_CONFIRM: "This phone will get the codes for your payments",
        Action.LOGIN: "Sign-in to the card portal",
        Action.PASSWORD_RESET: "New password for the card portal",
    },
    "de": {
        Action.PIN_SET: "Änderung Ihrer PIN für Online-Zahlungen",
        Action.THREEDS_ACTIVATE: "3-D Secure für Karte *{last4} einschalten",
        Action.THREEDS_DEACTIVATE: "3-D Secure für Karte *{last4} ausschalten",
        Action.LIMITS_LOWER: "Änderung der Limits der Karte *{last4}",
        Action.LOW_VALUE_ON: "Kleine Zahlungen ohne Code einschalten",
        Action.PHONE_CHANGE: "Neue Telefonnummer mit den Endziffern {last4}",
        Action.PHONE_CONFIRM: "Dieses Telefon erhält die Codes für Ihre Zahlungen",
        Action.LOGIN: "Anmeldung im Kartenportal",
        Action.PASSWORD_RESET: "Neues Passwort für das Kartenportal",
    },
    "uk": {
        Action.PIN_SET: "Зміна PIN-коду для онлайн-платежів",
        Action.THREEDS_ACTIVATE: "Увімкнення 3-D Secure для картки *{last4}",
        Action.THREEDS_DEACTIVATE: "Вимкнення 3-D Secure для картки *{last4}",
        Action.LIMITS_LOWER: "Зміна лімітів картки *{last4}",
        Action.LOW_VALUE_ON: "Увімкнення дрібних платежів без коду",
        Action.PHONE_CHANGE: "Зміна телефону на номер *{last4}",
        Action.PHONE_CONFIRM: "Коди для платежів на цей телефон",
        Action.LOGIN: "Вхід до порталу карток",
        Action.PASSWORD_RESET: "Новий пароль до порталу карток",
    },
}


def action_text(action: Action, language: str, last4: str) -> str:
    """Say what the code confirms; ``last4`` is the end of a card, or of a new phone's number."""
    return _WORDS[language][action].format(last4=last4)
