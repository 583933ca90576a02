"""From a valid message and what a case changes in it to the bytes that are sent.

In a case's JSON a name may be dotted (``acctInfo.chAccDate``) and ``null`` removes the element.
Values may be made: ``{"@repeat": ["A", 41]}`` a long text, ``{"@list": ["01", 3]}`` a long list,
``{"@null": true}`` a JSON null, ``{"@by_version": {...}}`` (or ``@by_channel``) a choice,
``"@uuid"`` a new id, ``"@echo areq.dsTransID"`` what was said before, ``{"@text_of": {...}}`` JSON
as base64url, ``{"@joined": [...]}`` texts one after the other. Names that begin with @ shape the
bytes:
``@body`` (text as it is), ``@base64`` (bytes as they are), ``@json`` (another root), ``@duplicate``
(names written twice), ``@prefix``, ``@indent``, ``@http`` (method, headers).
"""

from __future__ import annotations

import base64
import copy
import json
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Said: TypeAlias = "Mapping[str, Any]"
_ABSENT = object()


class BadCase(Exception):
    """A case says something the runner does not understand; the message is a sentence."""


def changed(message: Mapping[str, Any], changes: Mapping[str, Any], said: Said) -> dict[str, Any]:
    """Give the message with a case's changes; ``said`` holds the facts and earlier messages."""
    result = copy.deepcopy(dict(message))
    for name, value in changes.items():
        if not name.startswith("@"):
            _put(result, name.split("."), value, said)
    return result


def to_bytes(message: Mapping[str, Any], changes: Mapping[str, Any], said: Said) -> bytes:
    """Write a message that ``changed`` gave, with what the changes say about its bytes."""
    if "@body" in changes:
        return str(made(changes["@body"], said)).encode()
    if "@base64" in changes:
        return base64.b64decode(changes["@base64"])
    root = made(changes["@json"], said) if "@json" in changes else message
    text = json.dumps(root, ensure_ascii=False, indent=changes.get("@indent"))
    for name in changes.get("@duplicate", ()):
        text = _with_twice(text, name.rpartition(".")[2])
    prefix: str = changes.get("@prefix", "")
    return (prefix + text).encode("utf-8", "surrogatepass")


def made(value: Any, said: Said) -> Any:  # noqa: ANN401 - JSON of any shape
    """Make the value that a case describes."""
    if isinstance(value, dict):
        return _made_of(value, said)
    if isinstance(value, list):
        return [made(one, said) for one in value]
    if value in ("@uuid", "@UUID"):
        return str(uuid4()) if value == "@uuid" else str(uuid4()).upper()
    if isinstance(value, str) and value.startswith("@upper "):
        return str(found(said, value.removeprefix("@upper "))).upper()
    if isinstance(value, str) and value.startswith("@echo "):
        return found(said, value.removeprefix("@echo "))
    return value


def found(said: Said, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """Find a dotted path such as ``areq.dsTransID``; raise BadCase when nobody said it."""
    here: Any = said
    for part in path.split("."):
        here = here.get(part, _ABSENT) if isinstance(here, dict) else _ABSENT
    if here is _ABSENT:
        message = f"nobody has said {path}"
        raise BadCase(message)
    return here


def chosen(value: Any, said: Said) -> Any:  # noqa: ANN401 - JSON of any shape
    """Follow ``@by_version``, ``@by_channel`` and ``@by_category`` to the value that holds."""
    while isinstance(value, dict):
        for name in ("version", "channel", "category"):
            if f"@by_{name}" in value:
                options = value[f"@by_{name}"]
                value = options.get(said[name], options.get("else", _ABSENT))
                break
        else:
            return value
        if value is _ABSENT:
            message = f"a choice has nothing for {said['version']} {said['channel']}"
            raise BadCase(message)
    return value


def _made_of(value: dict[str, Any], said: Said) -> Any:  # noqa: ANN401 - JSON of any shape
    followed = chosen(value, said)
    if followed is not value:
        return made(followed, said)
    for name, make in _MAKERS.items():
        if name in value:
            return make(value, said)
    return {name: made(one, said) for name, one in value.items()}


def _repeated(value: dict[str, Any], said: Said) -> str:
    text, times = value["@repeat"]
    return f"{value.get('@before', '')}{text * times}{made(value.get('@after', ''), said)}"


def _listed(value: dict[str, Any], said: Said) -> list[Any]:
    item, times = value["@list"]
    return [made(item, said) for _ in range(times)]


def _nothing(_value: dict[str, Any], _said: Said) -> None:
    return None


def _with_wrong_check_digit(_value: dict[str, Any], said: Said) -> str:
    pan: str = said["base"]["acctNumber"]
    return f"{pan[:-1]}{(int(pan[-1]) + 1) % 10}"


def _encoded(value: dict[str, Any], said: Said) -> str:
    text = json.dumps(made(value["@text_of"], said))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _joined(value: dict[str, Any], said: Said) -> str:
    return "".join(str(made(one, said)) for one in value["@joined"])


_MAKERS: dict[str, Callable[[dict[str, Any], Said], Any]] = {
    "@repeat": _repeated,
    "@list": _listed,
    "@null": _nothing,
    "@wrong_check_digit": _with_wrong_check_digit,
    "@text_of": _encoded,
    "@joined": _joined,
}


def _put(node: dict[str, Any], path: list[str], value: Any, said: Said) -> None:  # noqa: ANN401
    followed = chosen(value, said)
    *parents, last = path
    for name in parents:
        node = node.setdefault(name, {})
    if followed is None:
        node.pop(last, None)
    elif followed != "@keep":
        node[last] = made(followed, said)


def _with_twice(text: str, name: str) -> str:
    """Write a member a second time, right after the brace its object opens with or a comma."""
    start = text.index(f'"{name}": ')
    value_at = start + len(name) + 4
    _, end = json.JSONDecoder().raw_decode(text, value_at)
    return f"{text[:end]}, {text[start:end]}{text[end:]}"
