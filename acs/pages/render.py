"""Screens to HTML.

``Pages`` is made once at start: it reads templates, texts and static files, and after that draws
from memory without touching the disk.

Laws:
- Every value is escaped (autoescape everywhere); an unknown name in a template is an error, not
  an empty place.
- No inline script, no inline style, no other host: a page needs nothing but its own origin.
- A page works without script and without cookies.
- The same screen gives the same bytes: nothing here depends on the clock or on chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from acs.challenge.screens import (
    CodeScreen,
    ErrorScreen,
    Notice,
    RetryScreen,
    ReturnScreen,
    Screen,
)
from acs.pages import themes
from acs.pages.headers import FORM_NOWHERE, FORM_TO_US, form_action_of, page_headers
from acs.pages.names import shown_name
from schemas.amounts import amount_text
from schemas.dates import moment_text
from schemas.static_files import StaticFile, load_static
from schemas.texts import choose_language, load_catalogues, unbroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from jinja2 import Template

    from acs.challenge.screens import Brand
    from acs.pages.gallery import Sheet
    from acs.pages.themes import Theme

_HERE: Final = Path(__file__).parent
_ZONE: Final = ZoneInfo("Europe/Warsaw")
"""Cardholders read times on the bank's clock."""

LANGUAGES: Final = tuple(sorted(path.parent.name for path in _HERE.glob("locale/*/pages.po")))
"""What pages exist in."""

_BANK_DEFAULT: Final = "pl"

_TIME_PATTERN: Final = "HH:mm"
_SECONDS_PATTERN: Final = "HH:mm:ss"

WARNED_S: Final = 60
"""How long before its end the page warns; 20 s are the least [WCAG 2.2, 2.2.1]."""

_SCHEMES: Final = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "diners": "Diners Club",
    "discover": "Discover",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: UTF-8 HTML and every header that goes with it."""

    html: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What stands at the top of a page: files by the addresses they are loaded from."""

    issuer_name: str
    issuer_phone: str
    logo: str
    logo_dark: str | None
    needs_plate: bool
    says_name: bool
    scheme_name: str
    scheme_mark: str


@dataclass(frozen=True, slots=True)
class _Notice:
    text: str
    tone: str
    role: str
    marks_pin: bool
    marks_code: bool


