"""Pages read from their HTML as a browser would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import html5lib

from acs.pages.render import Pages

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from acs.challenge.screens import Screen

PAGES = Pages()


def dom(screen: Screen) -> Element:
    """Parse a page strictly: a fault in the markup is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(PAGES.render(screen).html.decode())
    return tree


def one(tree: Element, path: str) -> Element:
    """Find the only element of a path."""
    (found,) = tree.findall(path)
    return found


def words(element: Element) -> str:
    """Give the text of an element with single blanks."""
    return " ".join("".join(element.itertext()).split())


def buttons(screen: Screen) -> list[tuple[str | None, str | None]]:
    """Give name and value of all buttons that submit, in their order."""
    found = [b for b in dom(screen).iter("button") if b.get("type") == "submit"]
    return [(b.get("name"), b.get("value")) for b in found]
