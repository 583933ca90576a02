"""Revocation lists as an authority makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

if TYPE_CHECKING:
    import trustme

NOW = datetime.now(UTC).replace(microsecond=0)
"""OpenSSL looks at the machine's clock, so lists begin and end by it."""
HOUR = timedelta(hours=1)


def revoked(
    authority: trustme.CA,
    *certificates: trustme.Blob,
    begin: datetime = NOW - HOUR,
    end: datetime = NOW + 24 * HOUR,
    scope: x509.ExtensionType | None = None,
) -> bytes:
    """Give the list in PEM by which an authority takes these certificates back."""
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject)
        .last_update(begin)
        .next_update(end)
    )
    if scope is not None:
        made = made.add_extension(scope, critical=True)
    for blob in certificates:
        serial = x509.load_pem_x509_certificate(blob.bytes()).serial_number
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begin)
        made = made.add_revoked_certificate(one.build())
    key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)
