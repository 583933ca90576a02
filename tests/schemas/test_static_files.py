"""Static files: kept for ever under an address that changes, from one origin, readable colours."""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

from schemas.static_files import load_static, static_headers

FOLDER = Path(__file__).parents[2] / "acs" / "pages" / "static"
FILES = load_static(FOLDER)
SHEET = (FOLDER / "pages.css").read_text(encoding="utf-8")

ON_SHEET = ["ink", "soft", "action", "action-strong", "error-ink"]
TEXT_ON_GROUND = [
    *product(ON_SHEET, ["sheet", "panel"]),
    ("on-action", "action"),
    ("on-action", "action-strong"),
    ("error-ink", "error-ground"),
    ("good-ink", "good-ground"),
    ("info-ink", "info-ground"),
]


def colours(*, dark: bool) -> dict[str, str]:
    """Give the colour properties of one scheme; the first block is light, the second dark."""
    blocks = re.findall(r":root \{([^}]*)\}", SHEET)
    return dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", blocks[1 if dark else 0]))


def luminance(colour: str) -> float:
    """Give the relative luminance of WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_an_address_and_its_etag_follow_the_content() -> None:
    body = (FOLDER / "pages.css").read_bytes()
    version = sha256(body).hexdigest()[:16]
    sheet = FILES["pages.css"]

    assert (sheet.body, sheet.etag, sheet.address) == (
        body,
        f'"{version}"',
        f"static/pages.css?v={version}",
    )


def test_the_kinds_of_files() -> None:
    kinds = {file.content_type for file in FILES.values()}

    assert kinds == {
        "text/css; charset=utf-8",
        "text/javascript; charset=utf-8",
        "image/svg+xml",
    }


def test_an_unknown_kind_of_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "page.exe").write_bytes(b"")

    with pytest.raises(KeyError):
        load_static(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_no_file_points_to_another_host(name: str) -> None:
    text = FILES[name].body.decode().replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".svg")])
def test_marks_are_drawings_only(name: str) -> None:
    tags = set(re.findall(r"<([a-zA-Z]+)", FILES[name].body.decode()))

    assert tags <= {"svg", "rect", "path", "text"}


def test_files_are_small() -> None:
    """First paint over a slow line: everything a page may load is below 32 kB."""
    assert sum(len(file.body) for file in FILES.values()) < 32_000


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_is_readable_on_its_ground(text: str, ground: str, *, dark: bool) -> None:
    """WCAG 2.2 1.4.3: at least 4.5 to 1."""
    scheme = colours(dark=dark)

    assert contrast(scheme[text], scheme[ground]) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colour", ["edge", "action", "error-ink"])
def test_edges_and_focus_are_visible(colour: str, *, dark: bool) -> None:
    """WCAG 2.2 1.4.11: at least 3 to 1."""
    scheme = colours(dark=dark)

    assert contrast(scheme[colour], scheme["sheet"]) >= 3


def test_both_schemes_name_the_same_colours() -> None:
    assert colours(dark=False).keys() == colours(dark=True).keys()


def test_a_static_file_may_be_kept_and_loads_in_any_frame() -> None:
    headers = static_headers("text/css; charset=utf-8", '"abc"')

    assert headers == {
        "Content-Type": "text/css; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": '"abc"',
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    }
