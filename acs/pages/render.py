"""Screens to HTML.

``Pages`` is made once at start: it reads templates, texts and static files, and after that draws
from memory without touching the disk.

Laws:
- Every value is escaped (autoescape everywhere); an unknown name in a template is an error, not
  an empty place.
- No inline script, no inline style, no other host: a page needs nothing but its own origin.
- A page works without script and without cookies.
- The document for an SDK's web view holds all of itself: its style, its pictures as data, no
  script, no address but that of its form, which the SDK catches [rules 6.50 to 6.54].
- The same screen gives the same bytes: nothing here depends on the clock or on chance.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never

from babel import Locale
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
from acs.pages import native, themes, wording
from acs.pages.headers import FORM_NOWHERE, FORM_TO_US, form_action_of, page_headers
from acs.pages.names import shown_name
from schemas import base64url
from schemas.dates import moment_text
from schemas.static_files import StaticFile, load_static
from schemas.texts import as_written, choose_language, load_catalogues, unbroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jinja2 import Template

    from acs.challenge.screens import Brand
    from acs.pages.gallery import Sheet
    from acs.pages.themes import Theme

_HERE: Final = Path(__file__).parent
LANGUAGES: Final = tuple(sorted(path.parent.name for path in _HERE.glob("locale/*/pages.po")))
"""What pages exist in."""

_BANK_DEFAULT: Final = "pl"

WARNED_S: Final = 60
"""How long before its end the page warns; 20 s are the least [WCAG 2.2, 2.2.1]."""

_INLINE_MAX: Final = 16 * 1024
"""Bytes of a picture that travels within a document; acsHTML has room for 75 000 [2.1.0]."""

_REMARK: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_AIR: Final = re.compile(r"(?<=[{};,])\s+|\s+(?=[{}])")

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
    """What stands at the top of a page: pictures by the addresses they are loaded from."""

    issuer_name: str
    issuer_phone: str
    logo: str | None
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
        self._inline = {
            name: _data_uri(file)
            for name, file in self._static.items()
            if file.content_type.startswith("image/") and len(file.body) <= _INLINE_MAX
        }
        self._styles = {
            theme.sheet: _style(self._static[theme.sheet]) for theme in self._themes.values()
        }
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

    def neutral_language(self, browser: str | None) -> str:
        """Choose for who is not known yet: the browser's language, else the bank's."""
        return self.choose_language(None, browser, _BANK_DEFAULT)

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

    def native(self, screen: CodeScreen, version: str, *, asks_pin: bool) -> dict[str, object]:
        """Give the elements of a CRes that is not final for the SDK's native screen.

        ``asks_pin``: the PIN's screen, else the code's; ``version`` is messageVersion.
        """
        language = self._language_of(screen)
        theme = self._theme_of(screen.brand)

        def say(text_id: str, **values: object) -> str:
            # An SDK breaks its lines in its own way; some count or search what they are given.
            return as_written(self._catalogues[language][text_id]).format(**values)

        voice = native.Voice(
            say=say,
            language=language,
            phone=theme.issuer_phone or screen.brand.issuer_phone,
            own_help=theme.help.get(language),
        )
        return native.elements(screen, version, voice, asks_pin=asks_pin)

    def sdk_html(self, screen: CodeScreen) -> dict[str, object]:
        """Give the elements of a CRes that is not final for an SDK that shows HTML only."""
        return {"acsUiType": "05", "acsHTML": base64url.encode(self.sdk_page(screen))}

    def sdk_page(self, screen: CodeScreen) -> bytes:
        """Draw the document for the SDK's web view.

        Its form's query string tells ``pin``, ``otp``, ``trust`` ("Y" or not there) and ``do``
        ("verify" or "resend"), within the 256 characters of challengeHTMLDataEntry.
        """
        language, theme = self._language_of(screen), self._theme_of(screen.brand)
        values = self._code_values(screen)
        if screen.resend.left > 0:
            values["resend_hint"] = native.resend_from(
                screen, lambda text_id, **given: self.text(text_id, language, **given), language
            )
        marks = self._inline_marks(theme, screen.brand)
        return self._drawn(
            "sdk.html", screen, marks, {**values, "style": self._styles[theme.sheet]}
        )

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
        brand = getattr(screen, "brand", None)
        theme = self._theme_of(brand)
        marks = None if brand is None else self._marks(theme, brand)
        sheet = self._static[theme.sheet].address
        html = self._drawn(template, screen, marks, {"sheet": sheet, **values})
        return Page(html=html, headers=page_headers(form_action))

    def _drawn(
        self, template: str, screen: Screen, marks: _Marks | None, values: dict[str, object]
    ) -> bytes:
        language = self._language_of(screen)

        def t(text_id: str, **given: object) -> str:
            return self.text(text_id, language, **given)

        html = self._templates[template].render(
            screen=screen,
            language=language,
            direction=Locale.parse(language).text_direction,
            marks=marks,
            own_help=self._theme_of(getattr(screen, "brand", None)).help.get(language),
            t=t,
            **values,
        )
        return html.encode()

    def _language_of(self, screen: Screen) -> str:
        return self.choose_language(screen.language, None, _BANK_DEFAULT)

    def _theme_of(self, brand: Brand | None) -> Theme:
        """Give the theme a brand names; without one, or when it is unknown, the built-in."""
        named = themes.BUILT_IN if brand is None else brand.theme
        return self._themes.get(named) or self._themes[themes.BUILT_IN]

    def _marks(self, theme: Theme, brand: Brand) -> _Marks:
        dark = theme.logo_dark
        return _Marks(
            issuer_name=theme.issuer_name or brand.issuer_name,
            issuer_phone=unbroken(theme.issuer_phone or brand.issuer_phone),
            logo=self._static[theme.logo].address,
            logo_dark=None if dark is None else self._static[dark].address,
            needs_plate=theme.needs_plate,
            says_name=theme.says_name,
            scheme_name=_SCHEMES.get(brand.scheme.lower(), brand.scheme),
            scheme_mark=self._static[_scheme_mark(brand)].address,
        )

    def _inline_marks(self, theme: Theme, brand: Brand) -> _Marks:
        """Give the marks with pictures as data; where one is too large the name stands alone."""
        marks = self._marks(theme, brand)
        logo = self._inline.get(theme.logo)
        dark = self._inline.get(theme.logo_dark or "")
        return replace(
            marks,
            logo=logo,
            logo_dark=dark if logo else None,
            needs_plate=marks.needs_plate or (theme.logo_dark is not None and dark is None),
            says_name=marks.says_name and logo is not None,
            scheme_mark=self._inline[_scheme_mark(brand)],
        )

    def _marked_text(self, text_id: str, language: str, **values: object) -> Markup:
        """Give a text as HTML; values that are no Markup are escaped."""
        return Markup(escape(self._catalogues[language][text_id])).format(**values)  # noqa: S704

    def _code_values(self, screen: CodeScreen) -> dict[str, Any]:
        language = self._language_of(screen)
        suffix = wording.suffix(screen)
        title = self.text(wording.title_id(screen), language)
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
            "amount": wording.amount(screen, language),
            "merchant_label": f"merchant_label{suffix}",
            "suffix": suffix,
            "merchant": shown_name(screen.merchant),
            "purchase_at": moment_text(screen.purchase_at, wording.ZONE, language),
            "purchase_iso": screen.purchase_at.isoformat(timespec="seconds"),
            "notice": notice,
            "code_label": self.text("code_label", language)
            if screen.code_number <= 1
            else self.text("code_label_number", language, n=screen.code_number),
            "code_described_by": " ".join(described_by),
            "sent_to": sent_to,
            "resend_hint": self._resend_hint(screen, language),
            "resend_wait_s": 0 if screen.resend.allowed else screen.resend.wait_s,
            "attempts_hint": wording.attempts_hint_id(screen),
            "time_hint": "time_until" if screen.time_left.may_extend else "time_until_last",
            "time_until": wording.clock_time(screen.time_left.ends_at, wording.TIME, language),
            "time_warning": "time_warning" if screen.time_left.may_extend else "time_warning_last",
            "warned_s": WARNED_S,
            "help": wording.help_ids(screen),
            "other_languages": [
                (code, self.text("language_name", code))
                for code in screen.languages
                if code in self._catalogues and code != language
            ],
        }

    def _notice(self, screen: CodeScreen, language: str) -> _Notice | None:
        if screen.notice is None:
            return None
        values = wording.notice_values(screen, language)
        tone = wording.tone(screen.notice)
        return _Notice(
            text=self.text(wording.notice_id(screen), language, **values),
            tone=tone,
            role="status" if tone == "good" else "alert",
            # A wrong answer marks all fields alike: which of them was wrong is never told.
            marks_pin=screen.notice in {Notice.WRONG, Notice.PIN_FORMAT},
            marks_code=screen.notice in {Notice.WRONG, Notice.CODE_EMPTY, Notice.CODE_FORMAT},
        )

    def _sent_to(self, screen: CodeScreen, language: str) -> Markup | None:
        if screen.sent_at is None or not screen.code_live:
            return None
        time = wording.clock_time(screen.sent_at, wording.TIME, language)
        phone = _number(screen.phone_mask)
        if screen.expires_at is None:
            return self._marked_text("sent_to_no_end", language, time=time, phone=phone)
        until = wording.clock_time(screen.expires_at, wording.TIME, language)
        return self._marked_text("sent_to", language, time=time, phone=phone, until=until)

    def _resend_hint(self, screen: CodeScreen, language: str) -> str | None:
        if screen.resend.left <= 0:
            return self.text(f"resend_none_left{wording.suffix(screen)}", language)
        if screen.resend.allowed or screen.resend.wait_s <= 0:
            return None
        if screen.resend.ready_at is None:
            return self.text("resend_wait", language, s=screen.resend.wait_s)
        # Without script the seconds stand still; the time of day does not go stale.
        time = wording.clock_time(screen.resend.ready_at, wording.SECONDS, language)
        return self.text("resend_wait_from", language, s=screen.resend.wait_s, time=time)


def _scheme_mark(brand: Brand) -> str:
    """Name the scheme's mark; one without its own is named by its word beside a plain card."""
    scheme = brand.scheme.lower()
    return f"{scheme if scheme in _SCHEMES else 'card'}.svg"


def _data_uri(file: StaticFile) -> str:
    return f"data:{file.content_type};base64,{b64encode(file.body).decode()}"


def _style(sheet: StaticFile) -> Markup:
    """Give a sheet for within a document: of our own making, without remarks and air."""
    return Markup(_AIR.sub("", _REMARK.sub("", sheet.body.decode())).strip())  # noqa: S704


def _number(number: str) -> Markup:
    """Keep a phone number on one line, and its digits in their order among any script."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(unbroken(number))
