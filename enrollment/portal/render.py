"""Templates and texts to HTML: read once at start, drawn from memory.

Laws: every value is escaped; an unknown name in a template is an error; no inline script or style.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import iso4217
from babel import Locale
from babel.numbers import get_decimal_symbol
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from enrollment.model import ISSUER_ZONE
from schemas.amounts import amount_text, iso_exponent
from schemas.dates import day_text, moment_text, time_text
from schemas.static_files import StaticFile, load_static
from schemas.texts import choose_language, load_catalogues, unbroken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from jinja2 import Template

_HERE: Final = Path(__file__).parent
_S_PER_MINUTE: Final = 60
_MIN_PER_HOUR: Final = 60
_IN_HOURS_FROM_MIN: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Whose portal it is, and where it leads besides."""

    name: str = "Bank"
    phone: str = ""
    language: str = "pl"
    links: Mapping[str, str] = field(default_factory=dict)


class PortalPages:
    """Draws the portal's pages; holds templates, texts and static files in memory."""

    def __init__(self) -> None:
        """Read everything; raise ValueError if the catalogues disagree."""
        self._catalogues = load_catalogues(_HERE / "locale", "portal.po")
        self._static = load_static(_HERE / "static")
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["unbroken"] = unbroken
        environment.globals["static"] = lambda name: f"/{self._static[name].address}"
        self._templates: dict[str, Template] = {
            name: environment.get_template(name) for name in environment.list_templates()
        }
        for language in self._catalogues:
            # Loads the locale's data now rather than in the middle of the first request.
            Locale.parse(language).months  # noqa: B018

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that pages exist in."""
        return tuple(self._catalogues)

    @property
    def static_files(self) -> Mapping[str, StaticFile]:
        """The files to serve under ``/static/``, by name."""
        return self._static

    def choose_language(self, chosen: str | None, browser: str | None, default: str) -> str:
        """Choose what was clicked, else what the browser wishes, else the bank's own."""
        return choose_language(chosen, browser, default, self._catalogues)

    def has_text(self, text_id: str) -> bool:
        """Tell whether there is such a text."""
        return text_id in next(iter(self._catalogues.values()))

    def text(self, text_id: str, language: str, **values: object) -> str:
        """Give a text; an unknown id, language or missing value is a KeyError."""
        return self._catalogues[language][text_id].format(**values)

    def draw(self, template: str, language: str, values: Mapping[str, object]) -> bytes:
        """Draw a page."""
        words = Words(self, language)
        html = self._templates[template].render(
            t=words.text,
            words=words,
            language=language,
            direction=Locale.parse(language).text_direction,
            languages=[(code, self.text("language_name", code)) for code in self._catalogues],
            **values,
        )
        return html.encode()


@dataclass(frozen=True, slots=True)
class Words:
    """How one language writes texts, times and amounts."""

    pages: PortalPages
    language: str

    def text(self, text_id: str, /, **values: object) -> str:
        """Give a text."""
        return self.pages.text(text_id, self.language, **values)

    def known(self, prefix: str, code: str) -> str:
        """Give the text of a code of the flows, or the general one of that kind."""
        text_id = f"{prefix}_{code.replace('.', '_')}"
        return self.text(text_id if self.pages.has_text(text_id) else f"{prefix}_other")

    def at(self, moment: datetime) -> str:
        """Write a day and time on the bank's clock."""
        return moment_text(moment, ISSUER_ZONE, self.language)

    def time(self, moment: datetime) -> str:
        """Write a time on the bank's clock."""
        return time_text(moment, ISSUER_ZONE, self.language)

    def span(self, time: timedelta) -> str:
        """Write how long: in minutes where they are whole, else in seconds."""
        minutes, seconds = divmod(int(time.total_seconds()), _S_PER_MINUTE)
        count, unit = (minutes, "minute") if not seconds else (minutes * 60 + seconds, "second")
        return format_unit(count, unit, length="short", locale=self.language)

    def wait(self, minutes: int) -> str:
        """Write how long to wait: from two hours on in begun hours."""
        if minutes < _IN_HOURS_FROM_MIN:
            return self.span(timedelta(minutes=minutes))
        hours = -(-minutes // _MIN_PER_HOUR)
        return format_unit(hours, "hour", length="short", locale=self.language)

    def day(self, moment: datetime) -> str:
        """Write a calendar day of the bank."""
        return day_text(moment, ISSUER_ZONE, self.language)

    @property
    def point(self) -> str:
        """Give what stands before the decimals of a number."""
        return str(get_decimal_symbol(self.language))

    def amount(self, minor: int, currency: str) -> str:
        """Write an amount; ``currency`` is letters or the numeric code."""
        number = currency_number(currency)
        return amount_text(minor, iso_exponent(number) or 0, number, self.language)


def currency_number(currency: str) -> str:
    """Give the numeric code of a currency named by its letters."""
    return currency if currency.isdigit() else f"{_NUMBERS[currency]:03d}"


_NUMBERS: Final = {currency.code: currency.number for currency in iso4217.Currency}
