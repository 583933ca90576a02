"""The page of settings tells every setting, its variable and what it is for."""

from __future__ import annotations

import msgspec
import pytest

from acs.config.ds_settings import DirectoryServer
from acs.config.enrollment_settings import Caller
from acs.config.http_settings import AnswerRule, HttpProvider, Query, Reports
from acs.config.page import settings_page
from acs.config.source import leaves, variable


def test_every_setting_stands_on_the_page_with_its_variable() -> None:
    page = settings_page()

    assert [name for name, _ in leaves() if f"| `{name}` | `{variable(name)}` |" not in page] == []


@pytest.mark.parametrize(
    "entry", [AnswerRule, Caller, DirectoryServer, HttpProvider, Query, Reports]
)
def test_every_member_of_an_entry_stands_on_the_page(entry: type[msgspec.Struct]) -> None:
    page = settings_page()

    assert [f.name for f in msgspec.structs.fields(entry) if f"| `{f.name}` |" not in page] == []


def test_every_setting_says_what_it_is_for() -> None:
    lines = [line for line in settings_page().splitlines() if line.startswith("| `")]

    assert [line for line in lines if line.endswith("|  |")] == []
