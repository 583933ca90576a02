"""Keys come from files that only their owner reads; production never makes its own."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import msgspec
import pytest

from acs.config import ConfigError, Settings
from acs.config.settings import KeyFiles
from acs.key_files import add_key, generate_keys, load_keys
from schemas.vault import Keys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def demo(tmp_path: Path) -> Settings:
    """Give settings of a demo in a fresh folder."""
    return Settings(profile="demo", data_dir=tmp_path)


def with_active(settings: Settings, **active: str) -> Settings:
    """Give the settings with these keys chosen."""
    return msgspec.structs.replace(settings, keys=KeyFiles(active=active))


def test_the_demo_makes_its_keys_once(demo: Settings) -> None:
    first = load_keys(demo)
    second = load_keys(demo)

    assert [getattr(first, p) for p in Keys.PURPOSES] == [getattr(second, p) for p in Keys.PURPOSES]
    assert first.otp.active == "k1"


def test_no_two_purposes_share_a_key(demo: Settings) -> None:
    keys = load_keys(demo)
    rings = [getattr(keys, purpose) for purpose in Keys.PURPOSES]

    assert len({ring.keys["k1"] for ring in rings}) == len(Keys.PURPOSES)


def test_a_key_file_is_its_owners_alone(demo: Settings) -> None:
    load_keys(demo)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in demo.keys_dir.rglob("*.key")}

    assert modes == {0o400}
    assert stat.S_IMODE(demo.keys_dir.stat().st_mode) == 0o700


def test_production_without_keys_says_which_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_keys(Settings(data_dir=tmp_path))

    assert len(refused.value.sentences) == len(Keys.PURPOSES)
    assert not (tmp_path / "keys").exists()


def test_production_reads_keys_that_were_made_for_it(tmp_path: Path) -> None:
    generate_keys(tmp_path / "keys")

    assert load_keys(Settings(data_dir=tmp_path)).otp.active == "k1"


def test_with_two_keys_the_settings_say_which_makes_values(demo: Settings) -> None:
    load_keys(demo)
    add_key(demo.keys_dir / "otp", "k2")

    with pytest.raises(ConfigError, match=r"keys\.active\.otp must say"):
        load_keys(demo)
    assert load_keys(with_active(demo, otp="k2")).otp.active == "k2"
    assert set(load_keys(with_active(demo, otp="k2")).otp.keys) == {"k1", "k2"}


def test_a_chosen_key_that_is_not_there_is_refused(demo: Settings) -> None:
    with pytest.raises(ConfigError, match="k9"):
        load_keys(with_active(demo, otp="k9"))


def test_a_choice_for_an_unknown_purpose_is_refused(demo: Settings) -> None:
    with pytest.raises(ConfigError, match="no purpose"):
        load_keys(with_active(demo, opt="k1"))


def test_a_key_file_open_to_others_is_refused(demo: Settings) -> None:
    load_keys(demo)
    (demo.keys_dir / "otp" / "k1.key").chmod(0o440)

    with pytest.raises(ConfigError, match="open to others"):
        load_keys(demo)


@pytest.mark.parametrize("text", ["", "canary", "ab" * 31, "zz" * 32])
def test_a_file_that_holds_no_key_is_refused_and_not_shown(demo: Settings, text: str) -> None:
    load_keys(demo)
    file = demo.keys_dir / "otp" / "k1.key"
    file.chmod(0o600)
    file.write_text(text)

    with pytest.raises(ConfigError, match="64 hex digits") as refused:
        load_keys(demo)
    assert not text or text not in str(refused.value)


def test_a_key_is_never_overwritten(demo: Settings) -> None:
    load_keys(demo)

    with pytest.raises(FileExistsError):
        add_key(demo.keys_dir / "otp", "k1")
