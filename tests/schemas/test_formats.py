"""Formats: what each accepts and refuses, and what kind of fault a refusal is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import formats
from schemas.formats import REFUSALS, Format
from schemas.json_reader import UNUSABLE
from schemas.messages import TABLES
from schemas.problems import Fault
from schemas.values import ChallengeCancel, TransStatus
from schemas.versions import SUPPORTED, V210, V220, V231

if TYPE_CHECKING:
    from schemas.formats import Shaped


def is_good(shape: Shaped, value: object, version: str = V231) -> bool:
    try:
        return bool(shape.at(version).accepts(value))
    except REFUSALS:
        return False


CASES: list[tuple[Format, list[object], list[object]]] = [
    (formats.text(3), ["a", "żół", " "], ["", "abcd", 1, None, ["a"]]),
    (formats.text(3, 2), ["ab", "abc"], ["a"]),
    (formats.ascii_text(3), ["a ~"], ["ż", "a\n", "abcd", ""]),
    (formats.digits(2), ["01"], ["1", "001", "٠١", "1a", 12, "+1"]),
    (formats.digits(1, 3), ["1", "123"], ["", "1234", "1\n"]),
    (formats.number(2, 2, low=5, high=99), ["05", "99"], ["04", "5", "100", "-5"]),
    (formats.number(5, 5, low=1, high=10080), ["00001", "10080"], ["00000", "10081", "1"]),
    (formats.exponent(), ["0", "4"], ["5", "9", "", "00", 2]),
    (formats.signed_minutes(), ["0", "-60", "+840"], ["60.5", "", "--1", "12345"]),
    (formats.true_or_false(), [True, False], ["true", 1, 0, None]),
    (formats.true_only(), [True], [False, "true", 1]),
    (formats.year_month(), ["2912", "0001"], ["2913", "2900", "291", "12/29"]),
    (formats.day(), ["20240229"], ["20230229", "00000101", "2024W011", "2024022", "20241301"]),
    (formats.minute(), ["202402292359"], ["202402292360", "202402292400", "20240229"]),
    (formats.second(), ["20240229235959"], ["20240229235960", "20230229000000", "2024022923595"]),
    (
        formats.uuid(),
        ["8a880dc0-d2d2-4067-bcb1-b08d1690b26e", "8A880DC0-D2D2-0067-0CB1-B08D1690B26E"],
        ["8a880dc0d2d24067bcb1b08d1690b26e", "8a880dc0-d2d2-4067-bcb1-b08d1690b26g", ""],
    ),
]


@pytest.mark.parametrize(("shape", "good", "bad"), CASES, ids=[case[0].shape for case in CASES])
def test_a_format_accepts_the_good_and_refuses_the_bad(
    shape: Format, good: list[object], bad: list[object]
) -> None:
    assert [value for value in good if not is_good(shape, value)] == []
    assert [value for value in bad if is_good(shape, value)] == []


def every_format() -> list[tuple[str, Format]]:
    return [
        (f"{table.name}.{row.name} {version}", row.shape.at(version))
        for table in TABLES.values()
        for row in table.rows
        if hasattr(row.shape, "at")
        for version in SUPPORTED
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(UNUSABLE),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_no_format_of_any_row_fails_otherwise_than_by_a_refusal(value: object) -> None:
    for _, shape in every_format():
        is_good(shape, value)

        assert shape.fault(value) in Fault


def test_every_row_has_a_good_example() -> None:
    wrong = [name for name, shape in every_format() if not is_good(shape, shape.example)]

    assert wrong == []


def test_a_list_of_all_spellings_says_the_same_as_the_bounds() -> None:
    for shape in (
        formats.exponent(),
        formats.number(1, 2, low=1, high=99),
        formats.number(1, 3, low=2, high=999),
        formats.number(1, 2, low=1, high=45),
    ):
        known = set(get_args(shape.exact))
        texts = [f"{n:0{width}}" for width in range(1, 5) for n in range(10**width)]

        assert known == {text for text in texts if is_good(shape, text)}


PARTS = {
    f"{shape.shape} {shape.parts[1]}": shape
    for shape in [*(case[0] for case in CASES), *(shape for _, shape in every_format())]
    if shape.parts is not None
}


@pytest.mark.parametrize("shape", PARTS.values(), ids=PARTS)
def test_what_is_of_the_type_and_matches_the_expression_is_accepted(shape: Format) -> None:
    assert shape.parts is not None
    kind, expression = shape.parts
    matches = re.compile(expression).fullmatch

    def is_of_both(value: object) -> bool:
        try:
            return matches(msgspec.convert(value, kind)) is not None
        except msgspec.ValidationError:
            return False

    @settings(max_examples=50, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(expression, fullmatch=True), st.data())
    def hold(text: str, data: st.DataObject) -> None:
        assert is_good(shape, text) or not is_of_both(text)
        at = data.draw(st.integers(0, len(text)))
        other = text[:at] + data.draw(st.characters()) + text[at + 1 :]
        assert is_good(shape, other) or not is_of_both(other)
        assert not matches(f"{text[:at]}\0{text[at:]}")

    hold()
    assert is_of_both(shape.example) or not is_good(shape, shape.example)
    assert not is_of_both("")
    for case, good, bad in CASES:
        assert case.shape != shape.shape or [value for value in bad if is_of_both(value)] == [], (
            good
        )


def test_the_expression_of_a_date_knows_no_day_that_is_not_in_the_calendar() -> None:
    (_, expression) = formats.day().parts or ("", "")
    matches = re.compile(expression).fullmatch
    wrong = [
        text
        for year in (*range(0, 10000, 101), 1900, 2000, 2024, 2100)
        for month in range(14)
        for day in range(33)
        if matches(text := f"{year:04}{month:02}{day:02}") and not is_good(formats.day(), text)
    ]

    assert wrong == []


def test_codes_grow_with_the_versions() -> None:
    shape = formats.codes("01-02", "03", "05")

    known = {
        version: [n for n in range(1, 9) if is_good(shape, f"0{n}", version)]
        for version in SUPPORTED
    }

    assert known == {V210: [1, 2], V220: [1, 2, 3], V231: [1, 2, 3, 5]}


def test_codes_of_an_enumeration_grow_with_it() -> None:
    shape = formats.codes(ChallengeCancel)

    assert not is_good(shape, "03", V210)
    assert is_good(shape, "03", V220)
    assert not is_good(shape, "09", V220)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("79", Fault.RESERVED),
        ("80", Fault.RESERVED),
        ("00", Fault.MALFORMED),
        ("xx", Fault.MALFORMED),
        ("1", Fault.MALFORMED),
        (79, Fault.MALFORMED),
    ],
)
def test_a_two_digit_code_out_of_the_list_is_reserved(value: object, fault: Fault) -> None:
    assert formats.codes("01-03").at(V231).fault(value) is fault


def test_a_closed_list_reserves_nothing() -> None:
    assert formats.numbered("01-03").at(V231).fault("79") is Fault.MALFORMED


def test_members_of_an_enumeration_can_be_picked() -> None:
    shape = formats.one_of(TransStatus, "YN")

    assert [letter for letter in "YNUACDRIS" if is_good(shape, letter)] == ["Y", "N"]


def test_a_list_is_bounded_and_uniform() -> None:
    shape = formats.list_of(formats.codes("01-03"), 1, 2)

    assert is_good(shape, ["01", "03"])
    assert not any(is_good(shape, bad) for bad in ([], ["01"] * 3, "01", [1], ["01", None]))


def test_the_gravest_fault_of_a_list_counts() -> None:
    shape = formats.list_of(formats.codes("01-03"), 1, 3).at(V231)

    assert shape.fault(["01", "79"]) is Fault.RESERVED
    assert shape.fault(["01", "79", "x"]) is Fault.MALFORMED


def test_only_80_to_99_belong_to_the_directory_servers() -> None:
    owned = [n for n in range(100) if formats.is_reserved_for_ds(f"{n:02}")]

    assert owned == list(range(80, 100))
