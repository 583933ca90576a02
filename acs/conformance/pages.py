"""A page as a browser without script sees it: its forms, and what kind of page it is."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.conformance.cards import PageNames


_NOTICE = "threeDSMethodData"


@dataclass(slots=True)
class Form:
    """One form: where it goes and what is in its fields; buttons are (name, value)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a browser."""

    url: str
    status: int
    headers: Mapping[str, str]
    html: str
    forms: tuple[Form, ...]

    @property
    def final(self) -> Form | None:
        """Give the form that carries the CRes to the shop."""
        return next((form for form in self.forms if "cres" in form.fields), None)

    @property
    def notice(self) -> Form | None:
        """Give the form that tells the 3DS Server that the 3DS Method is over."""
        return next((form for form in self.forms if _NOTICE in form.fields), None)

    def entry(self, names: PageNames) -> Form | None:
        """Give the form the cardholder fills in."""
        return next((form for form in self.forms if names.otp in form.fields), None)

    def facts(self, names: PageNames) -> dict[str, Any]:
        """Give what a case may expect of a page."""
        result: dict[str, Any] = {
            "status": self.status,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "html": self.html,
            "page": "neutral",
        }
        entry, final = self.entry(names), self.final
        if final is not None:
            carried = decoded(final.fields["cres"])
            result |= {
                "page": "final",
                "action": final.action,
                "method": final.method,
                "fields": sorted(final.fields),
                "cres": carried,
                "cres_text": final.fields["cres"],
            }
            if "threeDSSessionData" in final.fields:
                result["session_data"] = final.fields["threeDSSessionData"]
        elif entry is not None:
            result |= {"page": "entry", "asks_pin": names.pin in entry.fields}
        elif (notice := self.notice) is not None:
            result |= {
                "page": "notice",
                "action": notice.action,
                "fields": sorted(notice.fields),
                "notice": decoded(notice.fields[_NOTICE]),
            }
        return result


def read(url: str, status: int, headers: Mapping[str, str], html: str) -> Page:
    """Read a page."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    return Page(url, status, headers, html, tuple(reader.forms))


def decoded(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """Decode the message of a form field; None when it is not base64url of JSON."""
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None


def _is_sent(given: Mapping[str, str]) -> bool:
    """Tell whether a browser sends a field that nobody touched: not a box without a tick."""
    return given.get("type") != "checkbox" or "checked" in given


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._url = url
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._url, given.get("action") or self._url)
            self.forms.append(Form(action, given.get("method", "get").lower()))
            self._is_open = True
        elif self._is_open and tag == "input" and given.get("name") and _is_sent(given):
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif self._is_open and tag == "button" and given.get("name"):
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
