"""Where settings come from: the file, then the environment over it; every name must be known."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from acs.config import rules
from acs.config.listen import Listen
from acs.config.section import Section
from acs.config.settings import Settings
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG_VARIABLE = "ACS_CONFIG"
_PREFIX = "ACS_"
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_TESTS = "ACS_TEST_"  # what is said to the test suite is none of the service's business
_KUBERNETES = re.compile(
    r"(?:[A-Z0-9]+_)+(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9]+)*"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
).fullmatch
"""What it tells containers of a Service whose name begins with `acs`; no setting is named so."""


class ConfigError(Exception):
    """The settings do not fit; ``sentences`` say why, one per fault, for the operator."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        """Hold the sentences."""
        super().__init__("; ".join(sentences))
        self.sentences = sentences


def read(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """Read the settings: defaults, then ``given``, then the file, then the environment.

    ``path`` is asked for by the command line; without it ACS_CONFIG may name one, and without that
    there is no file. ``given`` are dotted names such as ``profile``: what a command implies.
    Raises ConfigError.
    """
    environ = environ or {}
    named = environ.get(CONFIG_VARIABLE)
    file = path or (Path(named) if named else None)
    tree: dict[str, Any] = {}
    for name, value in (given or {}).items():
        _put(tree, name, value)
    faults: list[str] = []
    _merge(tree, _file(file))
    for name, value in _environment(environ, faults):
        _put(tree, name, value)
    if faults:
        raise ConfigError(tuple(faults))
    settings = _shaped(tree)
    sentences = rules.judge(settings)
    if sentences:
        raise ConfigError(sentences)
    return settings


def leaves() -> Iterator[tuple[str, Any]]:
    """Give every setting's dotted name and its type, in the order of the classes."""
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        if isinstance(kind, type) and issubclass(kind, Section):
            for inner, leaf in get_type_hints(kind, include_extras=True).items():
                yield f"{name}.{inner}", leaf
        else:
            yield name, kind


def variable(name: str) -> str:
    """Give the environment variable of a setting: ``otp.lifetime_s`` -> ACS_OTP__LIFETIME_S."""
    return _PREFIX + name.replace(".", "__").upper()


def decode(kind: type, value: object) -> object:
    """Make what JSON and TOML have no type for; called by msgspec, raises ValueError."""
    if not isinstance(value, str):
        message = "expected a text"
        raise ValueError(message)  # noqa: TRY004 - msgspec turns ValueError into its own error
    if kind is Secret:
        return Secret(value)
    if kind is Listen:
        return Listen.parse(value)
    if issubclass(Path, kind) or issubclass(kind, Path):
        if not value or "\0" in value:
            message = "expected the path of a file"
            raise ValueError(message)
        return Path(value)
    raise NotImplementedError(kind)


def _file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{path} cannot be read: {error.strerror}",)) from error
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, of a number without end
        raise ConfigError((f"{path} is not TOML: {error}",)) from error


def _environment(environ: Mapping[str, str], faults: list[str]) -> Iterator[tuple[str, object]]:
    ours = [name for name in sorted(environ) if name.startswith(_PREFIX)]
    known = {variable(name): (name, kind) for name, kind in leaves()} if ours else {}
    for name in ours:
        if name == CONFIG_VARIABLE or name.startswith(_TESTS) or _KUBERNETES(name):
            continue
        if name not in known:
            faults.append(f"{name} names no setting")
            continue
        setting, kind = known[name]
        try:
            yield setting, _from_text(environ[name], kind)
        except _UNREADABLE as error:
            faults.append(f"{name}: {_plain(str(error))}")


def _from_text(text: str, kind: Any) -> object:  # noqa: ANN401 - a type form
    """Give the text as the TOML file would have held it, checked against the setting's type."""
    is_json = text.startswith(("[", "{")) and not _takes_text(kind, text)
    value = msgspec.json.decode(text) if is_json else text
    made = msgspec.convert(value, kind, strict=False, dec_hook=decode)
    return made if isinstance(made, bool | int | float) else value


def _takes_text(kind: Any, text: str) -> bool:  # noqa: ANN401 - a type form
    """Tell whether the setting is a text itself, such as ``[::1]:8081``."""
    try:
        msgspec.convert(text, kind, strict=True, dec_hook=decode)
    except _UNREADABLE:
        return False
    return True


def _shaped(tree: dict[str, Any]) -> Settings:
    faults: list[str] = []
    types = get_type_hints(Settings, include_extras=True)
    made: dict[str, Any] = {}
    for name, content in tree.items():
        if name not in types:
            faults.append(f"{name} names no setting")
            continue
        try:
            made[name] = msgspec.convert(content, types[name], dec_hook=decode)
        except _UNREADABLE as error:
            faults.append(_plain(str(error), name))
    if faults:
        raise ConfigError(tuple(faults))
    return Settings(**made)


def _put(tree: dict[str, Any], name: str, value: object) -> None:
    section, _, leaf = name.rpartition(".")
    if section:
        inner = tree.setdefault(section, {})
        if isinstance(inner, dict):
            inner[leaf] = value
    else:
        tree[leaf] = value


def _merge(tree: dict[str, Any], over: Mapping[str, Any]) -> None:
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            tree[name] |= value
        else:
            tree[name] = value


def _plain(message: str, section: str = "") -> str:
    """Turn msgspec's message into a sentence that names the setting."""
    text, _, path = message.partition(" - at `")
    where = f"{section}{path.removesuffix('`').removeprefix('$')}"
    unknown = text.removeprefix("Object contains unknown field `")
    if unknown != text:
        return f"{where}.{unknown.removesuffix('`')} names no setting"
    missing = text.removeprefix("Object missing required field `")
    if missing != text:
        return f"{where}.{missing.removesuffix('`')} is missing"
    return f"{where}: {text[:1].lower()}{text[1:]}" if where else text[:1].lower() + text[1:]
