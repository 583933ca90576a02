from __future__ import annotations

from acs.crypto.keys import AuthenticationValueKeys, KeyState
from acs.crypto.software import SoftwareKeys


def test_the_software_store_stands_behind_the_port() -> None:
    keys: AuthenticationValueKeys = SoftwareKeys([])

    assert keys.state("any") is None


def test_states_are_written_as_operators_write_them() -> None:
    assert list(KeyState) == ["staged", "active", "verify-only"]
