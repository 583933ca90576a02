"""When certificates end: by edge and by Directory Server, and nothing of what cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from acs import certificates, config
from tests.signing import END, ec_key, leaf, pem, root

if TYPE_CHECKING:
    from pathlib import Path

SOON = END - timedelta(days=365)


def test_the_first_certificate_of_a_chain_counts(tmp_path: Path) -> None:
    chain, odd = tmp_path / "chain.pem", tmp_path / "odd.pem"
    chain.write_bytes(pem(leaf(ec_key()), root(SOON)))
    odd.write_text("no certificate")
    network = {"id": "visa", "schemes": ["visa"], "hosts": ["ds.example"]}
    network |= {"tls_cert": str(chain), "tls_key": "k.pem"}
    given = {"profile": "demo", "ds.directory_servers": [network]}
    given |= {"portal.tls_cert": str(odd), "portal.tls_key": "k.pem"}
    given |= {"cardholder.tls_cert": str(chain), "cardholder.tls_key": "k.pem"}
    settings = config.read(given=given)

    served = certificates.tls_ends(settings, ["cardholder", "portal", "ops"])
    assert served == {"cardholder": SOON, "rreq:visa": SOON}
    assert certificates.tls_ends(settings, []) == {"rreq:visa": SOON}
