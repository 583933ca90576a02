"""What holds for every page: sound markup, labels, small, nothing of a value becomes markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.challenge.screens import Brand, ErrorScreen, Notice, RetryScreen, ReturnScreen
from tests.acs.pages.reading import PAGES, dom, one, words
from tests.acs.pages.shown import CODE, LANGUAGES, every_screen
from tests.records import replace

if TYPE_CHECKING:
    from acs.challenge.screens import Screen

EVERY = [
    pytest.param(screen, id=f"{name} {language}")
    for language in LANGUAGES
    for name, screen in every_screen(language).items()
]
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title></style></textarea><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("screen", EVERY)
def test_the_page_is_sound(screen: Screen) -> None:
    """Title, language, one heading, one main part, no nested form, no link, nothing inline."""
    tree = dom(screen)
    tags = [element.tag for element in tree.iter()]

    assert (tree.get("lang"), tree.get("dir")) == (screen.language, "ltr")
    assert [tags.count(tag) for tag in ("title", "h1", "main")] == [1, 1, 1]
    assert not {"a", "style", "iframe", "base", "object"} & set(tags)
    assert not [f for f in tree.iter("form") if f.findall(".//form")]
    assert not [e for e in tree.iter() if any(k == "style" or k[:2] == "on" for k in e.attrib)]
    assert not [s for s in tree.iter("script") if (s.text or "").strip() or not s.get("src")]


@pytest.mark.parametrize("screen", EVERY)
def test_every_field_has_a_label_and_every_reference_an_end(screen: Screen) -> None:
    tree = dom(screen)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    shown = [field.get("id") for field in tree.iter("input") if field.get("type") != "hidden"]
    described = " ".join(e.get("aria-describedby", "") for e in tree.iter()).split()

    assert len(ids) == len(set(ids))
    assert shown == [label.get("for") for label in tree.iter("label")]
    assert set(described) <= set(ids)


@pytest.mark.parametrize("screen", EVERY)
def test_everything_loaded_is_one_of_our_files(screen: Screen) -> None:
    tree = dom(screen)
    loaded = [element.get("src") for element in tree.iter() if element.get("src")]
    loaded += [link.get("href") for link in tree.iter("link") if link.get("rel") == "stylesheet"]
    addresses = {file.address for file in PAGES.static_files.values()}

    assert set(loaded) <= addresses


@pytest.mark.parametrize("screen", EVERY)
def test_the_page_weighs_little(screen: Screen) -> None:
    assert len(PAGES.render(screen).html) < 8_000


def test_an_error_is_announced_tied_to_the_fields_and_named_in_the_title() -> None:
    tree = dom(replace(CODE, notice=Notice.WRONG))
    fields = tree.findall(".//input[@aria-invalid='true']")

    assert one(tree, ".//p[@id='notice']").get("role") == "alert"
    assert [(f.get("id"), f.get("aria-describedby")) for f in fields] == [
        ("pin", "notice"),
        ("otp", "notice sent"),
    ]
    assert words(one(tree, ".//title")) == "Błąd: Potwierdź płatność kartą"


def test_good_news_is_a_status() -> None:
    tree = dom(replace(CODE, notice=Notice.CODE_SENT))

    assert one(tree, ".//p[@id='notice']").get("role") == "status"


@pytest.mark.parametrize(("asks_pin", "first"), [(True, "pin"), (False, "otp")])
def test_the_first_field_has_the_focus(first: str, *, asks_pin: bool) -> None:
    focused = [
        f.get("id") for f in dom(replace(CODE, asks_pin=asks_pin)).findall(".//*[@autofocus]")
    ]

    assert focused == [first]


# Security


@pytest.mark.parametrize("nasty", NASTY)
def test_values_stay_values(nasty: str) -> None:
    screen = replace(
        CODE, merchant=nasty, phone_mask=nasty, last4=nasty, brand=Brand(nasty, nasty, nasty)
    )
    tree = dom(screen)

    assert words(one(tree, ".//div[@class='merchant']/dd/bdi")) == nasty
    assert [e.tag for e in tree.iter() if e.tag in {"script", "svg", "b"}] == ["script"]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_session_data_comes_back_unchanged(data: str) -> None:
    """It is opaque: whatever came is escaped and echoed, nothing is parsed or dropped."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    screen = ReturnScreen("https://shop.example/n", "e30", data, "done", "en")
    tree = parser.parse(PAGES.render(screen).html.decode())

    assert one(tree, ".//input[@name='threeDSSessionData']").get("value") == data


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/n", "ftp://a/"])
def test_no_other_address_becomes_the_action_of_a_form(url: str) -> None:
    with pytest.raises(ValueError, match="notification URL"):
        PAGES.render(ReturnScreen(url, "e30", None, "done", "pl"))


@pytest.mark.parametrize(
    ("screen", "form_action"),
    [
        (CODE, "form-action 'self';"),
        (RetryScreen("challenge", (), "pl"), "form-action 'self';"),
        (ErrorScreen("method", "pl"), "form-action 'none';"),
        (
            ReturnScreen("https://shop.example/n", "e30", None, "done", "pl"),
            "form-action https://shop.example https:;",
        ),
    ],
)
def test_each_kind_of_page_says_where_its_form_may_go(screen: Screen, form_action: str) -> None:
    assert form_action in PAGES.render(screen).headers["Content-Security-Policy"]
