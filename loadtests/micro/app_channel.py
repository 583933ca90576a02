"""What the cryptography of a challenge in an app costs: sign, agree, open, seal.

Printed are microseconds of each, and how many times as long a general library (joserfc) takes for
the same bytes where it does the same. Sizes are those of the field: a CReq of some 300 bytes, a
CRes with a native screen of 1 kB.
"""

from __future__ import annotations

import json
import statistics
import timeit
from typing import TYPE_CHECKING

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe as general_jwe
from joserfc import jws as general_jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from acs.crypto.jwe import A128CBC_HS256, A128GCM, counter_iv, open_envelope, read, seal
from acs.crypto.jws import SIGNED_CONTENT_MAX, signed_content
from acs.crypto.key_agreement import agree, jwk
from acs.crypto.signer import SoftwareSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from acs.crypto.keys import ContentSigner

REFERENCE = "3DS_LOA_SDK_TEST_020200_00001"
_ROUNDS, _CALLS = 9, 50
_KID = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
_CREQ = json.dumps({"messageType": "CReq", "challengeDataEntry": "123456", "": "." * 230}).encode()
_CRES = json.dumps({"messageType": "CRes", "acsUiType": "01", "": "." * 960}).encode()
_URL = "https://acs.bank.example/challenge/app"

Work = tuple["Callable[[], object]", "Callable[[], object] | None"]
"""What we do, and the same by the general library."""


def signer_of(kind: trustme.KeyType) -> tuple[SoftwareSigner, bytes]:
    """Give a signer below a CA, and its key in PEM."""
    authority = trustme.CA(key_type=kind)
    leaf = authority.issue_cert("acs.bank.example", key_type=kind)
    key = leaf.private_key_pem.bytes()
    chain = leaf.cert_chain_pems[0].bytes() + authority.cert_pem.bytes()
    return SoftwareSigner.from_pem(key, chain), key


def works() -> dict[str, Work]:
    """Give what is measured by its name."""
    sdk = agree(agree_with_nobody(), REFERENCE).public_key
    agreed = agree(sdk, REFERENCE)
    found: dict[str, Work] = {}
    for kind, generally in ((trustme.KeyType.ECDSA, ECKey), (trustme.KeyType.RSA, RSAKey)):
        signer, pem = signer_of(kind)
        found[f"sign, {signer.algorithm}"] = _signing(signer, generally.import_key(pem), sdk)
    found["agree: a new key pair and the derived key"] = (lambda: agree(sdk, REFERENCE), None)
    for enc in (A128GCM, A128CBC_HS256):
        found |= _enveloping(enc, agreed.key)
    return found


def agree_with_nobody() -> dict[str, str]:
    """Give a public key whose private one is forgotten."""
    return jwk(ec.generate_private_key(ec.SECP256R1()).public_key())


def _signing(signer: ContentSigner, key: ECKey | RSAKey, sdk: dict[str, str]) -> Work:
    registry = general_jws.JWSRegistry(algorithms=[signer.algorithm])
    registry.max_header_length = SIGNED_CONTENT_MAX
    header = {"alg": signer.algorithm, "x5c": list(signer.certificates)}
    payload = json.dumps({"acsURL": _URL, "acsEphemPubKey": sdk, "sdkEphemPubKey": sdk})
    return (
        lambda: signed_content(signer, acs_url=_URL, acs_key=sdk, sdk_key=sdk),
        lambda: general_jws.serialize_compact(header, payload, key, registry=registry),
    )


def _enveloping(enc: str, key: bytes) -> dict[str, Work]:
    header = {"alg": "dir", "enc": enc, "kid": _KID}
    inward, outward = (
        OctKey.import_key(key if enc == A128CBC_HS256 else key[start:][:16]) for start in (0, 16)
    )
    creq = general_jwe.encrypt_compact(header, _CREQ, inward).encode()
    iv = counter_iv(0) if enc == A128GCM else bytes(16)
    return {
        f"open a CReq, {enc}": (
            lambda: open_envelope(read(creq), key),
            lambda: general_jwe.decrypt_compact(creq, inward),
        ),
        f"seal a CRes, {enc}": (
            lambda: seal(_CRES, key, kid=_KID, enc=enc, iv=iv),
            lambda: general_jwe.encrypt_compact(header, _CRES, outward),
        ),
    }


def measured(rounds: int = _ROUNDS, calls: int = _CALLS) -> dict[str, tuple[float, float | None]]:
    """Measure all: microseconds, and how many times as long the general library takes; medians."""
    found = {}
    for name, (ours, theirs) in works().items():
        pairs = [
            (timeit.timeit(ours, number=calls), theirs and timeit.timeit(theirs, number=calls))
            for _ in range(rounds)
        ]
        us = statistics.median(1e6 * mine / calls for mine, _ in pairs)
        ratios = [other / mine for mine, other in pairs if other is not None]
        found[name] = us, statistics.median(ratios) if ratios else None
    return found


def main() -> None:
    """Print what was measured."""
    print("the app channel's cryptography; how many times as long joserfc takes:")
    for name, (us, ratio) in measured().items():
        told = "" if ratio is None else f"{ratio:5.1f}"
        print(f"{us:7.1f} us  {told:>5}  {name}")


if __name__ == "__main__":
    main()
