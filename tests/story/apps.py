"""A shop's app with its SDK, as stories drive it: AReqs of the app channel, CReqs, what comes back.

The SDK is the demo network's, which shares no code with the service.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from acs.crypto.signer import SoftwareSigner
from loadtests.network.sdk import JOSE, REFERENCE_NUMBER, Sdk
from tests.story import judge
from tests.story.areqs import browser_areq

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

_LONG = timedelta(days=36_500)
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


@cache
def authority() -> tuple[SoftwareSigner, bytes]:
    """Make a Directory Server's CA and what it issued to the service; gives the root as PEM."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("DS root", "DS root", root_key, root_key, is_authority=True)
    leaf = _certificate("ACS signing", "DS root", leaf_key, root_key, is_authority=False)
    return SoftwareSigner(leaf_key, [leaf]), root.public_bytes(Encoding.PEM)


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signs: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (subject, issuer)]
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGAN)
        .not_valid_after(_BEGAN + _LONG)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .sign(signs, SHA256())
    )


def new_sdk() -> Sdk:
    """Give an SDK that trusts the Directory Server's root."""
    return Sdk(REFERENCE_NUMBER, authority()[1])


def app_areq(
    pan: str, sdk: Sdk, *, version: str = "2.2.0", ds_url: str, **overrides: Any
) -> dict[str, Any]:
    """Give a payment AReq of the app channel; ``None`` leaves an element out."""
    of_browsers = [name for name in browser_areq(pan, ds_url=ds_url) if name.startswith("browser")]
    of_apps: dict[str, Any] = {
        "deviceChannel": "01",
        "deviceInfo": "eyJEViI6IjEuMSIsIkREIjp7IkMwMDEiOiJBbmRyb2lkIn19",
        "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "02", "03", "04", "05"]},
        "sdkAppID": str(uuid4()),
        "sdkEphemPubKey": sdk.public_jwk,
        "sdkMaxTimeout": "05",
        "sdkReferenceNumber": sdk.reference_number,
        "sdkTransID": str(uuid4()),
        "notificationURL": None,
        "threeDSCompInd": None,
        "browserJavascriptEnabled": None,
        "acceptLanguage": None,
    }
    if version == "2.3.1":
        of_apps |= {"sdkType": "01", "defaultSdkType": {"sdkVariant": "01"}, "appIp": "192.0.2.10"}
    return browser_areq(
        pan,
        version=version,
        ds_url=ds_url,
        **{**dict.fromkeys(of_browsers), **of_apps, **overrides},
    )


@dataclass(frozen=True)
class Got:
    """An answer as it came: its body, its content type."""

    body: bytes = field(repr=False)
    content_type: str


@dataclass
class App:
    """One purchase in an app, at a challenge."""

    world: World
    sdk: Sdk
    areq: dict[str, Any]
    ares: dict[str, Any]
    server: Server | None = None

    async def send(self, **elements: Any) -> dict[str, Any]:
        """Let the SDK send its next CReq; gives the CRes or Erro that it read, judged."""
        return self.read(await self.post(self.sdk.creq(**elements)))

    async def post(self, body: bytes, content_type: str = JOSE) -> Got:
        """Post any body to where CReqs go."""
        url = f"{self.server.challenge_url}/app" if self.server else self.sdk.acs_url
        assert url is not None
        headers = {"Content-Type": content_type, "User-Agent": "SDK/1.0"}
        async with self.world.http.post(url, data=body, headers=headers) as got:
            assert got.status == 200, await got.text()
            return Got(await got.read(), got.headers.get("Content-Type", ""))

    def read(self, got: Got) -> dict[str, Any]:
        """Read an answer as an SDK does, and judge it."""
        message = dict(self.sdk.read(got.body, got.content_type))
        if message["messageType"] == "Erro":
            assert got.content_type.startswith("application/json")
            judge.erro(message)
            return message
        assert got.content_type == JOSE
        judge.app_cres(message)
        if message["challengeCompletionInd"] == "Y":
            self.world.finals.setdefault(str(message["acsTransID"]), []).append(message)
        return message


async def ask(
    world: World, holder: Cardholder, *, server: Server | None = None, **areq: Any
) -> App:
    """Send an AReq of the app that must be answered with a challenge."""
    sdk = new_sdk()
    message = app_areq(holder.pan, sdk, ds_url=world.directory.url, **areq)
    ares = await world.areq(message, server)
    assert ares.get("transStatus") == "C", ares
    sdk.accept(ares, message)
    return App(world, sdk, message, ares, server)


async def begin(world: World, holder: Cardholder, **areq: Any) -> tuple[App, dict[str, Any]]:
    """Go as far as the first screen."""
    app = await ask(world, holder, **areq)
    return app, await app.send()
