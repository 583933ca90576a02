"""What the demo makes for itself is made once and readable by its owner only."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from acs import config, demo_keys
from acs.crypto.jws import signed_content
from acs.crypto.key_agreement import agree
from acs.crypto.signer import SoftwareSigner
from acs.crypto.software import SoftwareKeys
from loadtests.network import jose
from tests.acs.crypto.test_key_agreement import OWN

SDK_KEY = {name: OWN["sdk"][name] for name in ("kty", "crv", "x", "y")}
YEAR = timedelta(days=365)


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


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def accepted(data_dir: Path, made: dict[str, str], now: datetime) -> bool:
    """Ask the demo's SDK whether it believes what the demo's ACS signs."""
    chain, key = Path(made["sdk_signing_certs"]), Path(made["sdk_signing_key"])
    signer = SoftwareSigner.from_pem(key.read_bytes(), chain.read_bytes())
    agreed = agree(SDK_KEY, "reference")
    content = signed_content(
        signer, acs_url="https://acs.example/", acs_key=agreed.public_key, sdk_key=SDK_KEY
    )
    root = (data_dir / "demo" / "sdk" / "ds-root.pem").read_bytes()
    try:
        found = jose.read_content(content, root, now)
    except jose.Unreadable:
        return False
    return jose.jwk_of(found.acs_key) == agreed.public_key


def test_the_demo_s_sdk_believes_what_its_acs_signs(tmp_path: Path) -> None:
    made = demo_keys.make_signing(tmp_path, "demo", NOW)

    assert accepted(tmp_path, made, NOW)
    assert accepted(tmp_path, made, NOW + 8 * YEAR)
    assert not accepted(tmp_path, made, NOW + 11 * YEAR)


def test_the_signing_key_is_its_owner_s_alone_and_that_of_the_ca_is_gone(tmp_path: Path) -> None:
    made = demo_keys.make_signing(tmp_path, "demo", NOW)

    folder = tmp_path / "demo" / "sdk"
    assert stat.S_IMODE(Path(made["sdk_signing_key"]).stat().st_mode) == 0o600
    assert {file.name for file in folder.iterdir()} == {
        "ds-root.pem", "acs-demo.key", "acs-demo.pem",
    }  # fmt: skip


def test_the_ca_is_made_once_and_anew_before_it_ends(tmp_path: Path) -> None:
    made = demo_keys.make_signing(tmp_path, "demo", NOW)
    root = tmp_path / "demo" / "sdk" / "ds-root.pem"
    first = root.read_bytes()

    assert demo_keys.make_signing(tmp_path, "demo", NOW + 8 * YEAR) == made
    assert root.read_bytes() == first

    made = demo_keys.make_signing(tmp_path, "demo", NOW + 20 * YEAR)
    assert root.read_bytes() != first
    assert accepted(tmp_path, made, NOW + 20 * YEAR)


@pytest.mark.parametrize("name", ["ds-root.pem", "acs-demo.key", "acs-demo.pem"])
@pytest.mark.parametrize("how", ["lost", "cut", "of another"])
def test_what_is_broken_is_made_anew(tmp_path: Path, name: str, how: str) -> None:
    demo_keys.make_signing(tmp_path, "demo", NOW)
    demo_keys.make_signing(tmp_path / "other", "demo", NOW)
    file = tmp_path / "demo" / "sdk" / name
    match how:
        case "lost":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:50])
        case _:
            file.write_bytes((tmp_path / "other" / "demo" / "sdk" / name).read_bytes())

    made = demo_keys.make_signing(tmp_path, "demo", NOW)

    assert accepted(tmp_path, made, NOW)


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
