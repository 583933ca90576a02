from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from acs.crypto.jws import CHAIN_MAX
from acs.crypto.signer import BadSigningKey, SoftwareSigner, good_from, good_until
from tests.signing import START, certificate, ec_key, key_pem, leaf, pem, root, rsa_key, signer

if TYPE_CHECKING:
    from acs.crypto.keys import ContentSigner
    from acs.crypto.signer import SigningKey

INPUT = b"header.payload"
_ROOT = Path(__file__).resolve().parents[3]
_SIGNS = """
import sys
from pathlib import Path
from acs.crypto.signer import SoftwareSigner
one = SoftwareSigner.from_pem(*(Path(name).read_bytes() for name in sys.argv[1:]))
before = set(sys.modules)
one.sign(b"header.payload")
print(*sorted(set(sys.modules) - before))
"""


def test_the_software_signer_stands_behind_the_port() -> None:
    found: ContentSigner = signer()

    assert found.algorithm == "ES256"


def test_a_signature_needs_no_file_that_is_not_open_yet(tmp_path: Path) -> None:
    """A process may have no descriptor left when its first app comes, and a module is a file."""
    key, certs = tmp_path / "key.pem", tmp_path / "certs.pem"
    key.write_bytes(key_pem(ec_key()))
    certs.write_bytes(pem(leaf(ec_key())))
    signed = subprocess.run(
        [sys.executable, "-c", _SIGNS, str(key), str(certs)],
        cwd=_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert signed.stdout.split() == []


def test_files_give_a_signer() -> None:
    found = SoftwareSigner.from_pem(key_pem(rsa_key()), pem(leaf(rsa_key()), root()))

    assert found.algorithm == "PS256"
    assert len(found.certificates) == 2


def test_the_root_may_stay_at_home() -> None:
    assert len(SoftwareSigner(ec_key(), [leaf(ec_key())]).certificates) == 1


def test_a_signature_on_p_256_is_r_and_s() -> None:
    ours = signer()
    for number in range(300):  # one in 128 has a number with a leading zero
        text = INPUT + bytes([number % 256])
        signature = ours.sign(text)
        assert len(signature) == 64
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        ec_key().public_key().verify(encode_dss_signature(r, s), text, ec.ECDSA(SHA256()))


def test_it_is_good_until_the_first_certificate_ends() -> None:
    end = datetime(2027, 5, 1, tzinfo=UTC)

    assert good_until(SoftwareSigner(ec_key(), [leaf(ec_key(), end), root()])) == end


def test_it_is_good_from_when_the_last_certificate_begins() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)

    assert good_from(SoftwareSigner(ec_key(), [leaf(ec_key()), root()])) == START
    assert good_from(SoftwareSigner(ec_key(), [leaf(ec_key(), start=start), root()])) == start


def test_it_shows_its_algorithm_only() -> None:
    assert repr(signer()) == "SoftwareSigner(ES256)"


def wrong_with(key: bytes, chain: bytes) -> str:
    with pytest.raises(BadSigningKey) as refused:
        SoftwareSigner.from_pem(key, chain)
    return str(refused.value)


@pytest.mark.parametrize("chain", [b"", b"certificate", key_pem(ec_key())])
def test_what_is_no_certificate_is_refused(chain: bytes) -> None:
    assert wrong_with(key_pem(ec_key()), chain) == "the certificates are not PEM"


def test_what_is_no_key_is_refused() -> None:
    chain = pem(leaf(ec_key()))
    sentence = "the key is not an unencrypted private key in PEM"
    locked = ec_key().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
    )

    assert wrong_with(b"", chain) == sentence
    assert wrong_with(chain, chain) == sentence
    assert wrong_with(locked, chain) == sentence


def test_a_key_of_another_kind_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert wrong_with(raw, pem(leaf(ec_key()))) == "the key is neither RSA nor P-256"


def test_a_short_rsa_key_is_refused() -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is refused

    assert wrong_with(key_pem(key), pem(leaf(key))) == (
        "an RSA key needs 2048 bits, this one has 1024"
    )


def test_another_curve_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1())

    assert wrong_with(key_pem(key), pem(leaf(key))) == (
        "the key is on the curve secp384r1, not on P-256"
    )


@pytest.mark.parametrize("key", [ec_key("another"), rsa_key()], ids=["P-256", "RSA"])
def test_the_certificate_of_another_key_is_refused(key: SigningKey) -> None:
    assert wrong_with(key_pem(key), pem(leaf(ec_key()))) == (
        "the first certificate belongs to another key"
    )


def test_a_certificate_that_may_not_sign_is_refused() -> None:
    usage = certificate("acs", ec_key(), issuer=("root", ec_key("root")), usage="key_encipherment")

    assert wrong_with(key_pem(ec_key()), pem(usage)) == (
        "the first certificate is not for signatures"
    )


def test_a_chain_with_a_gap_is_refused() -> None:
    middle = certificate(
        "middle", ec_key("middle"), issuer=("root", ec_key("root")), usage="key_cert_sign"
    )
    below = certificate("acs", ec_key(), issuer=("middle", ec_key("middle")))
    key = key_pem(ec_key())

    assert len(SoftwareSigner.from_pem(key, pem(below, middle, root())).certificates) == 3
    assert wrong_with(key, pem(below, root())) == (
        "certificate 1 is not issued by the one after it"
    )
    assert wrong_with(key, pem(below, root(), middle)).startswith("certificate 1 is not issued")
    assert wrong_with(key, pem(below, middle, leaf(ec_key()))).startswith("certificate 2 is not")


def chained(**middle: Any) -> bytes:
    """Give a chain through an intermediate certificate like this."""
    key = middle.pop("key", ec_key("middle"))
    found = certificate(
        "middle", key, issuer=("root", ec_key("root")), **{"usage": "key_cert_sign", **middle}
    )
    return pem(certificate("acs", ec_key(), issuer=("middle", key)), found, root())


@pytest.mark.parametrize(
    ("middle", "wrong"),
    [
        ({"is_ca": False}, "is not one of a CA"),
        ({"usage": "digital_signature", "is_ca": True}, "is not one of a CA"),
        ({"key": rsa_key(1024)}, "has a key that is weak or of a strange kind"),
        ({"key": ec.generate_private_key(ec.SECP192R1())}, "has a key that is weak"),
    ],
)
def test_a_chain_that_no_sdk_would_follow_is_refused(middle: dict[str, Any], wrong: str) -> None:
    assert wrong_with(key_pem(ec_key()), chained(**middle)).startswith(f"certificate 2 {wrong}")


@pytest.mark.parametrize("key", [rsa_key(), ec.generate_private_key(ec.SECP384R1())])
def test_a_chain_through_a_strong_ca_is_taken(key: SigningKey) -> None:
    found = SoftwareSigner.from_pem(key_pem(ec_key()), chained(key=key))

    assert len(found.certificates) == 3


def test_a_certificate_of_the_same_name_from_another_ca_is_a_gap() -> None:
    forged = certificate("acs", ec_key(), issuer=("root", ec_key("another")))

    assert wrong_with(key_pem(ec_key()), pem(forged, root())).startswith("certificate 1")


def test_a_chain_without_room_for_the_rest_is_refused() -> None:
    chain = [leaf(ec_key()), *[root()] * (CHAIN_MAX // 400)]

    assert wrong_with(key_pem(ec_key()), pem(*chain)) == (
        "the certificates are too long for acsSignedContent"
    )
