"""Every setting of an HTTP provider may be left to its profile."""

from __future__ import annotations

import msgspec

from acs.config.http_settings import HttpProvider, Reports


def test_what_is_not_set_is_left_to_the_profile() -> None:
    assert set(msgspec.structs.asdict(HttpProvider()).values()) == {None}
    assert set(msgspec.structs.asdict(Reports()).values()) == {None}
