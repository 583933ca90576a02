"""Closed lists: codes are texts with a first version; reasons are said as old versions can."""

from __future__ import annotations

import json
from itertools import product

import pytest

from schemas.values import DeviceChannel, TransStatus, TransStatusReason, reason_for
from schemas.versions import SUPPORTED


def test_a_code_is_its_text() -> None:
    assert TransStatus("Y") is TransStatus.AUTHENTICATED
    assert json.dumps({"a": TransStatus.CHALLENGE}) == '{"a": "C"}'
    assert f"{DeviceChannel.BRW}" == "02"


@pytest.mark.parametrize(
    ("version", "statuses"),
    [("2.1.0", "YNUACR"), ("2.2.0", "YNUACRDI"), ("2.3.1", "YNUACRDIS")],
)
def test_statuses_come_with_the_versions(version: str, statuses: str) -> None:
    assert {each for each in TransStatus if each.exists_in(version)} == set(statuses)


@pytest.mark.parametrize(
    ("version", "reason", "said"),
    [
        ("2.1.0", "22", "07"),
        ("2.1.0", "23", "12"),
        ("2.1.0", "25", "12"),
        ("2.1.0", "26", "01"),
        ("2.1.0", "27", "01"),
        ("2.2.0", "30", "01"),
        ("2.2.0", "22", "22"),
        ("2.3.1", "29", "29"),
        ("2.1.0", "14", "14"),
    ],
)
def test_a_younger_reason_is_said_by_an_older_one(version: str, reason: str, said: str) -> None:
    assert reason_for(version, TransStatusReason(reason)) == said


@pytest.mark.parametrize(("version", "reason"), list(product(SUPPORTED, TransStatusReason)))
def test_a_reason_is_never_younger_than_the_version(
    version: str, reason: TransStatusReason
) -> None:
    assert reason_for(version, reason).exists_in(version)
