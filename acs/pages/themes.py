"""How one bank's pages look: a theme is a TOML file and the pictures beside it.

    name = "Bank Przykładowy"       # left out: the issuer's name of the card range
    phone = "+48 22 123 45 67"      # left out: the issuer's
    logo = "logo.svg"               # SVG or PNG beside this file; left out: a neutral mark
    logo_dark = "logo-dark.svg"     # for dark screens; left out: the logo on a light plate
    logo_says_name = true           # the name is part of the logo and is not written again

    [light]                         # any of the colours of schemas/palette.css
    action = "#7a1f5c"
    action-strong = "#5c1745"

    [dark]
    action = "#f0a8d4"
    action-strong = "#f7cbe5"

    [help]                          # one sentence more under "Need help?", by language
    pl = "Pomoc w aplikacji: Więcej, potem Kontakt."

Read and judged once at start: unknown members, colours too close to each other (every pair that
the pages use, light and dark), pictures that do more than show something. What does not fit is
refused with a sentence; nothing of it is looked at again while pages are drawn.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from acs.pages import colours, logos
from acs.pages.names import shown_name
from schemas.static_files import StaticFile, load_static, static_file

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN: Final = "default"
"""The theme of ranges without one, and of pages that belong to no range; a file may replace it."""

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_PICTURE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_SHEET: Final = load_static(Path(__file__).parent / "static")["pages.css"].body.decode()

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Phone = Annotated[str, msgspec.Meta(pattern=r"^[0-9+() -]{3,30}$")]
_Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class BadTheme(ValueError):
    """The file cannot be used; ``sentences`` say why, one per fault."""

    def __init__(self, sentences: list[str]) -> None:
        """Hold the sentences."""
        super().__init__("; ".join(sentences))
        self.sentences = tuple(sentences)


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: _Line | None = None
    phone: _Phone | None = None
    logo: str | None = None
    logo_dark: str | None = None
    logo_says_name: bool = False
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    help: dict[str, _Sentence] = {}


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme found good. ``sheet``, ``logo`` and ``logo_dark`` name files of ``files``.

    ``needs_plate``: the logo was drawn for a light ground only.
    """

    name: str
    sheet: str
    logo: str
    files: Mapping[str, StaticFile] = field(repr=False)
    logo_dark: str | None = None
    needs_plate: bool = False
    says_name: bool = False
    issuer_name: str | None = None
    issuer_phone: str | None = None
    help: Mapping[str, str] = field(default_factory=dict)


def built_in() -> Theme:
    """Give the theme of our own: neutral colours and a neutral mark."""
    return Theme(name=BUILT_IN, sheet="pages.css", logo="bank.svg", files={})


def read(name: str, path: Path, languages: tuple[str, ...]) -> Theme:
    """Read and judge a theme file; ``languages`` are those that pages exist in. Raises BadTheme."""
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        content = msgspec.convert(plain, _Content)
    except OSError as error:
        raise BadTheme([f"{path} cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadTheme([f"{path} is not TOML: {error}"]) from error
    except msgspec.ValidationError as error:
        raise BadTheme([f"{path}: {error}"]) from error
    files: dict[str, StaticFile] = {}
    faults = _content_faults(name, content, languages)
    sheet = _sheet(name, content, files, faults)
    pictures = {
        member: _picture(name, path.parent, member, given, files=files, faults=faults)
        for member in ("logo", "logo_dark")
        if (given := getattr(content, member)) is not None
    }
    if faults:
        raise BadTheme([f"{path}: {fault}" for fault in faults])
    return Theme(
        name=name,
        sheet=sheet,
        logo=pictures.get("logo", "bank.svg"),
        files=files,
        logo_dark=pictures.get("logo_dark"),
        needs_plate="logo" in pictures and "logo_dark" not in pictures,
        says_name=content.logo_says_name,
        issuer_name=content.name,
        issuer_phone=content.phone,
        help=content.help,
    )


def _content_faults(name: str, content: _Content, languages: tuple[str, ...]) -> list[str]:
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(f"a theme's name is a-z, 0-9 and dashes, at most 40: {name}")
    if content.name is not None and shown_name(content.name) != content.name:
        faults.append("name holds signs that cannot be seen")
    if content.logo is None and (content.logo_dark is not None or content.logo_says_name):
        faults.append("logo_dark and logo_says_name go with a logo")
    unknown = sorted(set(content.help) - set(languages))
    if unknown:
        faults.append(f"help: there are no pages in {', '.join(unknown)}")
    return faults


def _sheet(name: str, content: _Content, files: dict[str, StaticFile], faults: list[str]) -> str:
    """Put the theme's colours behind those of the one sheet, if they can be read."""
    built_in_palettes = colours.palettes_of(_SHEET)
    given = {"light": content.light, "dark": content.dark}
    for (scheme, own), palette in zip(given.items(), built_in_palettes, strict=True):
        faults += [f"{scheme}: {fault}" for fault in colours.faults_of(own, palette)]
    if faults or not (content.light or content.dark):
        return built_in().sheet
    own_name = f"theme-{name}.css"
    sheet = _SHEET + colours.blocks(content.light, content.dark)
    files[own_name] = static_file(own_name, sheet.encode())
    return own_name


def _picture(
    name: str,
    folder: Path,
    member: str,
    given: str,
    *,
    files: dict[str, StaticFile],
    faults: list[str],
) -> str:
    if not _PICTURE.fullmatch(given):
        faults.append(f"{member} is the name of a file beside this one: {given}")
        return ""
    own_name = f"theme-{name}-{member.replace('_', '-')}{PurePath(given).suffix}"
    try:
        body = (folder / given).read_bytes()
        logos.check(given, body)
    except OSError as error:
        faults.append(f"{member} {given} cannot be read: {error.strerror}")
    except logos.BadLogo as error:
        faults.append(f"{member} {given}: {error}")
    else:
        files[own_name] = static_file(own_name, body)
    return own_name
