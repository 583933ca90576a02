"""The pages about the messages say what the tables say."""

from __future__ import annotations

from itertools import product

import pytest

from schemas.compiler import Context
from schemas.messages import EVERY_TABLE, read_areq
from schemas.messages.page import example_of, page
from schemas.versions import SUPPORTED
from tests import builders

HEAD = [
    "element",
    "format",
    "example",
    "length",
    "versions",
    "channels",
    "categories",
    "inclusion",
    "kept",
]


def line_of(message: str, start: str) -> list[str]:
    found = [line for line in page(EVERY_TABLE[message]).splitlines() if line.startswith(start)]
    return [" | ".join(cell.strip() for cell in line.split("|")[1:-1]) for line in found]


@pytest.mark.parametrize("name", list(EVERY_TABLE))
def test_every_row_is_on_its_page(name: str) -> None:
    text = page(EVERY_TABLE[name])

    assert [row.name for row in EVERY_TABLE[name].rows if f"| `{row.name}` |" not in text] == []


@pytest.mark.parametrize(
    ("message", "element", "cell", "expected"),
    [
        ("AReq", "acctNumber", "format", "digits"),
        ("AReq", "acctNumber", "example", '`"1111111111111"`'),
        ("AReq", "acctNumber", "length", "13-19"),
        ("AReq", "acctNumber", "versions", "all"),
        ("AReq", "acctNumber", "kept", "six and four"),
        ("AReq", "payTokenInfo", "format", "object [payTokenInfo](#paytokeninfo)"),
        ("AReq", "payTokenInfo", "length", "up to 10000 as JSON"),
        ("AReq", "payTokenInfo", "versions", "2.3.1"),
        ("AReq", "sellerInfo", "format", "1-50 objects [sellerInfo](#sellerinfo)"),
        ("AReq", "mcc", "inclusion", "R if the category is PA, else O"),
        ("AReq", "purchaseDate", "length", "14"),
        ("AReq", "purchaseDate", "channels", "APP, BRW"),
        ("AReq", "transType", "categories", "PA"),
        ("RRes", "resultsStatus", "format", "one of 01, 02, 03; 80-99 if defined"),
        ("RRes", "resultsStatus", "length", "2"),
        ("CRes", "transStatus", "inclusion", "R if the message is final, else X"),
        ("CReq", "deviceBindingDataEntry", "length", "1-2"),
        ("ARes", "eci", "format", "text"),
        ("ARes", "eci", "inclusion", "O, depending on the rules of the Directory Server"),
        ("AReq", "addrMatch", "inclusion", "O"),
        ("AReq", "browserIP", "kept", "nothing"),
    ],
)
def test_a_row_reads_as_it_is_declared(
    message: str, element: str, cell: str, expected: str
) -> None:
    cells = line_of(message, f"| `{element}` |")[0].split(" | ")

    assert cells[HEAD.index(cell)] == expected


def test_a_row_whose_codes_grow_has_a_line_for_each_list() -> None:
    lines = line_of("AReq", "| `threeRIInd` |")

    assert [line.split(" | ")[4] for line in lines] == ["2.1.0", "2.2.0", "2.3.1"]


def test_rules_say_what_is_told_and_objects_have_sections() -> None:
    text = page(EVERY_TABLE["AReq"])

    assert "201 `trustListStatus`" in text
    assert "\n## multiTransaction\n" in text
    assert "\n## merchantListEntry\n" in text
    assert "## Rules of the conformance mode" in page(EVERY_TABLE["CReq"])


@pytest.mark.parametrize(
    ("version", "channel", "category"),
    list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES)),
)
def test_the_examples_make_a_message_that_is_read_whole(
    version: str, channel: str, category: str
) -> None:
    rows = builders.rows_of("AReq", Context(version, channel, category))
    message = {row.name: example_of(row, version) for row in rows if row.name != "splitSdkType"}
    message |= {"deviceChannel": channel, "messageCategory": category}

    assert read_areq(builders.raw(message)).values == message
