"""Pages as a browser without script sees them, and the rules that hold for every one of them."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import html5lib

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN_ADDRESSES = re.compile(r"(?:static/[\w.?=-]+|data:,|challenge(?:\?ask)?)\Z")
_STRICT = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_REQUIRED_POLICY = ("default-src 'none'", "base-uri 'none'")
_TOKEN = re.compile(r'(name="form_token" value=")[^"]+')


@dataclass
class Page:
    """A page, and what a person could do with it."""

    url: str
    status: int
    html: str
    headers: Any

    @cached_property
    def tree(self) -> Any:
        return html5lib.parse(self.html, treebuilder="etree", namespaceHTMLElements=False)

    @property
    def text(self) -> str:
        return " ".join("".join(self.tree.itertext()).split())

    @property
    def language(self) -> str:
        return str(self.tree.get("lang"))

    @property
    def without_token(self) -> str:
        """Give the HTML with the form's token blanked: what two looks at one state share."""
        return _TOKEN.sub(r"\1", self.html)

    def forms(self) -> list[tuple[str, dict[str, str]]]:
        """Give each form's action and what it would send: fields, and boxes that are ticked."""
        found = []
        for form in self.tree.iter("form"):
            fields = {
                one.get("name"): one.get("value", "")
                for one in form.iter("input")
                if one.get("name")
                and (one.get("type") != "checkbox" or one.get("checked") is not None)
            }
            found.append((urljoin(self.url, form.get("action") or self.url), fields))
        return found

    @property
    def has_code_field(self) -> bool:
        return any(one.get("name") == "otp" for one in self.tree.iter("input"))

    @property
    def notice(self) -> str | None:
        """Give the text that tells what happened last, or None."""
        for one in self.tree.iter("p"):
            if one.get("id") == "notice":
                return " ".join("".join(one.itertext()).split())
        return None

    @cached_property
    def final_fields(self) -> dict[str, str] | None:
        """Give the fields of the form that goes to the shop, or None when there is none."""
        for _, fields in self.forms():
            if "cres" in fields:
                return fields
        return None

    @property
    def returns_to(self) -> str:
        """Give the address that form goes to."""
        return next(action for action, fields in self.forms() if "cres" in fields)

    @property
    def cres(self) -> dict[str, Any] | None:
        """Give the message the final page carries, decoded."""
        fields = self.final_fields
        return None if fields is None else unpacked(fields["cres"])

    @property
    def is_neutral(self) -> bool:
        """Tell whether the page neither asks nor sends anything."""
        return not self.forms()


def faults_of(page: Page, sent: Mapping[str, Any]) -> list[str]:
    """Name what breaks a rule that every answer to a cardholder keeps; ``sent`` are headers."""
    faults = [f"header {name}" for name, value in _STRICT.items() if sent.get(name) != value]
    policy = sent.get("Content-Security-Policy", "")
    faults += [f"policy {part}" for part in _REQUIRED_POLICY if part not in policy]
    faults += [f"header {name}" for name in ("Set-Cookie", "X-Frame-Options") if name in sent]
    if sent.get("Content-Type") != "text/html; charset=utf-8":
        faults.append(f"type {sent.get('Content-Type')}")
    shop = None if page.final_fields is None else page.returns_to
    for element in page.tree.iter():
        if element.tag in {"iframe", "object", "embed", "meta"} and element.get("http-equiv"):
            faults.append(f"element {element.tag}")
        for name in ("src", "href", "action", "formaction", "data-src", "poster"):
            address = element.get(name)
            if address and address != shop and not _OWN_ADDRESSES.match(address):
                faults.append(f"address {address}")
        faults += [f"attribute {name}" for name in element.attrib if name.startswith("on")]
        if element.get("style") or element.get("target"):
            faults.append(f"attribute of {element.tag}")
        if element.tag == "script" and (element.text or "").strip():
            faults.append("inline script")
    return faults


def packed(message: dict[str, Any]) -> str:
    """Encode a message as a form field carries it."""
    return base64.urlsafe_b64encode(json.dumps(message).encode()).rstrip(b"=").decode()


def unpacked(text: str) -> dict[str, Any]:
    """Decode a message of a form field; it is unpadded base64url, as we must send it."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text), text
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
