"""What an SDK offers, and what of it is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.rendering import Rendering, choose


@pytest.mark.parametrize(
    ("interface", "types", "chosen"),
    [
        ("01", ["01"], Rendering("01", "01")),
        ("03", ["05", "01"], Rendering("01", "01")),
        ("02", ["01"], Rendering("02", "01")),
        ("02", ["05"], Rendering("02", "05")),
        ("02", ["05", "01"], Rendering("02", "01")),
        ("03", ["05", "02"], Rendering("02", "05")),
        ("01", ["02", "03", "04", "05"], None),
        ("02", ["02", "04", "06"], None),
        ("03", ["07"], None),
        ("04", ["01"], None),
    ],
)
def test_native_comes_first_and_html_where_there_is_nothing_else(
    interface: str, types: list[str], chosen: Rendering | None
) -> None:
    assert choose({"sdkInterface": interface, "sdkUiType": types}) == chosen


@pytest.mark.parametrize("offered", [None, {}, "03", [], {"sdkInterface": "03"}])
def test_nothing_is_chosen_from_nothing(offered: object) -> None:
    assert choose(offered) is None


@given(
    st.sampled_from(["01", "02", "03"]),
    st.lists(st.sampled_from(["01", "02", "03", "04", "05", "06", "07"]), max_size=7),
)
def test_what_is_chosen_was_offered(interface: str, types: list[str]) -> None:
    chosen = choose({"sdkInterface": interface, "sdkUiType": types})

    if chosen is not None:
        assert interface in {chosen.interface, "03"}
        assert chosen.template in types


def test_a_version_writes_it_its_own_way() -> None:
    chosen = {"acsInterface": "01", "acsUiTemplate": "01"}
    assert Rendering("01", "01").element("2.1.0") == chosen
    assert Rendering("01", "01").element("2.2.0") == chosen
    assert Rendering("01", "01").element("2.3.1") == {**chosen, "deviceUserInterfaceMode": "01"}
