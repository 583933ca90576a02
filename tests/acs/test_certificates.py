"""When certificates end: by edge and by Directory Server; nothing of what cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import trustme

from acs import certificates, config
from tests.revocation import HOUR, NOW, revoked
from tests.signing import END, ec_key, key_pem, leaf, pem, root

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


def test_an_authority_that_is_trusted_ends_too(tmp_path: Path) -> None:
    """OpenSSL refuses everybody whom an authority certified that has ended."""
    shown, trusted = tmp_path / "shown.pem", tmp_path / "trusted.pem"
    shown.write_bytes(pem(leaf(ec_key())))
    trusted.write_bytes(pem(root(END), root(SOON)))
    network = {"id": "visa", "schemes": ["visa"], "hosts": ["ds.example"], "ca": str(trusted)}
    network |= {"client_subject": "ds.example", "client_ca": str(shown)}
    given = {"profile": "demo", "ds.directory_servers": [network]}
    given |= {"ds.tls_cert": str(shown), "ds.tls_key": "k.pem", "ds.client_ca": str(trusted)}
    settings = config.read(given=given)

    ends = certificates.tls_ends(settings, ["ds", "cardholder"])
    assert ends == {"ds": END, "client_ca:ds": SOON, "client_ca:ds:visa": END, "ca:visa": SOON}


def test_what_providers_and_the_database_ask_for_ends_too(tmp_path: Path) -> None:
    shown, trusted = tmp_path / "shown.pem", tmp_path / "trusted.pem"
    shown.write_bytes(pem(leaf(ec_key())))
    trusted.write_bytes(pem(root(SOON)))
    key = tmp_path / "key.pem"
    key.write_bytes(key_pem(ec_key()))
    files = {"ca": str(trusted), "tls_cert": str(shown), "tls_key": str(key)}
    carrier = {"host": "smsc.example", "system_id": "acs", "password_file": "p"} | files
    body = {"to": "{to}", "text": "{text}"}
    url = f"postgresql://h/d?sslmode=verify-full&sslrootcert={trusted}"
    given: dict[str, object] = {
        "profile": "demo",
        "sms.providers": ["b", "c"],
        "sms.sender": "Bank",
    }
    given |= {
        "sms.http": {name: {"url": "https://s.example/", "body": body, **files} for name in "ab"}
    }
    given |= {"sms.smpp": {"c": carrier}, "sim.ca": str(trusted)}
    given |= {"database.url": f"{url}&sslcert={shown}&sslkey={key}", "database.direct_url": url}
    settings = config.read(given=given)

    assert certificates.tls_ends(settings, []) == {
        "sms:b": END,
        "sms:c": END,
        "ca:sms:b": SOON,
        "ca:sms:c": SOON,
        "ca:sim": SOON,
        "database": END,
        "ca:database": SOON,
        "ca:database:direct": SOON,
    }


def test_revocation_lists_end_for_whoever_serves_their_edge(tmp_path: Path) -> None:
    """``acs work`` lets nobody in: it would tell of the list that was there when it started."""
    visa, file = trustme.CA(), tmp_path / "visa.crl"
    file.write_bytes(revoked(visa, end=NOW + 2 * HOUR) + revoked(visa, end=NOW + HOUR))
    trusted = {"client_ca": str(tmp_path / "ca.pem"), "client_crl": str(file)}
    network = {"id": "visa", "schemes": ["visa"], "hosts": ["ds.example"]}
    network |= {"client_subject": "ds.example", **trusted}
    given: dict[str, object] = {"profile": "demo", "ds.directory_servers": [network]}
    for edge in ("ds", "enrollment"):
        given |= {f"{edge}.tls_cert": "c.pem", f"{edge}.tls_key": "k.pem"}
        given |= {f"{edge}.{name}": path for name, path in trusted.items()}
    settings = config.read(given=given)

    served = certificates.tls_ends(settings, ["ds", "enrollment", "ops"])
    names = ("client_crl:ds", "client_crl:enrollment", "client_crl:ds:visa")
    assert served == dict.fromkeys(names, NOW + HOUR)
    assert certificates.tls_ends(settings, ["ops"]) == {}
