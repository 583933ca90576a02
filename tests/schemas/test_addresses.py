"""Addresses: which URLs, e-mail and IP addresses and languages are taken."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import addresses
from schemas.formats import REFUSALS, Format
from schemas.versions import V220, V231


def is_good(shape: Format, value: object) -> bool:
    try:
        return bool(shape.accepts(value))
    except REFUSALS:
        return False


GOOD_URLS = [
    "https://shop.example.com",
    "https://shop.example.com/",
    "HTTPS://SHOP.EXAMPLE.COM:8443/a/b;c?d=e&f=%20#g",
    "https://[2001:db8::1]:8443/x",
    "https://192.0.2.1/x|y",
    "https://shop_1.example?x=1",
]
BAD_URLS = [
    "",
    "shop.example.com",
    "//shop.example.com/",
    "https:/shop.example.com/",
    "https://",
    "https:///path",
    "https://user@shop.example.com/",
    "https://user:pw@shop.example.com/",
    "https://shop.example.com\\@evil.example/",
    "https://shop.example.com:99999/",
    "https://shop.example.com:x/",
    "https://[::zz]/",
    "https://[::1/",
    "https://shop example.com/",
    "https://shop.example.com/a b",
    "https://shop.example.com/\r\nHost: x",
    "https://shop.example.com/\n",
    "https://shop.example.com/\x00",
    'https://shop.example.com/"onload=',
    "https://shop.example.com/<script>",
    "https://żółw.example/",
    "ftp://shop.example.com/",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://" + "a" * 300,
    7,
    None,
]


@pytest.mark.parametrize("value", GOOD_URLS)
def test_an_absolute_web_address_is_a_url(value: str) -> None:
    assert is_good(addresses.url(256), value)
    assert is_good(addresses.https_url(256), value)


@pytest.mark.parametrize("value", BAD_URLS)
def test_anything_else_is_no_url(value: object) -> None:
    assert not is_good(addresses.url(256), value)
    assert not is_good(addresses.https_url(256), value)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://127.1.2.3", True),
        ("http://localhost:8080/x", True),
        ("http://[::1]:8080/x", True),
        ("http://shop.example.com/", False),
        ("http://localhost.evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://[::2]/", False),
        ("http://localhost@evil.example/", False),
    ],
)
def test_plain_http_is_for_this_machine_only(value: str, allowed: bool) -> None:
    assert is_good(addresses.https_url(256), value) is allowed


def test_https_is_demanded_from_2_3_1_on() -> None:
    shape = addresses.url_https_from_231(256)

    assert is_good(shape.at(V220), "http://shop.example.com/")
    assert not is_good(shape.at(V231), "http://shop.example.com/")


@given(st.text(alphabet="htps:/@.[]?#\\ ae1%\n", max_size=20))
def test_a_url_that_is_taken_has_the_host_that_others_read_in_it(rest: str) -> None:
    value = f"https://{rest}"
    if is_good(addresses.url(256), value):
        read = urllib.parse.urlsplit(value)

        assert read.hostname
        assert read.username is None
        assert value == value.strip()


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("https://app.example.com/x", True),
        ("bankapp://open?x=1", True),
        ("com.bank.app:/x", True),
        ("JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("no-scheme", False),
        ("bank://a b", False),
    ],
)
def test_an_app_may_be_opened_by_its_own_scheme_but_no_code(value: str, allowed: bool) -> None:
    assert is_good(addresses.app_url(256), value) is allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("jan.nowak@example.com", True),
        ("a@b", True),
        ('"jan nowak"@example.com', True),
        ("jan+x@sub.example.com", True),
        ("@b", False),
        ("a@", False),
        ("ab", False),
        ("a b@c.pl", False),
        ("a@b@c.pl", False),
        ("a@b.pl\n", False),
        ("x" * 250 + "@b.pl", False),
        (5, False),
    ],
)
def test_an_e_mail_address_has_two_sides(value: object, allowed: bool) -> None:
    assert is_good(addresses.email(), value) is allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("192.0.2.1", True),
        ("0.0.0.0", True),
        ("255.255.255.255", True),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.1", True),
        ("::", True),
        ("256.0.0.1", False),
        ("1.2.3", False),
        ("1.2.3.4.", False),
        ("1.2.3.4.5", False),
        ("01.2.3.4", False),
        ("fe80::1%eth0", False),
        ("host", False),
        ("", False),
        (3221225985, False),
    ],
)
def test_an_ip_address_is_written_out(value: object, allowed: bool) -> None:
    assert is_good(addresses.ip_address(), value) is allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("pl", True), ("pl-PL", True), ("zh-Hant", True), ("pl_PL", False), ("en-US-x-y", False)],
)
def test_a_language_tag_is_short_before_2_3_1(value: str, allowed: bool) -> None:
    assert is_good(addresses.language_tag(8), value) is allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("pl-PL", True), ("*", True), ("en;q=0.8", True), ("en; q=1.0", True), ("en;q=2", False)],
)
def test_an_accepted_language_may_be_weighted(value: str, allowed: bool) -> None:
    assert is_good(addresses.accepted_language(), value) is allowed
