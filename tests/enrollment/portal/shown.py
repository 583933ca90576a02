"""Every page of the portal with ordinary things on it, drawn without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

from enrollment.activation import Enrolment
from enrollment.flows.belongings import OwnEvent, Preferences, TrustedMerchant
from enrollment.flows.clients import OwnCard
from enrollment.flows.limits import CardLimits
from enrollment.flows.phone_change import PhoneChange
from enrollment.model import CardStatus, EffectiveLimits, EnrolmentReason, EnrolmentState, Use
from enrollment.policy import EnrollmentPolicy
from enrollment.portal import cards, gate, own
from enrollment.portal.render import Bank, PortalPages, Words
from enrollment.portal.state import Flash, Pending, State
from enrollment.portal.visit import Page
from enrollment.store.cards import CardView
from enrollment.store.consents import Consent, ConsentText
from tests.records import replace

AT = datetime(2026, 11, 25, 16, 8, tzinfo=UTC)
ID = UUID("6f0b7c1e-5a43-4f0e-9a51-0d5d0c3f2b11")
OTHER = UUID("0e1d2c3b-4a59-4687-b7a6-95847362514f")
PAGES = PortalPages()
BANK = Bank(
    name="Bank Przykładowy",
    phone="+48 22 123 45 67",
    links={"chip_pin": "https://bank.example/pin", "wallet": "https://bank.example/wallet"},
)
STATE = State(seed="seed", made_at=AT)


def _card(card_id: UUID, last4: str, product: str, enrolment: Enrolment) -> OwnCard:
    view = CardView(
        card_id, "ref", ID, ID, last4, "2910", product, CardStatus.ACTIVE, enrolment, 1, "985"
    )
    limits = CardLimits(
        card_id,
        "PLN",
        EffectiveLimits(per_tx=1_000_000),
        EffectiveLimits(per_day=250_050),
        EffectiveLimits(per_tx=1_000_000, per_day=250_050, count_day=20),
        Use(day_amount=12_345, day_count=1, month_amount=98_765, month_count=7),
    )
    return OwnCard(view, limits, 3)


ON = _card(ID, "0694", "Visa President", Enrolment(EnrolmentState.ACTIVE))
OFF = _card(
    OTHER,
    "9161",
    "Karta zbliżeniowa Mastercard Banku Spółdzielczego w Białymstoku",
    Enrolment(EnrolmentState.SUSPENDED, EnrolmentReason.PIN_MISSING),
)
ZERO = replace(OFF, limits=replace(OFF.limits, effective=EffectiveLimits(per_tx=0)))
_SHA = bytes(32)


def _text(code: str, language: str) -> ConsentText:
    return ConsentText(code, 1, language, PAGES.text(f"consent_{code}", language) * 3, _SHA)


def _mask(own: OwnCard) -> str:
    return f"418039******{own.card.last4}"


def pages(language: str) -> dict[str, Page]:
    """Give every page by name; those of a signed-in client begin with "in"."""
    return {
        **_outside(language),
        **_inside(),
        **_consents(language),
        **_preferences(language),
    }


def _outside(language: str) -> dict[str, Page]:
    texts = [_text("sms_3ds", language), _text("terms", language)]
    return {
        "login": Page("login.html", "login_title"),
        "login code": Page("login_code.html", "login_code_title"),
        "forgot": Page("forgot.html", "forgot_title"),
        "forgot proof": Page("forgot_proof.html", "forgot_title"),
        "forgot password": Page("forgot_password.html", "forgot_title"),
        "register 1": Page("register_1.html", "register_title", {"step": 1, "asks_code": True}),
        "register 2": Page(
            "register_2.html",
            "register_title",
            {"step": 2, "mask": "+48 *** *** 761", "texts": texts},
        ),
        "register 3": Page(
            "register_3.html",
            "register_title",
            {"step": 3, "mask": "+48 *** *** 761", "sends_left": 1},
        ),
        "register 4": Page("register_4.html", "register_title", {"step": 4}),
        "register refused": Page(
            "register_end.html", "register_refused_title", {"text_id": "register_refused"}
        ),
        "message": Page("message.html", "message_forged_title", {"text_id": "message_forged"}, 403),
    }


def _inside() -> dict[str, Page]:
    pending = Pending("threeds.activate", ID, "+48 *** *** 761", AT, ID, "0694")
    set_pin = replace_action(pending, "pin.set")
    change = PhoneChange(ID, "+48 *** *** 762", AT, AT + timedelta(days=1))
    asked = PhoneChange(ID, "+48 *** *** 762", AT)
    limits = {
        "cards": [ON, ZERO], "amounts": cards.AMOUNTS, "counts": cards.COUNTS,
        "written": cards.written, "mask": _mask, "minor": True,
        "may_raise": False,
    }  # fmt: skip
    events = [
        OwnEvent(AT, "login.ok", "ok", "portal"),
        OwnEvent(AT, "step_up.failed", "refused", "portal"),
        OwnEvent(AT, "block.asked", "host_unavailable", "portal", "0694"),
        OwnEvent(AT, "threeds.activated", "ok", "portal", "0694"),
    ]
    return {
        "in cards": Page(
            "cards.html", "cards_title", {"cards": [ON, OFF], "mask": _mask, "joint": [OFF.card]}
        ),
        "in no cards": Page("cards.html", "cards_title", {"cards": [], "mask": _mask, "joint": []}),
        "in card": _one(can_block=True),
        "in card that the bank blocks": _one(can_block=False),
        "in card that is asked about": _one(can_block=True, is_asked=True),
        "in limits": Page("limits.html", "limits_title", limits),
        "in confirm": Page(
            "confirm.html",
            "confirm_title",
            {"pending": pending, "act": "0" * 64, "until": AT, "back": "/cards"},
        ),
        "in pin": Page("pin.html", "pin_title", {"pending": None, "least": 4, "most": 8}),
        "in pin code": Page("pin.html", "pin_title", {"pending": set_pin, "least": 4, "most": 8}),
        "in phone": Page(
            "phone.html",
            "phone_title",
            {"change": None, "asked": None, "present": "+48 *** *** 761"},
        ),
        "in phone code": Page(
            "phone.html", "phone_title", {"change": asked, "asked": "+48 *** *** 762"}
        ),
        "in phone waits": Page("phone.html", "phone_title", {"change": change, "asked": None}),
        "in withdraw": Page("withdraw.html", "withdraw_title", {"code": "sms_3ds"}),
        "in merchants": Page(
            "merchants.html",
            "merchants_title",
            {"merchants": [TrustedMerchant(ID, "Księgarnia Pod Lipą", AT)]},
        ),
        "in events": Page(
            "events.html", "events_title", {"events": events, "may_fail": own.MAY_FAIL}
        ),
        "in message": Page(
            "message.html", "message_not_found_title", {"text_id": "message_not_found"}, 404
        ),
        "in locked": Page("message.html", "locked_title", {"text_id": "locked_for_now"}),
        "in locked for good": Page("message.html", "locked_title", {"text_id": "locked_for_good"}),
        "in help": Page("help.html", "help_title", {"asks_code": True}),
    }


def _one(*, can_block: bool, is_asked: bool = False) -> Page:
    values = {
        "own": ON,
        "amounts": cards.AMOUNTS,
        "counts": cards.COUNTS,
        "mask": _mask,
        "minor": True,
        "may_raise": False,
        "can_block": can_block,
        "is_asked": is_asked,
    }
    return Page("card.html", "card_title", values, title_values={"last4": "0694"})


def _consents(language: str) -> dict[str, Page]:
    texts = [_text("sms_3ds", language), _text("terms", language)]
    given = Consent("sms_3ds", 1, language, _SHA, "given", AT, "portal", None)
    rows = {
        "in consents": [(texts[0], given), (texts[1], None)],
        "in consents to earlier words": [(replace(texts[0], version=2), given)],
    }
    return {
        name: Page("consents.html", "consents_title", {"rows": shown, "day": AT.date()})
        for name, shown in rows.items()
    }


def _preferences(language: str) -> dict[str, Page]:
    pending = Pending("low_value.on", ID, "+48 *** *** 761", AT)
    off, on = Preferences(language, low_value=False), Preferences(language, low_value=True)
    values = {"pending": pending, "act": "0" * 64, "until": AT, "back": "/preferences"}
    return {
        "in preferences": Page(
            "preferences.html", "preferences_title", {"preferences": off, "version": 1}
        ),
        "in preferences, small payments on": Page(
            "preferences.html", "preferences_title", {"preferences": on, "version": 2}
        ),
        "in confirm small payments": Page("confirm.html", "confirm_title", values),
    }


FAULTS: dict[str, tuple[str, Flash]] = {
    "login, wrong": ("login", Flash("identifier_empty", "error", field="identifier")),
    "login, over": ("login", Flash("over_idle", "info")),
    "register 2, unticked": (
        "register 2", Flash("consent_needed", "error", field="consent_sms_3ds")
    ),
    "register 4, short": ("register 4", Flash("refused_too_short", "error", field="password")),
    "in pin code, wrong": ("in pin code", Flash("refused_step_up_invalid", "error", field="code")),
    "in card, not known": ("in card", Flash("refused_host_unknown", "error")),
    "in cards, missing": ("in cards", Flash("missing_pin", "error")),
    "in cards, done": ("in cards", Flash("done_threeds_activate")),
}  # fmt: skip
"""Pages that say something: by name, the page and what it says."""


def replace_action(pending: Pending, action: str) -> Pending:
    """Give the same act under another name."""
    return Pending(action, pending.step_up_id, pending.phone_mask, pending.expires_at)


def draw(page: Page, language: str, flash: Flash | None = None, *, is_in: bool = False) -> bytes:
    """Draw a page as the gate does."""
    told = SimpleNamespace(policy=EnrollmentPolicy())
    ports = SimpleNamespace(pages=PAGES, bank=BANK, enrollment=told)
    state = State(seed="seed", made_at=AT, flash=flash)
    return gate.html_of(
        ports,  # type: ignore[arg-type]
        Words(PAGES, language),
        page,
        state,
        is_in=is_in,
        form="token",
    )


def everything(language: str) -> dict[str, bytes]:
    """Give every page and every page that says something, as HTML."""
    found = pages(language)
    plain = {
        name: draw(page, language, is_in=name.startswith("in ")) for name, page in found.items()
    }
    said = {
        name: draw(found[of], language, flash, is_in=of.startswith("in "))
        for name, (of, flash) in FAULTS.items()
    }
    return {**plain, **said}
