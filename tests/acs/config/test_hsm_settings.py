"""The HSM: whole or not at all, and never longer than an AReq."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import ConfigError
from acs.config.hsm_settings import Hsm

WHOLE = {"hsm.module": "/opt/lib.so", "hsm.token": "acs", "hsm.pin_file": "/etc/acs/pin"}


def test_by_default_there_is_none() -> None:
    settings = config.read(given={"profile": "demo"})
    assert settings.hsm == Hsm()
    assert settings.hsm.module is None


def test_a_whole_way_there_fits() -> None:
    settings = config.read(given={"profile": "demo", **WHOLE})
    assert (settings.hsm.timeout_ms, settings.hsm.queue_max, settings.hsm.start_s) == (500, 200, 10)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_half_a_way_there_is_refused(missing: str) -> None:
    given = {name: value for name, value in WHOLE.items() if name != missing}
    with pytest.raises(ConfigError, match=r"hsm\.module, hsm\.token and hsm\.pin_file come"):
        config.read(given={"profile": "demo", **given})


def test_an_areq_is_not_kept_waiting_to_its_end() -> None:
    given = {"profile": "demo", **WHOLE, "ds.areq_budget_s": 0.5}
    with pytest.raises(ConfigError, match=r"hsm\.timeout_ms must be below ds\.areq_budget_s"):
        config.read(given=given)
    assert config.read(given={"profile": "demo", "ds.areq_budget_s": 0.5}).hsm.module is None


@pytest.mark.parametrize("timeout_ms", [9, 2_001])
def test_a_result_is_sent_within_its_lease_all_the_same(timeout_ms: int) -> None:
    """A claim lasts 14 s; a Directory Server may take 10 of them."""
    with pytest.raises(ConfigError, match="timeout_ms"):
        config.read(given={"profile": "demo", **WHOLE, "hsm.timeout_ms": timeout_ms})
