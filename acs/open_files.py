"""Files with a password in them that any account of the machine may read: told, never refused.

Keys, and the HSM's PIN, are refused when others may read them; a provider's or the database's
password is not, for a service that has run with it so far must start again. Somebody has to change
the file's mode.

Law: a file is named, nothing of its content is.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from acs import log
from acs.config.section import Section
from acs.config.source import CONFIG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acs.config import Settings

_WITH_PASSWORD = re.compile(r"://[^/?#@]*:[^/?#]*@|[?&]password=").search


def found(settings: Settings, config: Path | None) -> dict[str, Path]:
    """Give the files that anybody may read, by what names them; ``config`` as on the command line.

    One that is not there is told by who reads it.
    """
    named = dict(_named("", settings))
    config = config or Path(os.environ.get(CONFIG_VARIABLE, ""))
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    if any(password in text for password in _passwords(settings)):  # else the environment's
        named["the settings"] = config
    return {name: file for name, file in named.items() if _is_open(file)}


def sentence(name: str, file: Path) -> str:
    """Say it to a person."""
    return (
        f"{name}: {file} holds a password and may be read by every account of this machine: its "
        "mode should be 0400 or 0600, or 0640 with the service's group"
    )


def tell(settings: Settings, config: Path | None) -> None:
    """Say it in the log."""
    for name, file in found(settings, config).items():
        log.event("settings:open", level=logging.WARNING, source=name, path=str(file))


def _named(name: str, value: object) -> Iterator[tuple[str, Path]]:
    """Give the files with secrets that settings name, each by its setting."""
    match value:
        case Section():
            for inner in value.__struct_fields__:
                yield from _named(f"{name}.{inner}".lstrip("."), getattr(value, inner))
        case Path() if name.endswith("_file"):
            yield name, value
        case {"file": str(text), **more} if not more:  # within the templates of a provider
            yield name, Path(text)
        case dict():
            for key, inner in value.items():
                yield from _named(f"{name}.{key}", inner)
        case list() | tuple():
            for place, inner in enumerate(value):
                yield from _named(f"{name}[{place}]", inner)
        case _:
            return


def _passwords(settings: Settings) -> Iterator[str]:
    """Give what stands in the settings themselves and has a password in it."""
    for url in (settings.database.url, settings.database.direct_url):
        if url is not None and _WITH_PASSWORD(url.reveal()):
            yield url.reveal()
    for provider in settings.sms.http.values():
        if provider.basic_auth is not None and "{" not in provider.basic_auth[1]:
            yield provider.basic_auth[1]


def _is_open(file: Path) -> bool:
    """Tell whether everybody may read a file, and may enter each folder on the way to it."""
    try:
        real = file.resolve(strict=True)
        is_read = real.stat().st_mode & stat.S_IROTH
        return bool(is_read) and all(one.stat().st_mode & stat.S_IXOTH for one in real.parents)
    except OSError:
        return False
