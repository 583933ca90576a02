"""Values and signatures made in the token: software and ``cryptography`` are the referees."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from acs.crypto.keys import KeysUnavailable, RemoteSigner, RemoteValueKeys
from acs.crypto.signer import PSS, BadSigningKey
from acs.crypto.software import SoftwareKeys
from acs.hsm.driver import Hsm
from acs.hsm.keys import HsmSigner, HsmValueKeys, wanted
from acs.hsm.session import Patience
from tests import hsm as tokens
from tests import signing
from tests.hsm import softhsm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from acs.crypto.signer import SigningKey
    from acs.hsm.link import Place
    from tests.hsm import SoftHsm

__all__ = ["softhsm"]
FILE = SoftwareKeys.from_content(tokens.value_file())
SOFTWARE = SoftwareKeys.from_content(
    {
        "keys": [
            {"id": "visa-1", "kind": "3des", "state": "active", "hex": tokens.CVV_HEX},
            {"id": "mc-1", "kind": "hmac", "state": "active", "hex": tokens.HMAC_HEX},
        ]
    }
)


@asynccontextmanager
async def reached(place: Place, *signers: HsmSigner) -> AsyncIterator[HsmValueKeys]:
    keys = [*(wanted(one) for one in FILE.in_hsm()), *(one.key() for one in signers)]
    hsm = Hsm(place, keys, Patience(ask_s=30.0))
    await hsm.start()
    for one in signers:
        one.reach(hsm)
    try:
        yield HsmValueKeys(hsm, FILE.in_hsm())
    finally:
        await hsm.close()


def hsm_signer(label: str, key: SigningKey) -> HsmSigner:
    return HsmSigner(label, [signing.leaf(key), signing.root()])


async def test_the_token_gives_what_software_gives(softhsm: SoftHsm) -> None:
    async with reached(softhsm.place) as found:
        keys: RemoteValueKeys = found
        assert not keys.is_away
        for number in range(50):
            digits = str(int.from_bytes(hashlib.sha256(bytes([number])).digest()))[:32]
            assert await keys.cvv("visa-1", digits) == SOFTWARE.cvv("visa-1", digits)
            message = bytes(range(number))
            made = await keys.hmac_sha256("mc-1", message)
            assert made == SOFTWARE.hmac_sha256("mc-1", message)


@pytest.mark.parametrize(
    ("key_id", "says"),
    [
        ("visa-2", "key visa-2 is staged"),
        ("visa-0", "key visa-0 is verify-only"),
        ("mc-1", "key mc-1 is not of kind 3des"),
        ("visa-9", "key visa-9 is not in the HSM"),
        ("torn", "its check value is 08D7B4 and .*, the file says 08D7B4 and D5D44F"),
        ("other", "its check value is 08D7B4 and D5D44F, the file says 000000 and D5D44F"),
        ("loose", "loose may leave the HSM"),
    ],
)
async def test_only_an_active_key_of_its_kind_that_is_known_again_makes_values(
    softhsm: SoftHsm, key_id: str, says: str
) -> None:
    async with reached(softhsm.place) as keys:
        with pytest.raises(KeysUnavailable, match=says):
            await keys.cvv(key_id, "0" * 32)


async def test_which_keys_are_there(softhsm: SoftHsm) -> None:
    async with reached(softhsm.place) as keys:
        assert keys.holds("visa-1")
        assert not keys.holds("local")
        with pytest.raises(ValueError, match="digit"):
            await keys.cvv("visa-1", "not digits")


async def test_signatures_are_those_that_a_library_verifies(softhsm: SoftHsm) -> None:
    signers = hsm_signer("ec", signing.ec_key()), hsm_signer("rsa", signing.rsa_key())
    content = b"header.payload"
    async with reached(softhsm.place, *signers):
        first: RemoteSigner = signers[0]
        assert first.algorithm == "ES256"
        signature = await first.sign_remotely(content)
        der = encode_dss_signature(*(int.from_bytes(signature[n : n + 32]) for n in (0, 32)))
        public = signing.ec_key().public_key()
        public.verify(der, content, ec.ECDSA(SHA256()))
        with pytest.raises(InvalidSignature):
            public.verify(der, content + b"!", ec.ECDSA(SHA256()))
        assert signers[1].algorithm == "PS256"
        signature = await signers[1].sign_remotely(content)
        signing.rsa_key().public_key().verify(signature, content, PSS, SHA256())
    assert len(signers[0].certificates) == 2


@pytest.mark.parametrize("label", ["ec", "rsa"])
async def test_a_signature_that_is_none_is_kept_back(
    softhsm: SoftHsm, tmp_path: Path, label: str
) -> None:
    control = tmp_path / "mode"
    control.write_text("well")
    signer = hsm_signer(label, signing.ec_key() if label == "ec" else signing.rsa_key())
    async with reached(softhsm.misbehaving(control), signer):
        control.write_text("wrong")
        with pytest.raises(KeysUnavailable, match="a signature that is none"):
            await signer.sign_remotely(b"content")
        control.write_text("short")
        with pytest.raises(KeysUnavailable, match="a signature that is none"):
            await signer.sign_remotely(b"content")


async def test_a_value_of_another_length_is_none(softhsm: SoftHsm, tmp_path: Path) -> None:
    control = tmp_path / "mode"
    control.write_text("well")
    async with reached(softhsm.misbehaving(control)) as keys:
        control.write_text("short")
        with pytest.raises(KeysUnavailable, match="the HSM gave 31 bytes instead of 32"):
            await keys.hmac_sha256("mc-1", b"")


async def test_another_key_than_the_certificates_signs_nothing(softhsm: SoftHsm) -> None:
    signer = hsm_signer("ec", signing.ec_key("another"))
    async with reached(softhsm.place, signer):
        with pytest.raises(KeysUnavailable, match="it is not the key of the certificate"):
            await signer.sign_remotely(b"content")


async def test_nobody_signs_before_the_hsm_is_reached() -> None:
    signer = hsm_signer("ec", signing.ec_key())
    with pytest.raises(KeysUnavailable, match="no HSM is reached"):
        await signer.sign_remotely(b"content")
    assert repr(signer) == "HsmSigner(ec, ES256)"


def test_a_chain_that_no_sdk_would_believe_is_refused() -> None:
    weak = signing.rsa_key(1024)
    with pytest.raises(BadSigningKey, match="needs 2048 bits"):
        hsm_signer("rsa", weak)
    with pytest.raises(BadSigningKey, match="not issued by"):
        HsmSigner("ec", [signing.leaf(signing.ec_key()), signing.leaf(signing.ec_key())])