class Pages:
    """Draws screens; holds templates, texts, themes and static files in memory."""

    def __init__(self, own_themes: Iterable[Theme] = ()) -> None:
        """Read everything; raise ValueError if the catalogues disagree."""
        self._catalogues = load_catalogues(_HERE / "locale")
        self._static = load_static(_HERE / "static")
        self._themes = {themes.BUILT_IN: themes.built_in()}
        for theme in own_themes:
            self._themes[theme.name] = theme
            self._static.update(theme.files)
        self._templates = self._compile()
        for language in self._catalogues:
            # Loads the locale's data now rather than in the middle of the first request.
            Locale.parse(language).months  # noqa: B018

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that pages exist in."""
        return tuple(self._catalogues)

    @property
    def static_files(self) -> Mapping[str, StaticFile]:
        """The files to serve under ``static/``, by name."""
        return self._static

    def choose_language(self, card: str | None, browser: str | None, default: str) -> str:
        """Choose the card's language, else the browser's tag or list, else the default."""
        return choose_language(card, browser, default, self._catalogues)

    def text(self, text_id: str, language: str, **values: object) -> str:
        """Give a text as plain text; an unknown id, language or missing value is a KeyError."""
        return self._catalogues[language][text_id].format(**values)

    def render(self, screen: Screen) -> Page:
        """Draw a screen.

        Raises ValueError when a ReturnScreen's notification URL is not absolute http or https:
        such a URL never becomes the action of a form.
        """
        match screen:
            case CodeScreen():
                template = "cancel.html" if screen.asks_cancel else "code.html"
                return self._page(template, screen, FORM_TO_US, self._code_values(screen))
            case RetryScreen():
                return self._page("retry.html", screen, FORM_TO_US, {})
            case ReturnScreen():
                targets = form_action_of(screen.notification_url)
                values: dict[str, object] = {"title_id": f"return_title_{screen.outcome}"}
                return self._page("return.html", screen, targets, values)
            case ErrorScreen():
                # Unknown and expired give the same bytes: identifiers cannot be tried out.
                gone = screen.text_id in {"unknown", "expired"}
                values = {"text_id": "error_gone" if gone else f"error_{screen.text_id}"}
                return self._page("error.html", screen, FORM_NOWHERE, values)
            case _:
                assert_never(screen)

    def method_page(self, request: str, notification_url: str | None, notification: str) -> Page:
        """Draw the hidden frame of a 3DS Method; without an address it goes nowhere at its end.

        ``request`` is threeDSMethodData as it came, for the page's script to name it. Raises
        ValueError when the address is not absolute http or https.
        """
        targets = FORM_NOWHERE if notification_url is None else form_action_of(notification_url)
        html = self._templates["method.html"].render(
            request=request, notification_url=notification_url, notification=notification
        )
        return Page(html.encode(), page_headers(targets, posts_itself=True))

    def blank_page(self) -> Page:
        """Draw the page that shows and does nothing."""
        return Page(self._templates["blank.html"].render().encode(), page_headers(FORM_NOWHERE))

    def gallery_page(
        self, sheet: Sheet | None, sheets: list[Sheet], sizes: Mapping[str, tuple[int, int]]
    ) -> bytes:
        """Draw a page of frames, or with None the way to them; neither is ever served."""
        html = self._templates["gallery.html"].render(sheet=sheet, sheets=sheets, sizes=sizes)
        return html.encode()

    def _compile(self) -> dict[str, Template]:
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals["static"] = lambda name: self._static[name].address
        return {name: environment.get_template(name) for name in environment.list_templates()}

    def _page(
        self, template: str, screen: Screen, form_action: str, values: dict[str, object]
    ) -> Page:
        language = self._language_of(screen)
        brand = getattr(screen, "brand", None)
        theme = self._theme_of(brand)

        def t(text_id: str, **given: object) -> str:
            return self.text(text_id, language, **given)

        html = self._templates[template].render(
            screen=screen,
            language=language,
            direction=Locale.parse(language).text_direction,
            sheet=self._static[theme.sheet].address,
            marks=None if brand is None else self._marks(theme, brand),
            own_help=theme.help.get(language),
            t=t,
            **values,
        )
        return Page(html=html.encode(), headers=page_headers(form_action))

    def _language_of(self, screen: Screen) -> str:
        return self.choose_language(screen.language, None, _BANK_DEFAULT)

    def _theme_of(self, brand: Brand | None) -> Theme:
        """Give the theme a brand names; without one, or when it is unknown, the built-in."""
        named = themes.BUILT_IN if brand is None else brand.theme
        return self._themes.get(named) or self._themes[themes.BUILT_IN]

    def _marks(self, theme: Theme, brand: Brand) -> _Marks:
        known = _SCHEMES.get(brand.scheme.lower())
        dark = theme.logo_dark
        return _Marks(
            issuer_name=theme.issuer_name or brand.issuer_name,
            issuer_phone=unbroken(theme.issuer_phone or brand.issuer_phone),
            logo=self._static[theme.logo].address,
            logo_dark=None if dark is None else self._static[dark].address,
            needs_plate=theme.needs_plate,
            says_name=theme.says_name,
            scheme_name=known or brand.scheme,
            # A scheme without a mark of its own is named by its word beside a plain card.
            scheme_mark=self._static[f"{brand.scheme.lower() if known else 'card'}.svg"].address,
        )

    def _marked_text(self, text_id: str, language: str, **values: object) -> Markup:
        """Give a text as HTML; values that are no Markup are escaped."""
        return Markup(escape(self._catalogues[language][text_id])).format(**values)  # noqa: S704

    def _code_values(self, screen: CodeScreen) -> dict[str, Any]:
        language = self._language_of(screen)
        is_payment = screen.amount is not None
        suffix = "" if is_payment else "_no_amount"
        title = self.text("title_add_card" if screen.adds_card else f"title{suffix}", language)
        notice = self._notice(screen, language)
        sent_to = self._sent_to(screen, language)
        failed = notice is not None and notice.tone == "error"
        described_by = [
            *(["notice"] if notice is not None else []),
            *(["sent"] if sent_to is not None else []),
        ]
        return {
            "title": title,
            "document_title": self.text("title_problem", language, title=title)
            if failed
            else title,
            "amount": _amount(screen, language),
            "merchant_label": f"merchant_label{suffix}",
            "suffix": suffix,
            "merchant": shown_name(screen.merchant),
            "purchase_at": moment_text(screen.purchase_at, _ZONE, language),
            "purchase_iso": screen.purchase_at.isoformat(timespec="seconds"),
            "notice": notice,
            "code_label": self.text("code_label", language)
            if screen.code_number <= 1
            else self.text("code_label_number", language, n=screen.code_number),
            "code_described_by": " ".join(described_by),
            "sent_to": sent_to,
            "resend_hint": self._resend_hint(screen, language),
            "resend_wait_s": 0 if screen.resend.allowed else screen.resend.wait_s,
            "attempts_hint": _attempts_hint_id(screen),
            "time_hint": "time_until" if screen.time_left.may_extend else "time_until_last",
            "time_until": _local(screen.time_left.ends_at, _TIME_PATTERN, language),
            "time_warning": "time_warning" if screen.time_left.may_extend else "time_warning_last",
            "warned_s": WARNED_S,
            "help": _help(screen),
            "other_languages": [
                (code, self.text("language_name", code))
                for code in screen.languages
                if code in self._catalogues and code != language
            ],
        }

    def _notice(self, screen: CodeScreen, language: str) -> _Notice | None:
        if screen.notice is None:
            return None
        text = self.text(
            _notice_text_id(screen),
            language,
            left=screen.attempts_left,
            s=max(1, screen.resend.wait_s),
            time=_local(screen.time_left.ends_at, _TIME_PATTERN, language),
        )
        good = screen.notice in {Notice.CODE_SENT, Notice.EXTENDED}
        patient = screen.notice in _PATIENT
        return _Notice(
            text=text,
            tone="good" if good else "info" if patient else "error",
            role="status" if good else "alert",
            # A wrong answer marks all fields alike: which of them was wrong is never told.
            marks_pin=screen.notice in {Notice.WRONG, Notice.PIN_FORMAT},
            marks_code=screen.notice in {Notice.WRONG, Notice.CODE_EMPTY, Notice.CODE_FORMAT},
        )

    def _sent_to(self, screen: CodeScreen, language: str) -> Markup | None:
        if screen.sent_at is None or not screen.code_live:
            return None
        time = _local(screen.sent_at, _TIME_PATTERN, language)
        phone = _number(screen.phone_mask)
        if screen.expires_at is None:
            return self._marked_text("sent_to_no_end", language, time=time, phone=phone)
        until = _local(screen.expires_at, _TIME_PATTERN, language)
        return self._marked_text("sent_to", language, time=time, phone=phone, until=until)

    def _resend_hint(self, screen: CodeScreen, language: str) -> str | None:
        if screen.resend.left <= 0:
            suffix = "" if screen.amount is not None else "_no_amount"
            return self.text(f"resend_none_left{suffix}", language)
        if screen.resend.allowed or screen.resend.wait_s <= 0:
            return None
        if screen.resend.ready_at is None:
            return self.text("resend_wait", language, s=screen.resend.wait_s)
        # Without script the seconds stand still; the time of day does not go stale.
        time = _local(screen.resend.ready_at, _SECONDS_PATTERN, language)
        return self.text("resend_wait_from", language, s=screen.resend.wait_s, time=time)


_PATIENT: Final = frozenset({Notice.RESEND_TOO_SOON, Notice.RESEND_SPENT, Notice.SMS_UNKNOWN})
"""Told quietly: the cardholder did nothing wrong."""


def _notice_text_id(screen: CodeScreen) -> str:
    is_spent = screen.resend.left <= 0
    match screen.notice:
        case Notice.WRONG if screen.attempts_left is None:
            return "notice_wrong_uncounted"
        case Notice.WRONG if screen.attempts_left == 1:
            return "notice_wrong_last"
        case (Notice.CODE_EMPTY | Notice.CODE_FORMAT) as notice if screen.asks_pin:
            return f"notice_{notice}_pin"
        case (Notice.CODE_EXPIRED | Notice.SMS_FAILED) as notice if is_spent:
            return f"notice_{notice}_spent{'' if screen.amount is not None else '_no_amount'}"
        case notice:
            return f"notice_{notice}"


def _attempts_hint_id(screen: CodeScreen) -> str | None:
    """Say how many attempts are left when some are gone and the notice does not say it."""
    if screen.attempts_left is None or not screen.attempts_spent or screen.notice is Notice.WRONG:
        return None
    return "attempts_last" if screen.attempts_left == 1 else "attempts_left"


def _help(screen: CodeScreen) -> tuple[str, ...]:
    return (
        "help_why" if screen.amount is not None else "help_why_no_amount",
        "help_not_yours" if screen.amount is not None else "help_not_yours_no_amount",
        "help_no_message",
        "help_phone_not_yours",
        *(("help_pin",) if screen.asks_pin else ()),
        "help_safety",
    )


def _number(number: str) -> Markup:
    """Keep a phone number on one line, and its digits in their order among any script."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(unbroken(number))


def _amount(screen: CodeScreen, language: str) -> str | None:
    amount = screen.amount
    if amount is None:
        return None
    return amount_text(amount.minor, amount.exponent, amount.currency, language)


def _local(at: datetime, pattern: str, language: str) -> str:
    return format_datetime(at, pattern, tzinfo=_ZONE, locale=language)
