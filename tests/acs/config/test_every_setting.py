"""Every setting, and every member of its entries, with what it must not be.

The classes are walked over: a setting that is added is tried as well, and one of a new kind of
entry is missed here until ``whole`` has such an entry. What a start would read is read.
"""

from __future__ import annotations

import json
import types
from copy import deepcopy
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pytest
import trustme

from acs import checking, config, policies
from acs.config import ConfigError, Listen
from acs.config.section import Section
from acs.config.settings import Settings
from acs.config.smpp_settings import SmppProvider
from acs.value_keys import value_keys
from schemas.secret import Secret
from tests.revocation import revoked
from tests.signing import ec_key, key_pem, leaf, pem, root

if TYPE_CHECKING:
    from collections.abc import Iterator

Steps = tuple[str | int, ...]
ROOT = Path(__file__).resolve().parents[3]

TEXTS: tuple[object, ...] = (
    5,
    True,
    [],
    {},
    "",
    "a\nb",
    "a\0b",
    " a",
    "a ",
    "a\u200b",
    "\u202ea",
    "\udcff",
)
URLS = (
    "x",
    "//acs.example",
    "https://",
    "ftp://acs.example",
    "http://acs.example",
    "https://acs example",
    "https://acs..example",
    f"https://{'a' * 64}.example",
    "https://acs.example:0",
    "https://acs.example:99999",
    "https://[acs",
    "https://user:canary@acs.example",
    "https://żółw.example",
)
LISTENS = (5, "", "x", "h:", "h:99999", "h:²", "::1:80", "a b:1", "a..b:1", "[h]:1", "127.0.0.1:-1")
NUMBERS: tuple[object, ...] = ("5", "", [], {}, -1, -(10**30), 10**12, 10**30, float("nan"))
ADDRESSES = (5, "", "x", "postgresql://h:99999/d", "postgresql://canary@[h/d", "mysql://h/d")
NO_TEMPLATES = ({"k": 1.5}, {"k": None}, {"k": "a\0b"}, {"k": [{"m": float("nan")}]})
MADE_AT_THE_START = {("data_dir",), ("keys", "dir")}
TOLD = {"body", "headers", "values", "alphabets", "reply_body"}
HEARD = {"accepted", "permanent", "retryable", "states", "expired_reasons", "joined"}
OWN_WORDS = TOLD | HEARD
"""In a provider's own language; in JSON templates numbers and truths stand as well."""


