from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from acs.crypto.keys import KeyState, KeysUnavailable
from acs.crypto.software import BadKeyFile, KeyInHsm, KeyKind, SoftwareKeys

if TYPE_CHECKING:
    from pathlib import Path

HEX = "0123456789ABCDEFFEDCBA9876543210"
MAC_HEX = "B039878C1F96D212F509B2DC4CC8CD1B"
VISA = {"id": "visa-1", "kind": "3des", "state": "active", "hex": HEX, "kcv": "08d7b4"}
MASTERCARD = {"id": "mc-1", "kind": "hmac", "state": "active", "hex": MAC_HEX}
BLOCK = "4123456789012345" + "7993" + "700" + "0" * 9


def store(*rows: dict[str, Any]) -> SoftwareKeys:
    return SoftwareKeys.from_content({"keys": list(rows)})


def test_an_active_key_makes_values() -> None:
    keys = store(VISA, MASTERCARD)
    message = bytes.fromhex("2226400099919520FFFF943C94EF4F2408402C1C0497")

    assert keys.cvv("visa-1", BLOCK) == "972"
    assert keys.hmac_sha256("mc-1", message).hex().upper().startswith("18620655")
    assert keys.state("visa-1") is KeyState.ACTIVE


@pytest.mark.parametrize("state", ["staged", "verify-only"])
def test_only_an_active_key_makes_values(state: str) -> None:
    keys = store({**VISA, "state": state}, {**MASTERCARD, "state": state})

    with pytest.raises(KeysUnavailable, match=f"key visa-1 is {state}"):
        keys.cvv("visa-1", BLOCK)
    with pytest.raises(KeysUnavailable, match=f"key mc-1 is {state}"):
        keys.hmac_sha256("mc-1", b"")
    assert keys.state("visa-1") == state


def test_a_key_has_one_purpose() -> None:
    keys = store(VISA, MASTERCARD)

    with pytest.raises(KeysUnavailable, match="key mc-1 is not of kind 3des"):
        keys.cvv("mc-1", BLOCK)
    with pytest.raises(KeysUnavailable, match="key visa-1 is not of kind hmac"):
        keys.hmac_sha256("visa-1", b"")


def test_an_unknown_key_is_unavailable() -> None:
    keys = store()

    assert keys.state("visa-1") is None
    with pytest.raises(KeysUnavailable, match="not in the store"):
        keys.cvv("visa-1", BLOCK)


