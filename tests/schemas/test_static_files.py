"""Static files: kept for ever under an address that changes, from one origin."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from schemas.static_files import PALETTE, load_static, static_file, static_headers

FOLDER = Path(__file__).parents[2] / "acs" / "pages" / "static"
FILES = load_static(FOLDER)


def test_an_address_and_its_etag_follow_the_content() -> None:
    body = PALETTE.read_bytes() + b"\n" + (FOLDER / "pages.css").read_bytes()
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


def test_a_picture_of_points_is_a_kind_too() -> None:
    assert static_file("logo.png", b"").content_type == "image/png"


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


@pytest.mark.parametrize("version", [None, "", "0123456789abcdef"])
def test_under_the_address_of_another_version_a_file_is_not_kept(version: str | None) -> None:
    sheet = FILES["pages.css"]
    own = sheet.etag.strip('"')

    assert sheet.headers_under(own) == sheet.headers
    assert sheet.headers_under(version) == {**sheet.headers, "Cache-Control": "no-store"}


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
