"""The headers of pages and static files, kind by kind."""

from __future__ import annotations

import pytest

from acs.pages.headers import (
    FORM_NOWHERE,
    FORM_TO_US,
    form_action_of,
    page_headers,
)


def directives(headers: dict[str, str]) -> dict[str, str]:
    """Give the directives of a Content-Security-Policy by name."""
    parts = (part.strip() for part in headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


def test_a_page_loads_from_its_own_origin_only() -> None:
    policy = directives(page_headers(FORM_TO_US))

    assert {name: policy[name] for name in policy if name != "frame-ancestors"} == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "script-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }


def test_only_a_page_whose_script_posts_may_connect() -> None:
    policy = directives(page_headers(FORM_NOWHERE, posts_itself=True))

    assert policy["connect-src"] == "'self'"
    assert "connect-src" not in directives(page_headers(FORM_TO_US))


@pytest.mark.parametrize("form_action", [FORM_TO_US, FORM_NOWHERE, "https:"])
def test_any_https_shop_and_any_shop_s_app_may_frame_every_kind_of_page(form_action: str) -> None:
    """A closed frame-ancestors is a white box in the shop, error pages included."""
    ancestors = directives(page_headers(form_action))["frame-ancestors"].split()

    assert ancestors == [
        "https:",
        "capacitor:",
        "ionic:",
        "app:",
        "file:",
        "http://localhost:*",
        "http://*.localhost:*",
        "http://127.0.0.1:*",
    ]


def test_a_page_has_no_header_that_closes_frames() -> None:
    names = {name.lower() for name in page_headers(FORM_TO_US)}

    assert not names & {"x-frame-options", "cross-origin-opener-policy", "set-cookie"}


def test_a_page_is_neither_kept_nor_guessed_nor_told_about() -> None:
    headers = page_headers(FORM_TO_US)

    assert (
        headers["Content-Type"],
        headers["Cache-Control"],
        headers["X-Content-Type-Options"],
        headers["Referrer-Policy"],
        headers["Strict-Transport-Security"],
    ) == (
        "text/html; charset=utf-8",
        "no-store",
        "nosniff",
        "no-referrer",
        "max-age=31536000; includeSubDomains",
    )


@pytest.mark.parametrize(
    ("url", "sources"),
    [
        ("https://shop.example/3ds?a=1;b=2", "https://shop.example https:"),
        ("https://shop.example:8443/n", "https://shop.example:8443 https:"),
        ("HTTPS://Shop.Example/n", "https://shop.example https:"),
        ("http://127.0.0.1:8080/n", "http://127.0.0.1:8080 https: http:"),
        ("http://[::1]:8080/n", "https: http:"),
        ("https://sklep-ł.example/n", "https:"),
        ("https://a;script-src *.example/n".replace(" ", ""), "https:"),
    ],
)
def test_the_last_page_may_post_to_the_shop_and_be_sent_on(url: str, sources: str) -> None:
    """Browsers apply form-action to redirects too, and a shop's endpoint often redirects."""
    assert form_action_of(url) == sources


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://shop.example/%0aalert(1)",
        "data:text/html,x",
        "ftp://shop.example/",
        "//shop.example/n",
        "/n",
        "",
        "https:///n",
        "https:shop.example",
        "https://user@shop.example/",
        "https://user:pw@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\r\nX: y",
        " https://shop.example/",
        "java\tscript:alert(1)",
        "https://shop.example:99999/",
    ],
)
def test_anything_but_an_absolute_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"notification URL|[Pp]ort"):
        form_action_of(url)
