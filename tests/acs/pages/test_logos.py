"""Logos: drawings that do nothing, load nothing and fit beside the scheme's mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from acs.pages import logos
from acs.pages.logos import BadLogo, check

STATIC = Path(logos.__file__).parent / "static"
OPEN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 32"'
GOOD = (
    f'{OPEN} xmlns:xlink="http://www.w3.org/1999/xlink"><title>Bank</title>'
    '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
    '<path d="M0 0h9v9z" fill="url(#g)"/><use href="#g"/><use xlink:href="#g"/></svg>'
)


def png(width: int, height: int) -> bytes:
    """Give the beginning of a PNG."""
    sides = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + sides + b"\x08\x06\x00\x00\x00"


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.glob("*.svg")))
def test_our_own_marks_pass(name: str) -> None:
    check(name, (STATIC / name).read_bytes())


def test_shapes_gradients_and_references_inside_the_file_pass() -> None:
    check("logo.svg", GOOD.encode())


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<script>alert(1)</script>", "<script> is not drawn here"),
        ("<style>path{fill:red}</style>", "<style> is not drawn here"),
        ("<image href='https://x.example/p.png'/>", "<image> is not drawn here"),
        ("<foreignObject><p/></foreignObject>", "<foreignObject> is not drawn here"),
        ("<animate attributeName='href' to='javascript:alert(1)'/>", "<animate> is not drawn"),
        ("<set attributeName='onload'/>", "<set> is not drawn here"),
        ("<a href='#x'/>", "<a> is not drawn here"),
        ("<filter/>", "<filter> is not drawn here"),
        ("<path onclick='alert(1)'/>", "it would run a script"),
        ("<path onLoad='alert(1)'/>", "it would run a script"),
        ("<path style='fill:red'/>", "write colours as attributes"),
        ("<path class='st0'/>", "write colours as attributes"),
        ("<use href='https://x.example/s.svg#g'/>", "it points outside the file"),
        ("<use href='//x.example/s.svg'/>", "it points outside the file"),
        ("<use href='data:image/svg+xml,x'/>", "it points outside the file"),
        ("<use xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='s.svg#g'/>", "outside"),
        ("<path fill='url(https://x.example/#g)'/>", "it points outside the file"),
        ("<path fill='URL( //x.example/g)'/>", "it points outside the file"),
        ("<path fill='url(#g) url(https://x.example/g)'/>", "it points outside the file"),
        ("<path xmlns:i='http://i.example/' i:label='x'/>", "only an editor reads that"),
        ("<path xmlns='http://www.w3.org/1999/xhtml'/>", "another namespace"),
        ("<?xml-stylesheet href='https://x.example/s.css'?>", "an instruction"),
        ("<path>", "not XML"),
        ("&unknown;", "not XML"),
    ],
)
def test_what_could_do_or_load_something_is_refused(inside: str, reason: str) -> None:
    with pytest.raises(BadLogo, match=reason.replace("(", r"\(").replace("?", r"\?")):
        check("logo.svg", f"{OPEN}>{inside}</svg>".encode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'<!DOCTYPE svg [<!ENTITY a "b">]>{OPEN}>&a;</svg>', "DOCTYPE"),
        (f'<!DOCTYPE svg SYSTEM "https://x.example/s.dtd">{OPEN}/>', "DOCTYPE"),
        ("<html/>", "does not begin with <svg>"),
        ('<svg viewBox="0 0 64 32"/>', "does not begin with <svg>"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "say how large it is"),
        ('<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="1em"/>', "say how large"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 100"/>', "700 by 100"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 100"/>', "10 by 100"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 0"/>', "10 by 0"),
        ("", "not XML"),
        ("\x00", "not XML"),
    ],
)
def test_what_is_no_drawing_of_a_size_that_fits_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadLogo, match=reason):
        check("logo.svg", text.encode())


def test_a_size_in_pixels_is_a_size() -> None:
    check(
        "logo.svg",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="64px" height="32"><path/></svg>',
    )


def test_a_png_is_judged_by_what_its_head_says() -> None:
    check("logo.png", png(200, 56))


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("logo.png", b"GIF89a", "not a PNG"),
        ("logo.png", GOOD.encode(), "not a PNG"),
        ("logo.png", png(200, 56)[:20], "not a PNG"),
        ("logo.png", png(2000, 1000), "2000 by 1000 pixels"),
        ("logo.png", png(700, 100), "700 by 100"),
        ("logo.png", png(0, 0), "0 by 0"),
        ("logo.jpg", b"\xff\xd8\xff", "neither .svg nor .png"),
        ("logo.svg", b" " * 50_000, "50000 bytes, 49152 are the most"),
    ],
)
def test_other_pictures_are_refused(name: str, body: bytes, reason: str) -> None:
    with pytest.raises(BadLogo, match=reason):
        check(name, body)
