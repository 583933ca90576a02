"""JOSE as the SDK speaks it: published and own vectors, joserfc as referee, and what is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from loadtests.network import jose
from loadtests.network.jose import CBC, GCM, Unreadable
from tests.loadtests.network.app_acs import NOW, URL, AppAcs, authority, signed

if TYPE_CHECKING:
    from collections.abc import Callable

SDK_JWK = {
    "kty": "EC", "crv": "P-256",
    "x": "dW4HBQgzZxfg-vwask_nBXdkK-qq_BZbnF35B62jdrI",
    "y": "_c7KicQhT68_DxYmcjD7yUPTNBtZVBq0xldB-zs2lZA",
}  # fmt: skip
SDK_D = "O5j-UfD4rLcMnwMYtl3Lc8ps0C7wLE4p7fKlzgcKdkk"
ACS_JWK = {
    "kty": "EC", "crv": "P-256",
    "x": "QSYm1fC2zwrA5C4InULTfasCrrfeZJod0c8VGJeU13o",
    "y": "eByp-eu_xPCjtwYbXRwQ3Kd4YkBaB9T_5zzeHTO4Qqk",
}  # fmt: skip
ACS_D = "FrPmtEL_mumFeQNKbL9xjdgONn5DmHqgHNGjEIHrAHE"
REFERENCE = "3DS_LOA_SDK_TEST_020200_00001"
KID = "d7c1f4a2-6c35-4a53-9f0e-1b1d5f3e9a10"
KEY = bytes.fromhex("44cf3a0c7b470a6b3239422c2ac51eb1163415535b6a0f09edcd360caab33e1f")
CBC_HEADER = (
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2Iiwia2lkIjoiZDdjMWY0YTItNmMzNS00YTUzLTlmMGUt"
    "MWIxZDVmM2U5YTEwIn0"
)
GCM_HEADER = (
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwia2lkIjoiZDdjMWY0YTItNmMzNS00YTUzLTlmMGUtMWIxZDVm"
    "M2U5YTEwIn0"
)
CREQ, CRES = (
    b'{"messageType":"CReq","sdkCounterStoA":"000"}',
    b'{"messageType":"CRes","acsCounterAtoS":"000"}',
)


def private(d: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(urlsafe_b64decode(d + "="), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def test_the_published_key_agreement_comes_out() -> None:
    peer = {
        "kty": "EC", "crv": "P-256",
        "x": "2_v-MuNZccqwM7PXlakW9oHLP5XyrjMG1UVS8OxYrgA",
        "y": "rm1ktLmFIsP2R0YyJGXtsCbaTUesUK31Xc04tHJRolc",
    }  # fmt: skip
    ours = private("iyn--IbkBeNoPu8cN245L6pOQWt2lTH8V0Ds92jQmWA")

    key = jose.derive(ours, jose.key_of(peer), "A000000802")

    assert key.hex() == "a79a1fd4598aaedc6738b3412be4958e82ba4a263483a2abd478beb547e41952"


def test_both_sides_of_our_own_vector_come_to_one_key() -> None:
    assert jose.derive(private(SDK_D), jose.key_of(ACS_JWK), REFERENCE) == KEY
    assert jose.derive(private(ACS_D), jose.key_of(SDK_JWK), REFERENCE) == KEY


@pytest.mark.parametrize(
    ("enc", "iv", "expected"),
    [
        pytest.param(
            CBC,
            bytes(range(16)),
            f"{CBC_HEADER}..AAECAwQFBgcICQoLDA0ODw."
            "sTyhMZMhMNGjD9ThwcZ_SLYNwnQF9Z07r8C60avn9fUUuE_b9Q74Rx1UF7zQudIf."
            "YE-nYKWcu_k6GQdTasqHZQ",
            id="CBC",
        ),
        pytest.param(
            GCM,
            bytes(12),
            f"{GCM_HEADER}..AAAAAAAAAAAAAAAA."
            "em3kolKEqzLBGGjmH_vAZgcPHOuehXY6htQRn36sbsIInnJDeXEBA8uqizXJ."
            "JWaS-weD15tWFbSLUO7Hqg",
            id="GCM",
        ),
    ],
)
def test_a_creq_is_sealed_as_the_vectors_say(enc: str, iv: bytes, expected: str) -> None:
    assert jose.seal(CREQ, KEY, kid=KID, enc=enc, iv=iv) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"{CBC_HEADER}..EBESExQVFhcYGRobHB0eHw."
            "nVCVLAPRaLul-zMfFl2RxPH5gUIQOUpUVPKxLHr-bFGAYBcs6Ba7DEmytfVOR60o."
            "bGtqqgrbpBTfU4xccWjdYA",
            id="CBC",
        ),
        pytest.param(
            f"{GCM_HEADER}..______________8A."
            "_9aqnfsCxG0KURZhprh3quVouROq7TKB_Dt_1a99Hu6cmBNn0sJTQF2-_Dtr."
            "4f757n8SoTuRngNKqafD7A",
            id="GCM",
        ),
    ],
)
def test_a_cres_of_the_vectors_opens_and_none_of_its_parts_may_differ(text: str) -> None:
    envelope = jose.read_envelope(text)
    assert (envelope.kid, jose.open_envelope(envelope, KEY)) == (KID, CRES)

    parts = text.split(".")
    for place in (0, 2, 3, 4):
        raw = bytearray(urlsafe_b64decode(parts[place] + "=" * (-len(parts[place]) % 4)))
        raw[0] ^= 1
        spoilt = [*parts]
        spoilt[place] = urlsafe_b64encode(raw).rstrip(b"=").decode()
        with pytest.raises(Unreadable):
            jose.open_envelope(jose.read_envelope(".".join(spoilt)), KEY)


@pytest.mark.parametrize("enc", [CBC, GCM])
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 1000])
def test_the_referee_opens_what_the_sdk_seals(enc: str, length: int) -> None:
    acs = AppAcs(SDK_JWK, REFERENCE, private=private(ACS_D))
    message = {"messageType": "CReq", "filler": "ż" * length}
    iv = bytes(range(16 if enc == CBC else 12))

    text = jose.seal(json.dumps(message).encode(), KEY, kid=KID, enc=enc, iv=iv)

    assert acs.opened(text.encode()) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        f"{GCM_HEADER}.AA.______________8A._9aqnfsC.4f757n8SoTuRngNKqafD7A",
        f"{GCM_HEADER}..______________8A._9aqnfs=.4f757n8SoTuRngNKqafD7A",
        f"{GCM_HEADER}..______________8A._9aq+nfs.4f757n8SoTuRngNKqafD7A",
        f"{GCM_HEADER}..______________8A._9aqnfsC.4f75",
        f"{GCM_HEADER}..____._9aqnfsC.4f757n8SoTuRngNKqafD7A",
        "e30..______________8A._9aqnfsC.4f757n8SoTuRngNKqafD7A",
        "bm8..______________8A._9aqnfsC.4f757n8SoTuRngNKqafD7A",
        "W10..______________8A._9aqnfsC.4f757n8SoTuRngNKqafD7A",
    ],
)
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        jose.read_envelope(text)


@pytest.mark.parametrize(
    "change",
    [{"kty": "RSA"}, {"crv": "P-384"}, {"x": "AA"}, {"x": None}, {"x": SDK_JWK["y"]}],
)
def test_a_key_that_is_no_point_of_the_curve_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        jose.key_of(SDK_JWK | change)


def test_coordinates_keep_their_leading_zeros() -> None:
    short = next(
        key
        for number in range(1, 5000)
        if (key := ec.derive_private_key(number, ec.SECP256R1()).public_key()).public_numbers().x
        < 1 << 248
    )

    jwk = jose.jwk_of(short)

    assert [len(jwk[name]) for name in ("x", "y")] == [43, 43]
    assert jose.key_of(jwk).public_numbers() == short.public_numbers()


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
def test_content_signed_by_a_certificate_below_the_root_is_read(algorithm: str) -> None:
    issuer = authority(algorithm)
    acs = AppAcs(SDK_JWK, REFERENCE, private=private(ACS_D))

    content = jose.read_content(signed(acs.payload, issuer, algorithm), issuer.root_pem, NOW)

    assert content.acs_url == URL
    assert jose.jwk_of(content.acs_key) == ACS_JWK
    assert jose.jwk_of(content.sdk_key) == SDK_JWK


def _content(**changes: Any) -> dict[str, Any]:
    payload = AppAcs(SDK_JWK, REFERENCE, private=private(ACS_D)).payload | changes
    return {name: value for name, value in payload.items() if value is not None}


OTHER = "Another scheme"


@pytest.mark.parametrize(
    ("jws", "why"),
    [
        pytest.param(lambda: None, "no text", id="none"),
        pytest.param(lambda: "a.b", "three parts", id="two parts"),
        pytest.param(lambda: "e30.e30.AA", "list of certificates", id="no certificates"),
        pytest.param(
            lambda: signed(_content(), authority(), x5c=["no"]), "no certificate", id="x5c"
        ),
        pytest.param(lambda: signed(_content(), authority(), jku="https://x"), "header", id="jku"),
        pytest.param(
            lambda: signed(_content(more="x"), authority()), "exactly", id="a member more"
        ),
        pytest.param(
            lambda: signed(_content(acsURL=None), authority()), "exactly", id="no address"
        ),
        pytest.param(lambda: signed(_content(acsURL=7), authority()), "exactly", id="a number"),
        pytest.param(
            lambda: signed(_content(acsEphemPubKey={}), authority()), "P-256", id="no key"
        ),
        pytest.param(lambda: signed(_content(), authority(name=OTHER)), "root", id="another root"),
        pytest.param(
            lambda: signed(_content(), authority(name=OTHER), x5c=authority().x5c),
            "signed",
            id="another's certificate",
        ),
        pytest.param(
            lambda: signed(_content(acsURL="u" * 16_000), authority()), "at most", id="too long"
        ),
    ],
)
def test_content_that_is_not_as_agreed_is_refused(jws: Callable[[], Any], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        jose.read_content(jws(), authority().root_pem, NOW)


@pytest.mark.parametrize("algorithm", ["RS256", "PS384"])
def test_no_other_algorithm_signs(algorithm: str) -> None:
    issuer = authority("PS256")

    with pytest.raises(Unreadable, match="signed"):
        jose.read_content(signed(_content(), issuer, algorithm), issuer.root_pem, NOW)


def test_content_is_refused_before_and_after_its_certificates_time() -> None:
    jws = signed(_content(), authority())

    for time in (NOW - timedelta(days=31), NOW + timedelta(days=3001)):
        with pytest.raises(Unreadable, match="trusted root"):
            jose.read_content(jws, authority().root_pem, time)


def test_a_spoilt_signature_is_refused_and_a_spoilt_payload_too() -> None:
    header, payload, signature = signed(_content(), authority()).split(".")
    other = "B" if signature[0] == "A" else "A"

    for jws in (
        f"{header}.{payload}.{other}{signature[1:]}",
        f"{header}.{payload}A.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
    ):
        with pytest.raises(Unreadable, match="signed"):
            jose.read_content(jws, authority().root_pem, NOW)


def test_without_a_root_only_the_signature_is_looked_at() -> None:
    jws = signed(_content(), authority("ES256", "Another scheme"))

    assert jose.read_content(jws, None, NOW).acs_url == URL
