from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import load_der_x509_certificate
from joserfc import jws as referee
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, RSAKey

from acs.crypto.jws import CHAIN_MAX, SIGNED_CONTENT_MAX, signed_content
from acs.crypto.keys import KeysUnavailable
from schemas import base64url
from schemas.messages.beside import BESIDE, read_usable
from tests.acs.crypto.test_key_agreement import OWN
from tests.signing import ec_key, leaf, root, rsa_key, signer

if TYPE_CHECKING:
    from acs.crypto.signer import SigningKey

URL = "https://acs.bank.example/challenge/app"
SDK_KEY = {name: OWN["sdk"][name] for name in ("kty", "crv", "x", "y")}
ACS_KEY = {name: OWN["acs"][name] for name in ("kty", "crv", "x", "y")}
REGISTRY = referee.JWSRegistry(algorithms=["PS256", "ES256"])
REGISTRY.max_header_length = SIGNED_CONTENT_MAX  # a chain is longer than what it expects


def signed(key: SigningKey) -> str:
    return signed_content(signer(key), acs_url=URL, acs_key=ACS_KEY, sdk_key=SDK_KEY)


def verified(content: str) -> tuple[dict[str, object], dict[str, object]]:
    """Let the second implementation verify with the key of the first certificate."""
    header = json.loads(base64url.decode(content.partition(".")[0]))
    certificate = load_der_x509_certificate(base64.b64decode(header["x5c"][0], validate=True))
    public = certificate.public_key()
    key: ECKey | RSAKey
    if isinstance(public, ec.EllipticCurvePublicKey):
        key = ECKey(public, public)
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        key = RSAKey(public, public)
    found = referee.deserialize_compact(content, key, registry=REGISTRY)
    return dict(found.protected), json.loads(found.payload)


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ES256", "PS256"])
def test_a_second_implementation_verifies_what_we_sign(key: SigningKey) -> None:
    header, payload = verified(signed(key))

    assert payload == {"acsURL": URL, "acsEphemPubKey": ACS_KEY, "sdkEphemPubKey": SDK_KEY}
    assert set(header) == {"alg", "x5c"}


@pytest.mark.parametrize(("key", "alg"), [(ec_key(), "ES256"), (rsa_key(), "PS256")])
def test_the_algorithm_is_that_of_the_key(key: SigningKey, alg: str) -> None:
    assert verified(signed(key))[0]["alg"] == alg


def test_the_chain_is_leaf_first_in_standard_base64() -> None:
    key = ec_key()
    header, _ = verified(signed_content(signer(key), acs_url=URL, acs_key=ACS_KEY, sdk_key=SDK_KEY))
    chain = header["x5c"]
    assert isinstance(chain, list)

    first, second = (load_der_x509_certificate(base64.b64decode(one)) for one in chain)

    assert first.public_key() == key.public_key()
    assert first.subject == leaf(key).subject
    assert second == root()


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_not_verified(part: int) -> None:
    parts = signed(ec_key()).split(".")
    raw = bytearray(base64url.decode(parts[part]))
    raw[len(raw) // 2] ^= 1
    parts[part] = base64url.encode(bytes(raw))
    key = ECKey(ec_key().public_key(), ec_key().public_key())

    with pytest.raises((BadSignatureError, ValueError)):
        referee.deserialize_compact(".".join(parts), key, registry=REGISTRY)


def test_what_a_key_does_not_need_is_not_signed() -> None:
    sdk_key = {**SDK_KEY, "kid": "1", "d": "theirs"}

    content = signed_content(signer(), acs_url=URL, acs_key={**ACS_KEY, "d": "x"}, sdk_key=sdk_key)

    payload = verified(content)[1]
    assert payload["sdkEphemPubKey"] == SDK_KEY
    assert payload["acsEphemPubKey"] == ACS_KEY


def test_the_payload_is_as_its_table_says() -> None:
    raw = base64url.decode(signed(ec_key()).split(".")[1])

    assert set(read_usable(BESIDE["acsSignedContentPayload"], raw)) == set(json.loads(raw))


def test_the_longest_chain_leaves_room_for_the_longest_rest() -> None:
    class Longest:
        """What the largest key of the field signs, 4096 bits, below the longest chain."""

        algorithm = "PS256"
        certificates = ("A" * 600,) * (CHAIN_MAX // 600)

        def sign(self, signing_input: bytes) -> bytes:
            assert signing_input.count(b".") == 1
            return b"\0" * 512

    url = "https://" + "a" * (2048 - len("https://"))

    content = signed_content(Longest(), acs_url=url, acs_key=ACS_KEY, sdk_key=SDK_KEY)

    assert len(content) <= SIGNED_CONTENT_MAX


def test_a_store_out_of_reach_is_told() -> None:
    class OutOfReach:
        """A hardware store that does not answer."""

        algorithm = "PS256"
        certificates = ()

        def sign(self, signing_input: bytes) -> bytes:
            raise KeysUnavailable(f"no answer for {len(signing_input)} bytes")

    with pytest.raises(KeysUnavailable):
        signed_content(OutOfReach(), acs_url=URL, acs_key=ACS_KEY, sdk_key=SDK_KEY)