def walked(kind: type[Section], where: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Give the way to each leaf, through the entries of ``whole``, and its type."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner, steps = bare(hint), (*where, name)
        entry = entry_of(inner)
        if entry is not None:
            yield from walked(entry[0], (*steps, *entry[1]))
        if not is_section(inner):
            yield steps, inner


def entry_of(hint: Any) -> tuple[type[Section], Steps] | None:
    """Give the class of a section, or of the entries of a list or table, and the way to one."""
    if is_section(hint):
        return hint, ()
    inside = [bare(part) for part in get_args(hint) if part is not Ellipsis]
    if inside and is_section(inside[-1]):
        name = "smsc" if inside[-1] is SmppProvider else "carrier"
        return inside[-1], (0,) if get_origin(hint) is tuple else (name,)
    return None


def is_section(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section)


def bare(hint: Any) -> Any:
    """Take notes and None off a type."""
    if get_origin(hint) is Annotated:
        return bare(get_args(hint)[0])
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
        return bare(hint)
    return hint


def wrong(hint: Any, steps: Steps) -> Iterator[object]:
    """Give values that no setting of this type may have."""
    name, hint, origin = str(steps[-1]), bare(hint), get_origin(bare(hint))
    if origin is Literal:
        yield from ("nonsense", "", 5, [], True)
    elif origin in {tuple, frozenset}:
        inner = [part for part in get_args(hint) if part is not Ellipsis]
        yield from ("x", 5, {}, *([one] for one in wrong(inner[0], steps)))
        yield from ([["x"] * 3] if len(inner) > 1 else ())
    elif origin is dict:
        key, inner = get_args(hint)
        known = next(iter(get_args(bare(key))), "k")
        yield from ("x", 5, [])
        yield from (NO_TEMPLATES if inner is Any else ({known: one} for one in wrong(inner, steps)))
    elif hint is str:
        yield from (one for one in TEXTS if is_wrong_text(one, name))
        yield from URLS if name.endswith(("url", "origin", "links")) else ()
    else:
        yield from {
            **dict.fromkeys(Section.__subclasses__(), ("x", 5, [])),
            bool: ("yes", 1, "", [], {}),
            int: (*NUMBERS, 1.5, True),
            float: (*NUMBERS, float("inf"), float("-inf"), True),
            Path: (5, True, [], {}, "", "a\0b"),
            Listen: LISTENS,
            Secret: ADDRESSES,
        }[hint]


def is_wrong_text(text: object, name: str) -> bool:
    if name in {"bank_phone", "system_type"} and text == "":
        return False
    if name in OWN_WORDS:
        return not isinstance(text, str) or text in {"a\0b", "\udcff"}
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with everything that ``whole`` names."""
    place = tmp_path_factory.mktemp("files")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(place / "ca.pem")
    (place / "ca.crl").write_bytes(revoked(authority))
    made = authority.issue_cert("acs.example")
    made.cert_chain_pems[0].write_to_path(place / "tls.pem")
    texts = {
        "secret": "s" * 40,
        "password": "pass",
        "values.json": '{"keys": []}',
        "rubbish": "rubbish that is longer than eight\n",
    }
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")
    made.private_key_pem.write_to_path(place / "tls.key")
    (place / "sdk.key").write_bytes(key_pem(ec_key()))
    (place / "sdk.pem").write_bytes(pem(leaf(ec_key()), root()))
    (place / "caller.pem").write_bytes(public_pem())
    for name in ("tls.key", "sdk.key", "secret", "password", "values.json"):
        (place / name).chmod(0o600)
    return place


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec_key("caller").public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def of_tls(folder: Path) -> dict[str, str]:
    return {"tls_cert": str(folder / "tls.pem"), "tls_key": str(folder / "tls.key")}


def network(folder: Path) -> dict[str, Any]:
    """Give a Directory Server."""
    return {
        "id": "visa",
        "schemes": ["visa"],
        "client_subject": "ds.visa.example",
        "hosts": ["ds.visa.example", "ds.visa.example:8443", "::1"],
        "rreq_url": "https://ds.visa.example/rreq?from=acs",
        "values": {"acctType": ["80"]},
        "sdk_signing_key": str(folder / "sdk.key"),
        "sdk_signing_certs": str(folder / "sdk.pem"),
        "ca": str(folder / "ca.pem"),
        "client_ca": str(folder / "ca.pem"),
        "client_crl": str(folder / "ca.crl"),
        **of_tls(folder),
    }


def messages(folder: Path) -> dict[str, Any]:
    """Give the way to the phone, with a provider of each kind."""
    rule, secret = {"path": "state", "accepted": ["ok"]}, str(folder / "secret")
    out = {"ca": str(folder / "ca.pem"), **of_tls(folder)}
    carrier = {
        "url": "https://sms.example/send?to={plain}",
        "values": {"plain": "a b", "secret": {"file": secret}},
        "body": {"to": "{to}", "text": "{text}\n", "urgent": True, "parts": [1]},
        "headers": {"X-Token": "{secret}"},
        "answer": [rule],
        "query": {"url": "https://sms.example/{id}", "answer": [rule]},
        "reports": {
            "format": "query",
            "sms_id": "id",
            "state": ["s"],
            "states": {"D": "delivered"},
            "joined": "\n",
        },
        "report_token_file": secret,
        **out,
    }
    smsc = {
        "host": "smsc.example",
        "system_id": "bank",
        "password_file": str(folder / "password"),
        **out,
    }
    return {
        "providers": ["inbox", "carrier", "smsc"],
        "routes": [{"prefix": "48", "providers": {"inbox": 1}}],
        "http": {"carrier": carrier},
        "smpp": {"smsc": smsc},
    }


def whole(folder: Path) -> dict[str, Any]:
    """Give settings that use everything there is, one entry of each kind."""
    ca, crl, tls = str(folder / "ca.pem"), str(folder / "ca.crl"), of_tls(folder)
    caller = {"name": "core", "iss": "core", "kid": "1", "sub": "core", "scopes": ["card:read"]}
    theme = ROOT / "loadtests" / "network" / "theme" / "bank.toml"
    made: dict[str, Any] = {name: {**tls} for name in ("cardholder", "portal", "ops", "receipts")}
    made["ds"] = {**tls, "client_ca": ca, "client_crl": crl, "directory_servers": [network(folder)]}
    made["enrollment"] = {
        **tls,
        "client_ca": ca,
        "client_crl": crl,
        "callers": [{**caller, "public_key": str(folder / "caller.pem")}],
        "api_origin": "https://api.bank.example:8443",
    }
    made["cardholder"] |= {"themes": {"bank": str(theme)}, "proxies": ["10.0.0.0/8", "::1"]}
    made["receipts"]["public_url"] = "https://acs.bank.example/sms"
    made["portal"] |= {
        "host_url": "http://127.0.0.1:9000/block?from=acs",
        "public_url": "https://bank.example",
        "links": {"wallet": "https://bank.example/wallet?a=b#c"},
    }
    made["sms"] = messages(folder)
    made["sim"] = {
        "url": "https://operator.example/v1",
        "token_url": "https://operator.example/token",
        "lookup_url": "https://operator.example/numbers",
        "client_id": "acs",
        "client_secret_file": str(folder / "secret"),
        "ca": ca,
    }
    made["hsm"] = {
        "module": str(folder / "rubbish"),
        "token": "acs",
        "pin_file": str(folder / "secret"),
    }
    made["database"] = {"url": "postgresql://h/d", "direct_url": "postgresql://u@[::1]:5432/d"}
    made["keys"] = {"authentication_values": str(folder / "values.json")}
    return made | {"profile": "demo", "data_dir": str(folder / "var")}


def changed(tree: dict[str, Any], steps: Steps, value: object) -> dict[str, Any]:
    """Give the tree with one leaf changed."""
    made = deepcopy(tree)
    place: Any = made
    for step in steps[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if steps[0] == "database":  # the address stands in one place
        for name in (f"{steps[-1]}_file", str(steps[-1]).removesuffix("_file")):
            place.pop(name, None)
    if isinstance(value, dict) and isinstance(place.get(steps[-1]), dict) and value:
        value = place[steps[-1]] | value
    place[steps[-1]] = value
    return made


def said_of(tree: dict[str, Any], *, draws: bool = False) -> str:
    """Give what a start says against these settings; nothing where it finds no fault.

    The pages, which take long to compile, are left out but for ``draws``.
    """
    try:
        settings = config.read(given=tree)
        for look in (*checking.LOOKS, value_keys):
            if draws or look is not policies.pages:
                look(settings)
    except ConfigError as error:
        return "\n".join(error.sentences)
    return ""


LEAVES = list(walked(Settings))


def shown(steps: object) -> str | None:
    return ".".join(map(str, steps)) if isinstance(steps, tuple) else None


def test_settings_that_use_everything_fit(folder: Path) -> None:
    assert said_of(whole(folder), draws=True) == ""


def test_every_kind_of_entry_is_among_them(folder: Path) -> None:
    entries = {steps[:-1] for steps, _ in LEAVES if len(steps) > len(("section", "setting"))}

    assert len(entries) >= 9
    for steps in entries:
        place: Any = whole(folder)
        for step in steps:
            place = place[step]


@pytest.mark.parametrize(("steps", "hint"), LEAVES, ids=shown)
def test_no_wrong_value_starts(steps: Steps, hint: Any, folder: Path) -> None:
    tree = whole(folder)
    named = str(steps[-1]).removesuffix("_file")

    missed = []
    for value in wrong(hint, steps):
        said = said_of(changed(tree, steps, value))
        if named not in said or "canary" in said:
            missed.append((value, said))
    assert missed == []


PATHS = [
    (steps, hint)
    for steps, hint in LEAVES
    if Path in {hint, *get_args(hint)} and steps not in MADE_AT_THE_START
]


@pytest.mark.parametrize(("steps", "hint"), PATHS, ids=shown)
def test_no_wrong_file_starts(steps: Steps, hint: Any, folder: Path) -> None:
    tree = whole(folder)
    files = ["nowhere", "secret/inside", ".", "rubbish"]
    if steps[-1] in {"client_secret_file", "module"}:
        files.remove("rubbish")  # any text may be one; what a module is, its helper finds out

    for file in files:
        path = str(folder / file)
        value = path if hint is Path else {"bank": path}
        said = said_of(changed(tree, steps, value), draws="themes" in steps)
        is_named = str(steps[-1]).removesuffix("_file") in said
        assert is_named or (str(steps[0]) in said and path in said), file
        assert "rubbish that" not in said


def test_a_variable_of_the_environment_is_judged_alike(folder: Path) -> None:
    for name, text in (
        ("ACS_DS__TLS_CERT", ""),
        ("ACS_DATABASE__ROLE", ""),
        ("ACS_PORTAL__BANK_NAME", "Bank\udcff"),
        ("ACS_SMS__PROVIDERS", "[" * 100_000),
        ("ACS_PORTAL__HOST_URL", "http://host.example/block"),
        ("ACS_WORK__POLL_S", "nan"),
        ("ACS_OTP__TOTAL_DAY", str(10**12)),
    ):
        setting = name.removeprefix("ACS_").replace("__", ".").lower()
        with pytest.raises(ConfigError) as error:
            config.read(environ={name: text, "ACS_PROFILE": "demo"})
        assert setting in str(error.value).lower() or name in str(error.value)


def test_a_file_of_settings_without_end_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "acs.toml"
    for text in ("a = " + "[" * 100_000, "a = " + "9" * 10_000, json.dumps({"a": 1})):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match="is not TOML"):
            config.read(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(tmp_path)
