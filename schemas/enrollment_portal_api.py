"""The part of the enrolment API that lets a client in: registration, login, and what is theirs.

The portal calls with its service token (scope ``portal`` or that of the act). Once a client has
logged in, the header ``Portal-Session`` carries the session's token beside it and stands for
``act.person_id``. The header ``Portal-Client-Address`` carries the client's address, which is what
the limits per address count.
"""

from __future__ import annotations

from typing import Final

from schemas.api import (
    Body,
    Flag,
    Id,
    ListOf,
    Member,
    Moment,
    Nullable,
    OneOf,
    Route,
    Text,
    Whole,
    optional,
)
from schemas.enrollment_api import (
    CARD,
    CONSENTS_IN,
    LANGUAGES,
    NOTHING,
    PORTAL_SCOPE,
    ROUTES,
    STEP_UP,
    TEXTS,
)

REGISTRATION_STATES: Final = ("started", "consented", "sms_sent", "sms_ok")
BLOCK_WISHES: Final = ("temporary", "permanent")

_MASK = Text(24)
_TYPED = Text(1000)
_TOKEN = Text(64, 1, "[A-Za-z0-9_-]+")
_IDENTIFIER = Member("identifier", Text(40), "PESEL or the bank's own number", secret=True)
_PASSWORDS = (
    Member("password", _TYPED, "The new password", secret=True),
    Member("repeat", _TYPED, "The same again", secret=True),
)
_LIMITED = Member("expires_at", Moment(), "Until when")

ACTIVATION_CODE: Final = Body(
    "ActivationCode",
    (
        Member("code", Text(20), "To be handed over; it is shown once"),
        Member("expires_at", Moment(), "Until when it is good"),
    ),
)
REGISTRATION_IN: Final = Body(
    "RegistrationIn",
    (
        _IDENTIFIER,
        optional("activation_code", Text(60), "The code from the branch", secret=True),
    ),
)
REGISTRATION: Final = Body(
    "Registration",
    (
        Member("registration_id", Id(), "Of this registration"),
        Member("state", OneOf(REGISTRATION_STATES), "Which step was taken last"),
        Member("phone_mask", _MASK, "Where the message goes, masked"),
        Member("sends_left", Whole(0, 100), "How many messages may still be asked for"),
        Member("expires_at", Moment(), "When the registration ends by itself"),
        Member("texts", TEXTS, "The texts to show and to have accepted"),
    ),
)
SENT: Final = Body(
    "RegistrationSms",
    (
        Member("sends_left", Whole(0, 100), "How many messages may still be asked for"),
        Member("expires_at", Moment(), "Until when the password by SMS is good"),
    ),
)
VERIFY_IN: Final = Body(
    "RegistrationVerifyIn",
    (Member("sms_password", Text(60), "The password from the message", secret=True),),
)
PROVED: Final = Body(
    "Proved",
    (
        Member("token", _TOKEN, "To be sent with the new password, from the same browser"),
        Member("expires_at", Moment(), "Until when the password has to be set"),
    ),
)
PASSWORD_IN: Final = Body(
    "PasswordIn",
    (Member("token", _TOKEN, "From the step before", secret=True), *_PASSWORDS),
)
LOGIN_IN: Final = Body(
    "LoginIn", (_IDENTIFIER, Member("password", _TYPED, "The password", secret=True))
)
LOGIN: Final = Body("Login", (Member("login_id", Id(), "Of this login"), _LIMITED))
CODE_IN: Final = Body("CodeIn", (Member("code", Text(40), "From the message", secret=True),))
SESSION: Final = Body(
    "Session",
    (
        Member("session", _TOKEN, "For the header Portal-Session; it is shown once"),
        Member("idle_until", Moment(), "When it ends unless something is done"),
        Member("expires_at", Moment(), "When it ends whatever is done"),
    ),
)
RESET_IN: Final = Body("PasswordResetIn", (_IDENTIFIER,))
RESET: Final = Body("PasswordReset", (Member("reset_id", Id(), "Of this reset"), _LIMITED))
RESET_PROOF_IN: Final = Body(
    "PasswordResetProofIn",
    (
        Member("pin", Text(40), "The PIN for internet payments", secret=True),
        Member("code", Text(40), "From the message", secret=True),
    ),
)
_PROOF = optional("step_up", STEP_UP, "The code that confirms this very action")
OWN_PHONE_IN: Final = Body(
    "OwnPhoneIn", (Member("phone", Text(32), "The new number, E.164", secret=True), _PROOF)
)
OWN_PHONE: Final = Body(
    "PhoneChange",
    (
        Member("change_id", Nullable(Id()), "Of the change; null = none is under way"),
        Member("phone_mask", Nullable(_MASK), "The new phone, masked"),
        Member("active_at", Nullable(Moment()), "When it takes over; null = not confirmed yet"),
    ),
)
OWN_PHONE_CONFIRM_IN: Final = Body(
    "PhoneConfirmIn",
    (
        Member("change_id", Id(), "Of the change"),
        Member("code", Text(40), "From the message to the new phone", secret=True),
    ),
)
MERCHANTS: Final = Body(
    "TrustedMerchants",
    (
        Member(
            "merchants",
            ListOf(
                Body(
                    "TrustedMerchant",
                    (
                        Member("merchant_id", Id(), "Our id"),
                        Member("name", Text(40), "The merchant's name"),
                        Member("added_at", Moment(), "Since when"),
                    ),
                ),
                1000,
            ),
            "Newest first",
        ),
    ),
)
PREFERENCES: Final = Body(
    "Preferences",
    (
        Member("language", OneOf(LANGUAGES), "Of pages and messages"),
        Member("low_value", Flag(), "Small payments without a code"),
    ),
)
PREFERENCES_IN: Final = Body("PreferencesIn", (*PREFERENCES.members, _PROOF))
BLOCK_IN: Final = Body(
    "CardBlockIn", (Member("wish", OneOf(BLOCK_WISHES), "For a while, or for good"),)
)
EVENTS: Final = Body(
    "OwnEvents",
    (
        Member(
            "events",
            ListOf(
                Body(
                    "OwnEvent",
                    (
                        Member("at", Moment(), "When"),
                        Member("name", Text(60), "What happened, a stable word"),
                        Member("outcome", Text(60), "ok, or what came of it"),
                        Member("channel", Text(20, 0), "Where"),
                        Member("card_last4", Nullable(Text(4)), "Of which card"),
                        Member("about", Nullable(Text(60)), "A consent, or what a code was for"),
                    ),
                ),
                1000,
            ),
            "The last 90 days, newest first",
        ),
    ),
)

