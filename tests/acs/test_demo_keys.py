"""What the demo makes for itself is made once and readable by its owner only."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from acs import config, demo_keys
from acs.crypto.software import SoftwareKeys

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path) -> config.Settings:
    return config.read(environ={"ACS_PROFILE": "demo", "ACS_DATA_DIR": str(folder)})


def test_value_keys_are_made_once(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "values.json"

    demo_keys.make_value_keys(file)
    first = file.read_text()
    demo_keys.make_value_keys(file)

    assert file.read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    names = {key.key_id for key in SoftwareKeys.from_file(file).listed()}
    assert names == {"visa-1", "mastercard-1"}


def test_each_caller_gets_a_key_pair_and_is_told_how_to_use_it(tmp_path: Path) -> None:
    entries = demo_keys.make_callers(settings(tmp_path))

    told = json.loads((tmp_path / "demo" / "callers.json").read_text())
    assert set(told) == {"portal", "branch", "core"}
    for entry in entries:
        one = told[str(entry["name"])]
        assert (one["iss"], one["kid"], one["sub"]) == (entry["iss"], entry["kid"], entry["sub"])
        assert one["aud"] == "enrollment"
        private = load_pem_private_key((tmp_path / one["key_file"]).read_bytes(), None)
        public = load_pem_public_key((tmp_path / str(entry["public_key"])).read_bytes())
        assert private.public_key() == public


def test_key_pairs_are_kept(tmp_path: Path) -> None:
    demo_keys.make_callers(settings(tmp_path))
    file = tmp_path / "demo" / "keys" / "branch.pem"
    first = file.read_bytes()

    demo_keys.make_callers(settings(tmp_path))

    assert file.read_bytes() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_portal_may_neither_raise_limits_nor_lift_blocks(tmp_path: Path) -> None:
    entries = demo_keys.make_callers(settings(tmp_path))

    (portal,) = [one for one in entries if one["name"] == "portal"]
    scopes = portal["scopes"]

    assert isinstance(scopes, list)
    assert not {"limit:raise", "block:clear"} & set(scopes)
