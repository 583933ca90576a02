"""Pages read from their HTML as a browser would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import html5lib

from acs.pages.render import Pages
from schemas.compiler import Context
from schemas.messages import check_outgoing
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from acs.challenge.screens import Screen

PAGES = Pages()


def dom(screen: Screen) -> Element:
    """Parse a page strictly: a fault in the markup is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(PAGES.render(screen).html.decode())
    return tree


def fits_into_the_cres(shown: Mapping[str, object], version: str, category: str = "01") -> None:
    """Hold what a screen is made of against the table of the CRes that carries it."""
    cres = {
        "threeDSServerTransID": builders.SERVER_TRANS_ID,
        "acsTransID": builders.ACS_TRANS_ID,
        "sdkTransID": builders.SDK_TRANS_ID,
        "acsCounterAtoS": "000",
        "challengeCompletionInd": "N",
        "messageType": "CRes",
        "messageVersion": version,
    }
    assert not cres.keys() & shown.keys()
    check_outgoing("CRes", {**cres, **shown}, Context(version, "01", category, "non-final"))


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