_PORTAL: Final = (PORTAL_SCOPE,)
PORTAL_ROUTES: Final = (
    Route(
        "post_activation_code", "POST", "/v1/persons/{id}/activation-codes",
        "Make the code that a branch hands to a client", ("person:write",), ACTIVATION_CODE, None,
        (201,), (404, 409, 422),
    ),
    Route(
        "post_registration", "POST", "/v1/registrations", "Begin a registration", _PORTAL,
        REGISTRATION, REGISTRATION_IN, (201,), (422,), is_paced=True,
    ),
    Route(
        "get_registration", "GET", "/v1/registrations/{id}", "Show a registration", _PORTAL,
        REGISTRATION, None, (200,), (404, 410), is_paced=True,
    ),
    Route(
        "cancel_registration", "DELETE", "/v1/registrations/{id}", "End a registration", _PORTAL,
        NOTHING, None, (200,), (404, 410), is_paced=True,
    ),
    Route(
        "post_registration_consents", "POST", "/v1/registrations/{id}/consents",
        "Accept the texts of a registration", _PORTAL, REGISTRATION, CONSENTS_IN, (200,),
        (404, 409, 410, 422), is_paced=True,
    ),
    Route(
        "dispute_registration_phone", "POST", "/v1/registrations/{id}/phone-dispute",
        "Say that the phone is not one's own", _PORTAL, NOTHING, None, (200,), (404, 410),
        is_paced=True,
    ),
    Route(
        "post_registration_sms", "POST", "/v1/registrations/{id}/sms",
        "Send the first password", _PORTAL, SENT, None, (202,), (404, 409, 410), is_paced=True,
    ),
    Route(
        "verify_registration", "POST", "/v1/registrations/{id}/verify",
        "Enter the password from the message", _PORTAL, PROVED, VERIFY_IN, (200,),
        (404, 409, 410), is_paced=True,
    ),
    Route(
        "put_registration_password", "POST", "/v1/registrations/{id}/password",
        "Set the client's own password", _PORTAL, NOTHING, PASSWORD_IN, (200,),
        (404, 409, 410, 422), is_paced=True,
    ),
    Route(
        "post_login", "POST", "/v1/logins", "Enter number and password", _PORTAL, LOGIN, LOGIN_IN,
        (201,), (422,), is_paced=True,
    ),
    Route(
        "post_login_code", "POST", "/v1/logins/{id}/sms", "Enter the code and open a session",
        _PORTAL, SESSION, CODE_IN, (201,), (404, 423), is_paced=True,
    ),
    Route(
        "delete_session", "DELETE", "/v1/session", "Log out", _PORTAL, NOTHING, None,
        of_session=True,
    ),
    Route(
        "post_password_reset", "POST", "/v1/password-resets", "Ask for a new password", _PORTAL,
        RESET, RESET_IN, (201,), (422,), is_paced=True,
    ),
    Route(
        "prove_password_reset", "POST", "/v1/password-resets/{id}/proof",
        "Enter PIN and code", _PORTAL, PROVED, RESET_PROOF_IN, (200,), (404,), is_paced=True,
    ),
    Route(
        "finish_password_reset", "POST", "/v1/password-resets/{id}/password",
        "Set the new password", _PORTAL, NOTHING, PASSWORD_IN, (200,),
        (404, 410, 422), is_paced=True,
    ),
    Route(
        "get_own_phone", "GET", "/v1/me/phone", "Show the change of phone under way",
        ("phone:write",), OWN_PHONE, None, (200,), (404,), of_person=True,
    ),
    Route(
        "post_own_phone", "POST", "/v1/me/phone", "Change the phone, confirmed on the old one",
        ("phone:write",), OWN_PHONE, OWN_PHONE_IN, (202,), (404, 409, 422, 423), of_person=True,
    ),
    Route(
        "confirm_own_phone", "POST", "/v1/me/phone/confirm", "Confirm it on the new phone",
        ("phone:write",), OWN_PHONE, OWN_PHONE_CONFIRM_IN, (200,), (404, 409, 423),
        of_person=True,
    ),
    Route(
        "cancel_own_phone", "DELETE", "/v1/me/phone", "Keep the old phone", ("phone:write",),
        NOTHING, None, (200,), (404,), of_person=True,
    ),
    Route(
        "get_own_merchants", "GET", "/v1/me/trusted-merchants", "Show trusted merchants",
        ("person:read",), MERCHANTS, None, (200,), (404,), of_person=True,
    ),
    Route(
        "delete_own_merchant", "DELETE", "/v1/me/trusted-merchants/{id}",
        "Trust a merchant no longer", ("consent:write",), NOTHING, None, (200,), (404,),
        of_person=True,
    ),
    Route(
        "get_own_preferences", "GET", "/v1/me/preferences", "Show preferences", ("person:read",),
        PREFERENCES, None, (200,), (404,), of_person=True,
    ),
    Route(
        "put_own_preferences", "PUT", "/v1/me/preferences", "Change preferences",
        ("consent:write",), PREFERENCES, PREFERENCES_IN, (200,), (404, 412, 423), of_person=True,
    ),
    Route(
        "block_own_card", "POST", "/v1/me/cards/{id}/block", "Have the host block an own card",
        ("threeds:write",), CARD, BLOCK_IN, (200,), (404, 409, 502, 504), of_person=True,
    ),
    Route(
        "get_own_events", "GET", "/v1/me/events", "Show own security events", ("person:read",),
        EVENTS, None, (200,), (404,), of_person=True,
    ),
)  # fmt: skip
ALL_ROUTES: Final = (*ROUTES, *PORTAL_ROUTES)
"""Every route of the API: those of the bank's systems and of the portal."""