def test_keys_are_listed_with_check_values_and_without_bytes() -> None:
    keys = store(VISA, MASTERCARD)

    listed = [(key.key_id, key.kind, key.state, key.check_value) for key in keys.listed()]

    assert listed == [
        (
            "mc-1",
            KeyKind.HMAC,
            KeyState.ACTIVE,
            hmac.digest(bytes.fromhex(MAC_HEX), b"", "sha256")[:3].hex().upper(),
        ),
        ("visa-1", KeyKind.CVV, KeyState.ACTIVE, "08D7B4"),
    ]
    shown = f"{keys!r} {keys.listed()!r}"
    assert HEX not in shown
    assert str(bytes.fromhex(HEX)) not in shown


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_key_file_is_json_or_toml(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"keys{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps({"keys": [VISA]}), "utf-8")
    else:
        members = "".join(f'{name} = "{value}"\n' for name, value in VISA.items())
        path.write_text(f"[[keys]]\n{members}", "utf-8")

    assert SoftwareKeys.from_file(path).cvv("visa-1", BLOCK) == "972"


@pytest.mark.parametrize("name", ["keys.json", "keys.toml", "none.json"])
def test_an_unreadable_file_is_refused_without_quoting_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "keys.json").write_text(f'{{"keys": "{HEX}"', "utf-8")
    (tmp_path / "keys.toml").write_text(f"{HEX} =", "utf-8")

    with pytest.raises(BadKeyFile, match=f"cannot read {name}") as fault:
        SoftwareKeys.from_file(tmp_path / name)
    assert HEX not in str(fault.value)
    assert fault.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "one member, keys"),
        ({"keys": [], "more": 1}, "one member, keys"),
        ({"keys": {}}, "not a list"),
        ({"keys": ["visa-1"]}, "key number 1 needs id"),
        ({"keys": [{"id": "a"}]}, "key number 1 needs id"),
        ({"keys": [VISA, {**VISA, "more": 1}]}, "key number 2 needs id"),
        ({"keys": [{**VISA, "id": ""}]}, "key number 1 has no id"),
        ({"keys": [{**VISA, "id": 1}]}, "key number 1 has no id"),
        ({"keys": [{**VISA, "kind": "des"}]}, "no kind out of 3des, hmac"),
        ({"keys": [{**VISA, "state": "destroyed"}]}, "no state out of staged, active, verify-only"),
        ({"keys": [{**VISA, "hex": "xx"}]}, "not written in hex"),
        ({"keys": [{**VISA, "hex": HEX[:16]}]}, "must have 16 bytes"),
        ({"keys": [{**VISA, "hex": HEX[:16] * 2}]}, "two equal halves"),
        ({"keys": [{**MASTERCARD, "hex": MAC_HEX * 3}]}, "must have 16 or 32 bytes"),
        ({"keys": [{**VISA, "kcv": "000000"}]}, "another check value"),
        ({"keys": [VISA, VISA]}, "key visa-1 occurs twice"),
    ],
)
def test_a_fault_refuses_the_whole_file(content: object, says: str) -> None:
    with pytest.raises(BadKeyFile, match=says) as fault:
        SoftwareKeys.from_content(content)
    assert HEX not in str(fault.value)


IN_HSM = {
    "id": "visa-2", "kind": "3des", "state": "active",
    "hsm": "cavv-2", "kcv": "08d7b4", "kcv_first": "d5d44f",
}  # fmt: skip


def test_of_a_key_in_the_hsm_the_state_is_known_and_nothing_else() -> None:
    staged = {"id": "mc-2", "kind": "hmac", "state": "staged", "hsm": "iav", "kcv": "B61367"}
    keys = store(VISA, IN_HSM, staged)

    assert keys.state("visa-2") is KeyState.ACTIVE
    assert keys.in_hsm() == (
        KeyInHsm("mc-2", KeyKind.HMAC, KeyState.STAGED, "iav", "B61367"),
        KeyInHsm("visa-2", KeyKind.CVV, KeyState.ACTIVE, "cavv-2", "08D7B4", "D5D44F"),
    )
    with pytest.raises(KeysUnavailable, match="key visa-2 is in the HSM"):
        keys.cvv("visa-2", BLOCK)
    with pytest.raises(KeysUnavailable, match="key mc-2 is staged"):
        keys.hmac_sha256("mc-2", b"")
    assert [key.check_value for key in keys.listed()] == ["B61367", "08D7B4", "08D7B4"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hex": HEX}, "key visa-2 is in the HSM: it needs id, kind, state, hsm, kcv, kcv_first"),
        ({"kcv_first": None}, "it needs id, kind, state, hsm, kcv, kcv_first and nothing else"),
        ({"kind": "hmac"}, "it needs id, kind, state, hsm, kcv and nothing else"),
        ({"hsm": ""}, "key visa-2: hsm is no label of 1 to 64 characters"),
        ({"hsm": 7}, "key visa-2: hsm is no label of 1 to 64 characters"),
        ({"kcv": "08D7"}, "key visa-2: a check value has six hex digits"),
        ({"state": "old"}, "key visa-2 has no state out of staged, active, verify-only"),
        ({"kind": "aes"}, "key visa-2 has no kind out of 3des, hmac"),
        ({"id": ""}, "key number 1 has no id of 1 to 64 characters"),
    ],
)
def test_a_key_in_the_hsm_is_written_down_whole(change: dict[str, Any], says: str) -> None:
    row = {name: one for name, one in {**IN_HSM, **change}.items() if one is not None}

    with pytest.raises(BadKeyFile, match=says):
        store(row)
