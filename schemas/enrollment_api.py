"""The enrolment API as tables: what its callers may say, and what they are answered.

Branch, core banking and the card portal use the same routes with other scopes. ``schemas.api``
reads bodies by these tables and ``schemas.openapi`` makes the published document from them.
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
    Remark,
    Route,
    Text,
    Whole,
    optional,
)

BODY_MAX: Final = 32 * 1024
REF_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
SCOPES: Final = (
    "person:write", "person:read", "card:enrol", "card:read", "card:status", "threeds:write",
    "limit:lower", "limit:raise", "consent:write", "phone:write", "pin:write", "block:clear",
    "portal",
)  # fmt: skip
PORTAL_SCOPE: Final = "portal"
LANGUAGES: Final = ("pl", "en", "de", "uk")
CARD_STATUSES: Final = (
    "active", "blocked_temp", "blocked_stolen", "blocked", "expired", "replaced", "closed",
)  # fmt: skip
CONSENT_CODES: Final = ("sms_3ds", "terms")
ACTIONS: Final = (
    "pin.set", "threeds.activate", "threeds.deactivate", "limits.lower", "phone.change",
    "low_value.on",
)  # fmt: skip

AMOUNT_MAX: Final = 10**15
COUNT_MAX: Final = 10**6
"""The most that a limit can be, wherever it is set."""

_AMOUNT = Nullable(Whole(0, AMOUNT_MAX))
_COUNT = Nullable(Whole(0, COUNT_MAX))
_REF = Text(64, pattern=REF_PATTERN)
_NAME = Text(64)
_EXP = Text(4, 4, r"[0-9]{2}(0[1-9]|1[0-2])")
_LAST4 = Text(4, 4, "[0-9]{4}")
PRODUCT: Final = Text(60)
_REASON = Remark(200)
_SHA256 = Text(64, 64, "[0-9a-f]{64}")

LIMIT_MEMBERS: Final = (
    optional("per_tx", _AMOUNT, "Most of one payment, minor units; 0 = off, null = not set"),
    optional("per_day", _AMOUNT, "Most of a calendar day of Europe/Warsaw"),
    optional("per_month", _AMOUNT, "Most of a calendar month of Europe/Warsaw"),
    optional("count_day", _COUNT, "How many payments a day"),
    optional("count_month", _COUNT, "How many payments a month"),
)
LIMITS: Final = Body("Limits", LIMIT_MEMBERS)
_USE = Body(
    "Use",
    (
        Member("day_amount", Whole(0, 10**18), "Used today, minor units"),
        Member("day_count", Whole(0, 10**9), "Payments today"),
        Member("month_amount", Whole(0, 10**18), "Used this month, minor units"),
        Member("month_count", Whole(0, 10**9), "Payments this month"),
    ),
)
STEP_UP: Final = Body(
    "StepUpProof",
    (
        Member("id", Id(), "The step-up that was asked for"),
        Member("code", Text(16), "The code from the message", secret=True),
    ),
)
_PROOF = optional("step_up", STEP_UP, "The code that confirms this very action")

PERSON_IN: Final = Body(
    "PersonIn",
    (
        Member("identifier", Text(40), "PESEL or the bank's non-resident number", secret=True),
        optional(
            "kind",
            OneOf(("natural", "corporate_user")),
            "Whose card use it is; left out = as it is, of a new person natural",
        ),
        optional(
            "language",
            OneOf(LANGUAGES),
            "Language of messages and pages; left out = as it is, of a new person pl; one that the "
            "client chose stays until another one comes than the bank said before",
        ),
        optional(
            "phone",
            Text(32),
            "Mobile number, E.164; one that the client put in use in the portal stays until "
            "another one comes than the bank said before",
            secret=True,
        ),
        optional(
            "birth_date",
            Text(10, 10, "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
            "Of whom no PESEL tells it; without it a person counts as of age",
            secret=True,
        ),
        optional(
            "minor_allowed",
            Flag(),
            "From 13 to 17 years 3-D Secure and the portal are open only if true; left out = as it "
            "is; under 13 never (422)",
        ),
    ),
)
PERSON: Final = Body(
    "Person",
    (
        Member("person_id", Id(), "Our id"),
        Member("ref", _REF, "The bank's reference"),
        Member("kind", OneOf(("natural", "corporate_user")), "Whose card use it is"),
        Member("status", OneOf(("known", "registered", "closed")), "Where the person stands"),
        Member("language", OneOf(LANGUAGES), "Language of messages and pages"),
        Member("phone_mask", Nullable(Text(24)), "The phone in use, masked"),
        Member("minor", Flag(), "Under 18 today, as far as the birth date is known"),
        Member("minor_allowed", Flag(), "Whether 3-D Secure is open to this person as a minor"),
    ),
)
PHONE_IN: Final = Body(
    "PhoneIn",
    (
        Member("phone", Text(32), "Mobile number, E.164", secret=True),
        optional("source", OneOf(("branch",)), "Who checked the person"),
    ),
)
_ROLE = Body(
    "Role",
    (
        Member("person_id", Id(), "A person of this API"),
        Member("role", OneOf(("owner", "co_owner", "proxy")), "What the person is to the account"),
    ),
)
ACCOUNT_IN: Final = Body(
    "AccountIn",
    (
        Member("currency", Text(3, 3, "[A-Z]{3}"), "ISO 4217 letters; never changes"),
        Member("people", ListOf(_ROLE, 50, 1), "Who has which role"),
        optional(
            "status",
            OneOf(("active", "closed")),
            "Closed: its cards are suspended; left out = as it is, of a new account active",
        ),
    ),
)
ACCOUNT: Final = Body(
    "Account",
    (
        Member("account_id", Id(), "Our id"),
        Member("ref", _REF, "The bank's reference"),
        Member("currency", Text(3, 3), "ISO 4217 letters"),
        Member("status", OneOf(("active", "closed")), "Where the account stands"),
        Member("people", ListOf(_ROLE, 50), "Who has which role"),
    ),
)
ACCOUNT_LIMITS: Final = Body(
    "AccountLimits",
    (
        Member("account_id", Id(), "Our id"),
        Member("currency", Text(3, 3), "ISO 4217 letters"),
        Member("limits", LIMITS, "What all cards of the account share"),
        Member("use", _USE, "Used in the current day and month"),
    ),
)
CARD_IN: Final = Body(
    "CardIn",
    (
        Member("pan", Text(19, 13, "[0-9]{13,19}"), "The card number", secret=True),
        Member("exp", _EXP, "Expiry, YYMM"),
        Member("product", PRODUCT, "The card product"),
        Member("person_id", Id(), "The holder"),
        Member("account_id", Id(), "The account"),
    ),
)
_THREEDS = Body(
    "ThreeDS",
    (
        Member(
            "state",
            OneOf(("none", "eligible", "active", "suspended", "removed")),
            "Whether 3-D Secure is on",
        ),
        Member("reason", Nullable(Text(40)), "Why not"),
    ),
)
_CARD_LIMITS = (
    Member("branch", LIMITS, "Set by the branch"),
    Member("client", LIMITS, "Set by the client"),
    Member(
        "effective",
        LIMITS,
        "What counts: the least of all levels, the account's included; half of it while a new "
        "phone of the holder waits to take over",
    ),
    Member("use", _USE, "Used in the current day and month"),
)
CARD_MEMBERS: Final = (
    Member("card_id", Id(), "Our id"),
    Member("ref", _REF, "The bank's reference"),
    Member("account_id", Id(), "The account"),
    Member("person_id", Id(), "The holder"),
    Member("last4", _LAST4, "The last four digits"),
    Member("exp", Nullable(_EXP), "Expiry, YYMM"),
    Member("product", PRODUCT, "The card product"),
    Member("status", OneOf(CARD_STATUSES), "What the host says"),
    Member("threeds", _THREEDS, "3-D Secure of this card"),
)
CARD: Final = Body("Card", CARD_MEMBERS)
CARD_LIMITS: Final = Body(
    "CardLimits",
    (
        Member("card_id", Id(), "Our id"),
        Member("currency", Text(3, 3), "ISO 4217 letters"),
        *_CARD_LIMITS,
    ),
)
CARD_FULL: Final = Body(
    "CardWithLimits", (*CARD_MEMBERS, Member("limits", CARD_LIMITS, "Its limits"))
)
STATUS_IN: Final = Body(
    "CardStatusIn",
    (
        Member("status", OneOf(CARD_STATUSES), "What the card is from now on"),
        optional("reason", _REASON, "Why, for the audit log; long numbers in it are starred"),
        optional("replaced_by", Id(), "The card that follows a replaced one; may be told later"),
        optional(
            "effective",
            Moment(),
            "Since when; not in the future, but for 5 s by which clocks may differ",
        ),
    ),
)
_DECLARATION = Body(
    "Declaration",
    (
        Member("code", OneOf(CONSENT_CODES), "Which declaration"),
        Member("version", Whole(1, 10**6), "The version that was shown"),
        Member("language", OneOf(LANGUAGES), "The language that was shown"),
        Member("accepted", Flag(), "The client's answer"),
        optional("text_sha256", _SHA256, "Of the bytes shown, to be compared"),
    ),
)
CONSENTS_IN: Final = Body(
    "ConsentsIn",
    (Member("consents", ListOf(_DECLARATION, 10, 1), "Answers, all or none are kept"),),
)
TEXTS: Final = ListOf(
    Body(
        "ConsentText",
        (
            Member("code", OneOf(CONSENT_CODES), "Which declaration"),
            Member("version", Whole(1, 10**6), "Its current version"),
            Member("language", OneOf(LANGUAGES), "Its language"),
            Member("body", Text(20000), "The exact words to show"),
            Member("text_sha256", _SHA256, "SHA-256 of the words in UTF-8"),
        ),
    ),
    40,
)
CONSENTS: Final = Body(
    "Consents",
    (
        Member(
            "consents",
            ListOf(
                Body(
                    "Consent",
                    (
                        Member("code", OneOf(CONSENT_CODES), "Which declaration"),
                        Member("version", Whole(1, 10**6), "Of which text"),
                        Member("language", OneOf(LANGUAGES), "In which language"),
                        Member("act", OneOf(("given", "refused", "withdrawn")), "Newest act"),
                        Member("at", Moment(), "When"),
                    ),
                ),
                10,
            ),
            "The newest declaration to each code",
        ),
        Member(
            "texts",
            TEXTS,
            "The texts to show now",
        ),
    ),
)
_PIN_TEXT = Text(16)
PIN_IN: Final = Body(
    "PinIn",
    (
        Member("pin", _PIN_TEXT, "The new PIN for internet payments", secret=True),
        Member("repeat", _PIN_TEXT, "The same again", secret=True),
        _PROOF,
    ),
)
THREEDS_IN: Final = Body(
    "ThreeDSIn",
    (Member("wish", OneOf(("activate", "deactivate")), "On or off"), _PROOF),
)
OWN_LIMITS_IN: Final = Body("OwnLimitsIn", (*LIMIT_MEMBERS, _PROOF))
_SEEN_CARD = (
    Member("card_id", Id(), "Our id"),
    Member("mask", Text(24), "The number, masked"),
    Member("last4", _LAST4, "The last four digits"),
    Member("exp", Nullable(_EXP), "Expiry, YYMM"),
    Member("product", PRODUCT, "The card product"),
    Member("status", OneOf(CARD_STATUSES), "What the host says"),
    Member("threeds", _THREEDS, "3-D Secure of this card"),
)
OWN_CARDS: Final = Body(
    "OwnCards",
    (
        Member(
            "cards",
            ListOf(
                Body("OwnCard", (*_SEEN_CARD, Member("limits", CARD_LIMITS, "Its limits"))),
                1000,
            ),
            "Own cards",
        ),
        Member(
            "joint_cards",
            ListOf(Body("JointCard", _SEEN_CARD), 1000),
            "Co-owners' cards on accounts the client owns, to be seen only; empty unless set so",
        ),
        Member("minor", Flag(), "Under 18: limits are raised by the guardian, in a branch"),
    ),
)
STEP_UP_IN: Final = Body(
    "StepUpIn",
    (
        Member("action", OneOf(ACTIONS), "What the code shall confirm"),
        optional(
            "parameters",
            Body(
                "StepUpParameters",
                (
                    optional("card_id", Id(), "Which card"),
                    optional("phone", Text(32), "Which new phone, E.164", secret=True),
                    *LIMIT_MEMBERS,
                ),
            ),
            "What the action depends on: the card of what is done to a card, the limits of "
            "limits.lower, the number of phone.change; the same as in the call that follows",
        ),
    ),
)
STEP_UP_OUT: Final = Body(
    "StepUp",
    (
        Member("step_up_id", Id(), "To be sent with the code"),
        Member("phone_mask", Text(24), "Where the code goes"),
        Member("expires_at", Moment(), "Until when the code is good"),
    ),
)
NOTHING: Final = Body("Nothing", ())
ERROR: Final = Body(
    "Problem",
    (
        Member("type", Text(200), "about:blank, or a page about the code"),
        Member("title", Text(200), "A short text for people who read logs"),
        Member("status", Whole(400, 599), "The HTTP status"),
        Member(
            "error",
            Body(
                "ProblemError",
                (
                    Member("code", _NAME, "A stable word for the reason"),
                    Member("message_key", _NAME, "The id of a text to show"),
                    optional("field", Text(100), "Which member it is about"),
                    optional("retry_after", Whole(0, 10**7), "Seconds to wait"),
                    optional("missing", ListOf(_NAME, 10), "What is to be done first"),
                    optional("scope", _NAME, "Which scope the token lacks"),
                ),
            ),
            "The reason",
        ),
    ),
)

ROUTES: Final = (
    Route(
        "put_person", "PUT", "/v1/persons/{ref}", "Make a person or bring it up to date",
        ("person:write",), PERSON, PERSON_IN, (200, 201), (409, 412, 422),
    ),
    Route(
        "put_phone", "PUT", "/v1/persons/{id}/phone",
        "Change a phone after a check of identity; its ETag is the person's",
        ("phone:write",), PERSON, PHONE_IN, (200,), (404, 409, 412, 422), of_bank=True,
    ),
    Route(
        "put_account", "PUT", "/v1/accounts/{ref}", "Make an account or bring it up to date",
        ("card:enrol",), ACCOUNT, ACCOUNT_IN, (200, 201), (409, 412, 422),
    ),
    Route(
        "put_card", "PUT", "/v1/cards/{ref}", "Make a card or bring it up to date",
        ("card:enrol",), CARD, CARD_IN, (200, 201), (409, 412, 422),
    ),
    Route(
        "get_card", "GET", "/v1/cards/{id}", "Show a card with its limits",
        ("card:read",), CARD_FULL, None, (200,), (404,),
    ),
    Route(
        "set_card_status", "POST", "/v1/cards/{id}/status", "Follow the host's word on a card",
        ("card:status",), CARD, STATUS_IN, (200,), (404, 409, 422),
    ),
    Route(
        "get_account_limits", "GET", "/v1/accounts/{id}/limits", "Show an account's limits",
        ("card:read", "limit:raise"), ACCOUNT_LIMITS, None, (200,), (404,),
    ),
    Route(
        "put_account_limits", "PUT", "/v1/accounts/{id}/limits", "Set an account's limits",
        ("limit:raise",), ACCOUNT_LIMITS, LIMITS, (200,), (404, 412),
    ),
    Route(
        "get_card_limits", "GET", "/v1/cards/{id}/limits", "Show a card's limits, level by level",
        ("card:read", "limit:raise"), CARD_LIMITS, None, (200,), (404,),
    ),
    Route(
        "put_card_limits", "PUT", "/v1/cards/{id}/limits",
        "Set the branch's limits of a card; what the client lowered stays lower",
        ("limit:raise",), CARD_LIMITS, LIMITS, (200,), (404, 412),
    ),
    Route(
        "lift_client_limits", "DELETE", "/v1/cards/{id}/limits/client",
        "Take away what the client lowered, when the client asks for it in a branch",
        ("limit:raise",), CARD_LIMITS, None, (200,), (404,),
    ),
    Route(
        "get_own_consents", "GET", "/v1/me/consents", "Show consents and current texts",
        ("consent:write",), CONSENTS, None, (200,), (404,), of_person=True,
    ),
    Route(
        "post_own_consents", "POST", "/v1/me/consents", "Keep a client's declarations",
        ("consent:write",), CONSENTS, CONSENTS_IN, (201,), (404, 409, 422), of_person=True,
    ),
    Route(
        "withdraw_own_consent", "DELETE", "/v1/me/consents/{code}", "Withdraw a consent",
        ("consent:write",), CONSENTS, None, (200,), (404, 409), of_person=True,
    ),
    Route(
        "put_own_pin", "PUT", "/v1/me/pin", "Set the PIN for internet payments",
        ("pin:write",), NOTHING, PIN_IN, (200,), (404, 422, 423), of_person=True,
    ),
    Route(
        "get_own_cards", "GET", "/v1/me/cards", "Show a client's own cards",
        ("card:read",), OWN_CARDS, None, (200,), (404,), of_person=True,
    ),
    Route(
        "switch_own_threeds", "POST", "/v1/me/cards/{id}/threeds", "Switch 3-D Secure on or off",
        ("threeds:write",), CARD, THREEDS_IN, (200,), (404, 409, 423), of_person=True,
    ),
    Route(
        "get_own_limits", "GET", "/v1/me/cards/{id}/limits", "Show the limits of an own card",
        ("card:read",), CARD_LIMITS, None, (200,), (404,), of_person=True,
    ),
    Route(
        "lower_own_limits", "PUT", "/v1/me/cards/{id}/limits", "Lower the limits of an own card",
        ("limit:lower",), CARD_LIMITS, OWN_LIMITS_IN, (200,), (404, 412, 423),
        of_person=True,
    ),
    Route(
        "post_own_step_up", "POST", "/v1/me/step-ups", "Send a code that confirms one action",
        ("pin:write", "threeds:write", "limit:lower", "phone:write", "consent:write"),
        STEP_UP_OUT, STEP_UP_IN, (202,),
        (404, 409, 422, 423), of_person=True,
    ),
)  # fmt: skip
