"""Strong customer authentication: bounds of the law, and a way to the operators that is whole."""

from __future__ import annotations

import pytest

from acs import config, policies
from acs.config import ConfigError
from acs.config.sca_settings import Sca, Sim

WHOLE = {
    "sim.url": "https://api.operator.example/sim-swap/v1",
    "sim.token_url": "https://api.operator.example/token",
    "sim.client_id": "bank",
    "sim.client_secret_file": "secret",
}


def test_by_default_nobody_is_asked_and_five_failures_block() -> None:
    settings = config.read(given={"profile": "demo"})
    assert settings.sim == Sim()
    assert settings.sca == Sca()
    assert policies.number_checks(settings) is None
    assert settings.sca.max_consecutive_failures == 5


def test_a_whole_way_to_the_operators_fits() -> None:
    settings = config.read(given={"profile": "demo", **WHOLE})
    assert settings.sim.on_error == "allow"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sim.url": "http://api.operator.example/x"}, "sim.url must be https"),
        ({"sim.token_url": "ftp://127.0.0.1/"}, "sim.token_url must be https"),
        ({"sim.client_id": None}, "come together"),
        ({"sim.lookup_url": "http://api.operator.example/x"}, "sim.lookup_url must be https"),
        ({"sim.url": "https://api.operator.example/v1/"}, "ends without a /"),
        ({"sim.recent_hours": 241}, "must not be below sim.recent_hours"),
        ({"ds.areq_budget_s": 1.5}, "sim.timeout_s must be below"),
        ({"sca.max_consecutive_failures": 6}, "sca.max_consecutive_failures"),
    ],
)
def test_what_cannot_work_refuses_to_start(change: dict[str, object], sentence: str) -> None:
    given = {"profile": "demo", **WHOLE, **change}
    with pytest.raises(ConfigError) as refused:
        config.read(given={name: value for name, value in given.items() if value is not None})
    assert sentence in "\n".join(refused.value.sentences)


def test_who_is_asked_about_numbers_is_asked_as_about_sim_cards() -> None:
    with pytest.raises(ConfigError, match=r"sim\.lookup_url goes with sim\.url"):
        config.read(given={"profile": "demo", "sim.lookup_url": "https://hlr.example/numbers"})
