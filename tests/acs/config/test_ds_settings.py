"""Directory Servers: each says whose it is, and codes it has defined lie where they may."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import ConfigError


def servers(**given: object) -> tuple[str, tuple[dict[str, object], ...]]:
    return "ds.directory_servers", (
        {"id": "visa", "schemes": ["visa"], "hosts": ["h.example"], **given},
    )


def test_codes_of_a_network_are_those_that_the_specification_leaves_to_it() -> None:
    name, good = servers(values={"acctType": ["80", "99"]})
    _, bad = servers(values={"acctType": ["79"]})

    (server,) = config.read(given={"profile": "demo", name: good}).ds.directory_servers
    assert server.values == {"acctType": ("80", "99")}
    with pytest.raises(ConfigError, match=r"ds\.directory_servers"):
        config.read(given={"profile": "demo", name: bad})


def test_a_directory_server_without_a_scheme_is_nobodys() -> None:
    name, bad = servers(schemes=[])

    with pytest.raises(ConfigError, match=r"ds\.directory_servers"):
        config.read(given={"profile": "demo", name: bad})
