"""Lists of clients' certificates that an authority has taken back, as a listener looks them up.

Laws: where one authority's clients are looked up, all are, for OpenSSL lets nobody in about whom it
finds no list. Every list is signed by an authority of the file beside it, so nobody gets in whom
another one below it certified: of such a one no list is there. That is why looking up the client's
own certificate is enough. The whole chain cannot be: OpenSSL would want a list of who stands above
an issuing authority that is trusted alone, and has nobody to check it by
(github.com/openssl/openssl/issues/5081).

What is no whole list of clients is refused. OpenSSL takes a list of changes (a delta) for a whole
one, and being newer it would hide whom the list before it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from acs.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.x509 import Certificate, CertificateRevocationList

# Where a line ends as OpenSSL has it: of two files put together without one it reads the first.
_LIST = re.compile(
    rb"^-----BEGIN X509 CRL-----\s[^-]*^-----END X509 CRL-----[ \t\r]*$", re.MULTILINE
)
_ANYTHING = re.compile(rb"-----BEGIN ")
_UNREADABLE = (ValueError, x509.InvalidVersion)


def judge(trusted: Mapping[str, frozenset[bytes]], files: Mapping[str, Path]) -> None:
    """Raise ConfigError unless every authority has signed a list, and every list is of one of them.

    ``trusted`` are the authorities in DER by their setting, ``files`` the lists by the same.
    """
    faults: list[str] = []
    for client_ca, authorities in trusted.items():
        name = beside(client_ca)
        if client_ca not in files:
            faults.append(f"{name} is missing: where one client_ca has its lists, each needs them")
            continue
        try:
            lists = read(files[client_ca], name)
            found = [x509.load_der_x509_certificate(one) for one in sorted(authorities)]
            faults += _unmatched(lists, found, client_ca, f"{name}: {files[client_ca]}")
        except ConfigError as error:
            faults += error.sentences
        except _UNREADABLE:
            faults.append(f"{name} needs authorities that can be read, which {client_ca} has not")
    if faults:
        raise ConfigError(tuple(faults))


def beside(client_ca: str) -> str:
    """Give the setting of the lists beside that of the authorities."""
    return f"{client_ca.removesuffix('client_ca')}client_crl"


def read(file: Path, name: str) -> Sequence[CertificateRevocationList]:
    """Read the lists of a file; raise ConfigError when there is none, or anything else."""
    try:
        text = file.read_bytes()
        lists = [x509.load_pem_x509_crl(one) for one in _LIST.findall(text)]
        faults = {fault for one in lists if (fault := _shortcoming(one)) is not None}
    except (OSError, *_UNREADABLE) as error:
        message = f"{name}: {file} holds no revocation list: {type(error).__name__}"
        raise ConfigError((message,)) from error
    if not lists:
        faults.add("holds no revocation list in PEM")
    elif len(lists) != len(_ANYTHING.findall(text)):
        # Danger: a certificate among them would become an authority of the listener.
        faults.add("holds more than whole revocation lists")
    if faults:
        raise ConfigError(tuple(f"{name}: {file} {fault}" for fault in sorted(faults)))
    return lists


def untimely(file: Path, name: str, now: datetime) -> Iterator[str]:
    """Say which lists of a file are not valid now, so that nobody of their authority gets in."""
    for one in read(file, name):
        if now < one.last_update_utc:
            yield f"{name}: {file}: the list of {_of(one)} begins on {one.last_update_utc}"
        if (end := one.next_update_utc) is not None and end <= now:
            yield f"{name}: {file}: the list of {_of(one)} ended on {end}"


def good_until(file: Path) -> datetime | None:
    """Tell when the first list of a file ends; None where there is none to be read."""
    try:
        return min(end for one in read(file, "") if (end := one.next_update_utc) is not None)
    except ConfigError:
        return None


def _shortcoming(one: CertificateRevocationList) -> str | None:
    """Say what keeps a list from telling of every client of its authority, and until when."""
    name, begin, end = _of(one), one.last_update_utc, one.next_update_utc
    if end is None or end <= begin:
        return f"holds a list of {name} that does not say when it ends"
    scopes = [extension.value for extension in one.extensions]
    for scope in scopes:
        if isinstance(scope, x509.DeltaCRLIndicator):
            return f"holds a list of {name} that tells changes only"
        if isinstance(scope, x509.IssuingDistributionPoint) and (
            scope.only_contains_ca_certs
            or scope.only_contains_attribute_certs
            or scope.indirect_crl
            or scope.only_some_reasons
        ):
            return f"holds a list of {name} that does not tell of all its clients"
    return None


def _unmatched(
    lists: Sequence[CertificateRevocationList],
    authorities: Sequence[Certificate],
    client_ca: str,
    where: str,
) -> Iterator[str]:
    for one in lists:
        if not any(_is_signed_by(one, authority) for authority in authorities):
            yield f"{where}: no authority of {client_ca} has signed the list of {_of(one)}"
    for authority in authorities:
        subject = authority.subject.rfc4514_string()
        if not any(_is_signed_by(one, authority) for one in lists):
            yield f"{where} holds no list of {subject}, an authority of {client_ca}"
        if any(_names(one, authority) for one in lists):
            yield f"{where} takes {subject} back: it must not stay in {client_ca}"


def _is_signed_by(one: CertificateRevocationList, authority: Certificate) -> bool:
    try:
        key = authority.public_key()
        return one.issuer == authority.subject and one.is_signature_valid(key)  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):  # a key or a signature of no known kind
        return False


def _names(one: CertificateRevocationList, authority: Certificate) -> bool:
    serial = authority.serial_number
    is_its_own = one.issuer == authority.issuer
    return is_its_own and one.get_revoked_certificate_by_serial_number(serial) is not None


def _of(one: CertificateRevocationList) -> str:
    return one.issuer.rfc4514_string()
