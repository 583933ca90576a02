"""Files that hold a secret: keys, passwords, tokens, the address of a database.

Laws:
- What a file holds is never shown: not in an error, not in a log.
- A key's file that others may read is refused: who could read it may have. Passwords and tokens
  often come by a group, so theirs are not; ``acs check-config`` warns of those open to everybody.
- Every error names the setting (``where``), the file and why.
"""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from acs.config import ConfigError
from acs.config.addresses import dsn_fault, dsn_tls
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.config import Settings


def text_of(file: Path, where: str) -> Secret:
    """Read a text without the blanks round it; raises ConfigError."""
    try:
        return Secret(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise _unreadable(file, where, error) from error
    except UnicodeDecodeError:  # Secret: its words would quote the file
        raise ConfigError((f"{where}: {file} is not a text",)) from None


def database_addresses(settings: Settings) -> tuple[str | None, str | None]:
    """Give the address of the database, None = the embedded one, and that for a session.

    Raises ConfigError for a file that holds none, and for certificates that cannot be used.
    """
    given = settings.database
    address = _address(given.url, given.url_file, "database.url")
    direct = _address(given.direct_url, given.direct_url_file, "database.direct_url")
    return address, direct or address


def _address(given: Secret | None, file: Path | None, where: str) -> str | None:
    if file is not None:
        where = f"{where}_file"
        address = text_of(file, where).reveal()
        fault = dsn_fault(address)
        if fault is not None:
            raise ConfigError((f"{where}: what {file} holds {fault}",))
    elif given is not None:
        address = given.reveal()
    else:
        return None
    _refuse_without_certificates(dsn_tls(address), where)
    return address


def _refuse_without_certificates(named: Mapping[str, str], where: str) -> None:
    """Refuse files of TLS that the driver cannot use: it would say so at each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    root, cert, key = (named.get(name) for name in ("sslrootcert", "sslcert", "sslkey"))
    mode = named.get("sslmode", "")
    if mode.startswith("verify") and not root and not _has_authority_at_home():
        sentence = f"{where}: sslmode={mode} needs sslrootcert, the file of who signs the server's"
        raise ConfigError((f"{sentence} certificate",))
    try:
        if root:
            context.load_verify_locations(root)
    except OSError as error:
        message = f"{where}: sslrootcert {root} holds no certificate authority"
        raise ConfigError((f"{message}: {type(error).__name__}",)) from error
    try:
        if cert:
            context.load_cert_chain(cert, key, password=lambda: named.get("sslpassword", ""))
    except (OSError, ValueError) as error:
        # Secret: the library's text may quote the file.
        message = f"{where}: sslcert {cert}, sslkey {key}: no certificate with its key"
        raise ConfigError((f"{message}: {type(error).__name__}",)) from None


def _has_authority_at_home() -> bool:
    """Tell whether the driver finds one where PostgreSQL's own programs look."""
    if os.environ.get("PGSSLROOTCERT"):
        return True
    try:
        return (Path.home() / ".postgresql" / "root.crt").exists()
    except (RuntimeError, OSError):  # no home, or none that this account may enter
        return False


def private(file: Path, where: str) -> bytes:
    """Read a file that its owner alone may read; raises ConfigError."""
    refuse_if_open(file, where)
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unreadable(file, where, error) from error


def refuse_if_open(file: Path, where: str) -> None:
    """Refuse a file that others may read, which is not read here; raises ConfigError."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise _unreadable(file, where, error) from error
    if mode & 0o077:
        sentence = f"{where}: {file} is open to others: its mode must be 0400 or 0600"
        raise ConfigError((sentence,))


def _unreadable(file: Path, where: str, error: OSError) -> ConfigError:
    return ConfigError((f"{where}: {file} cannot be read: {error.strerror}",))
