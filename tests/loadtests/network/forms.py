"""The one form of a page, as a browser without scripts would send it."""

from __future__ import annotations

from html.parser import HTMLParser


class Form(HTMLParser):
    """Reads action and hidden fields of the first form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = found["action"]
        if tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found.get("value", "")
