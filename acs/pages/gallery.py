"""Every screen of a theme, in every language and size, as files that can be looked at.

``gallery`` gives file names and bytes: one page per screen and language, the static files, and
pages of frames that show each screen in the five sizes of the specification, light and dark. What
an SDK's web view shows is among them, as ``app-<screen>``. Pure drawing: no settings, no database,
no network.

Scripts are left out: a page that goes on by itself would be gone before one has looked at it. And
each ground has files of its own, so that light and dark can be looked at side by side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acs.pages.samples import SIZES, app_screens, every_screen
from acs.pages.themes import BUILT_IN

if TYPE_CHECKING:
    from acs.pages.render import Pages

_SCRIPT: Final = re.compile(r'<script src="[^"]*" defer></script>')
_DARK: Final = b"(prefers-color-scheme: dark)"
_EITHER: Final = (
    (b'name="color-scheme" content="light dark"', b'name="color-scheme" content="%s"'),
    (b"color-scheme: light dark;", b"color-scheme: %s;"),
)
GROUNDS: Final = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of frames: one language on one ground."""

    name: str
    language: str
    ground: str
    screens: tuple[str, ...]


def gallery(pages: Pages) -> dict[str, bytes]:
    """Draw every screen. Gives bytes by file name."""
    files = {
        f"{ground}/{name}": _on(ground, file.body) if name.endswith(".css") else file.body
        for ground in GROUNDS
        for name, file in pages.static_files.items()
    }
    sheets = []
    for language in pages.languages:
        screens = {
            name: _SCRIPT.sub("", pages.render(screen).html.decode())
            for name, screen in every_screen(language, pages.languages, BUILT_IN).items()
        }
        for name, screen in app_screens(language, BUILT_IN).items():
            screens[f"app-{name}"] = pages.sdk_page(screen).decode()
        for name, html in screens.items():
            for ground in GROUNDS:
                beside = html.replace('="static/', f'="{ground}/')
                files[f"{language}-{ground}-{name}.html"] = _on(ground, beside.encode())
        sheets += [
            Sheet(f"all-{language}-{ground}.html", language, ground, tuple(screens))
            for ground in GROUNDS
        ]
    for sheet in sheets:
        files[sheet.name] = pages.gallery_page(sheet, sheets, SIZES)
    files["index.html"] = pages.gallery_page(None, sheets, SIZES)
    return files


def _on(ground: str, body: bytes) -> bytes:
    """Give a page or a sheet that is of one ground, whatever the browser prefers."""
    body = body.replace(_DARK, b"all" if ground == "dark" else b"not all")
    for either, one in _EITHER:
        body = body.replace(either, one % ground.encode())
    return body
