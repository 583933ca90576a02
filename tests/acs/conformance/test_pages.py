"""Pages are read as a browser without script reads them."""

from __future__ import annotations

from acs.conformance import pages
from acs.conformance.base import base64url
from acs.conformance.cards import PageNames

NAMES = PageNames()


def facts(html: str) -> dict[str, object]:
    return pages.read("https://acs.example/challenge", 200, {"X-Y": "z"}, html).facts(NAMES)


def test_an_entry_page_asks_for_a_code() -> None:
    seen = facts(
        '<form action="challenge" method="POST"><input name="form_token" value="a&amp;b">'
        '<input name="otp"><input name="pin"><button name="action" value="submit">'
    )

    assert (seen["page"], seen["asks_pin"], seen["status"]) == ("entry", True, 200)


def test_a_final_page_carries_the_cres() -> None:
    cres = base64url(b'{"transStatus": "Y"}')
    seen = facts(
        f'<form action="https://shop/x?a=1" method="post"><input name="cres" value="{cres}">'
        '<input name="threeDSSessionData" value="s"></form>'
    )

    assert seen["page"] == "final"
    assert seen["cres"] == {"transStatus": "Y"}
    assert seen["action"] == "https://shop/x?a=1"
    assert (seen["method"], seen["session_data"]) == ("post", "s")
    assert seen["fields"] == ["cres", "threeDSSessionData"]


def test_a_cres_that_is_none_is_seen_as_none() -> None:
    assert facts('<form><input name="cres" value="%"></form>')["cres"] is None


def test_the_page_of_the_3ds_method_has_its_notice() -> None:
    data = base64url(b'{"threeDSServerTransID": "x"}')
    seen = facts(f'<form action="https://s"><input name="threeDSMethodData" value="{data}"></form>')

    assert (seen["page"], seen["notice"]) == ("notice", {"threeDSServerTransID": "x"})


def test_a_page_without_forms_is_neutral_and_shows_its_headers() -> None:
    seen = facts("<p>Go back to the shop</p>")

    assert (seen["page"], seen["headers"]) == ("neutral", {"x-y": "z"})


def test_what_is_outside_a_form_is_not_in_it() -> None:
    page = pages.read("https://a/b", 200, {}, '<form action="c"></form><input name="otp">')

    assert page.entry(NAMES) is None
    assert page.forms[0].action == "https://a/c"
