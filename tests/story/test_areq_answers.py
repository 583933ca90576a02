"""What an AReq is answered: the outcome, the reason, and the shape of the answer.

Every ARes is judged against a second reading of the presence matrix on its way (``judge``); here
stands which outcome comes of which card, limit, person and wish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import people
from tests.story.areqs import browser_areq

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
OTP, PIN, EASY, MC, MC_EASY, JCB = (
    "40000010", "40000011", "40000012", "52000010", "52000012", "35280010",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A cardholder, an AReq, and the status, reason and other members it must be answered with."""

    name: str
    status: str
    reason: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    areq: dict[str, Any] = field(default_factory=dict)
    eci: str | None = None
    says: bool = False
    """A text for the cardholder comes along."""


CASES = (
    Case("a good card is challenged", "C"),
    Case("a good card with PIN is challenged", "C", facts={"prefix": PIN}),
    Case("a good Mastercard is challenged", "C", facts={"prefix": MC}),
    Case("an easy Visa passes", "Y", facts={"prefix": EASY}, eci="05"),
    Case("an easy Mastercard passes", "Y", facts={"prefix": MC_EASY}, eci="02"),
    Case("no PIN is no matter without PIN", "C", facts={"no_pin": True}),
    Case("the right expiry", "C", areq={"cardExpiryDate": "3012"}),
    Case("an unknown card", "N", "08", {"unknown": True}),
    Case("over the limit of a payment", "N", "12", {"limits": {"per_tx": 12344}}, says=True),
    Case("just the limit of a payment", "C", facts={"limits": {"per_tx": 12345}}),
    Case("over the card's own limit", "N", "12", {"card_limits": {"per_tx": 12344}}, says=True),
    Case("payments switched off", "N", "12", {"limits": {"per_tx": 0}}, says=True),
    Case("switched off by a count", "N", "12", {"card_limits": {"count_month": 0}}, says=True),
    Case("over the limit of the day", "N", "12", {"limits": {"per_day": 12344}}, says=True),
    Case("over the limit of the month", "N", "12", {"limits": {"per_month": 12344}}, says=True),
    Case("not enrolled", "N", "13", {"enrolment": "none"}, says=True),
    Case("eligible is not enrolled", "N", "13", {"enrolment": "eligible"}, says=True),
    Case("enrolment suspended", "N", "13", {"enrolment": "suspended"}, says=True),
    Case(
        "a reset by the branch, where no PIN is asked for", "N", "13",
        {"no_pin": True, "enrolment": "suspended", "suspended_for": "pin_missing"}, says=True,
    ),
    Case(
        "a reset by the branch, easy range", "N", "13",
        {"prefix": EASY, "no_pin": True, "enrolment": "suspended", "suspended_for": "pin_missing"},
        says=True,
    ),
    Case("no consent", "N", "13", {"no_consent": True}, says=True),
    Case("no phone", "N", "13", {"no_phone": True}, says=True),
    Case("no PIN", "N", "13", {"prefix": PIN, "no_pin": True}, says=True),
    Case("blocked card", "N", "12", {"card_status": "blocked"}),
    Case("card blocked for a while", "N", "12", {"card_status": "blocked_temp"}),
    Case("stolen card", "R", "10", {"card_status": "blocked_stolen"}),
    Case("stolen easy card", "R", "10", {"card_status": "blocked_stolen", "prefix": EASY}),
    Case("closed card", "N", "08", {"card_status": "closed"}),
    Case("replaced card", "N", "08", {"card_status": "replaced"}),
    Case("expired card", "N", "05", {"card_status": "expired"}),
    Case("a card that ended last month", "N", "05", {"expiry": "2605"}),
    Case("a card that ends this month", "C", facts={"expiry": "2606"}),
    Case("another expiry", "N", "05", areq={"cardExpiryDate": "2912"}),
    Case("a scheme without a key", "U", "22", {"prefix": JCB}),
    Case("a payment of nothing", "C", areq={"purchaseAmount": "0"}),
    Case(
        "nothing, but switched off", "N", "12",
        {"limits": {"per_tx": 0}}, {"purchaseAmount": "0"}, says=True,
    ),
    Case("no rate for the currency", "C", areq={"purchaseCurrency": "398"}),
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_card_gets_its_answer(shared: World, case: Case, version: str) -> None:
    holder = await shared.enrol(**case.facts)

    ares = await shared.areq(
        browser_areq(holder.pan, version=version, ds_url=shared.directory.url, **case.areq)
    )

    reason = {"22": "07"}.get(case.reason or "", case.reason) if version == "2.1.0" else case.reason
    answered = (ares.get("transStatus"), ares.get("transStatusReason"))
    assert answered == (case.status, reason), ares
    assert ("cardholderInfo" in ares) == case.says
    if case.eci is not None:
        assert ares["eci"] == case.eci


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_blocked_person_is_answered_too_often(shared: World, version: str) -> None:
    holder = await shared.enrol()
    await people.block(shared.db, holder, shared.clock())
    ares = await shared.areq(browser_areq(holder.pan, version=version, ds_url=shared.directory.url))
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "04")


@dataclass(frozen=True)
class Elsewhere:
    """An AReq of another channel or category, and what it is answered."""

    name: str
    channel: str
    category: str
    status: str
    reason: str | None
    prefix: str = OTP
    versions: tuple[str, ...] = VERSIONS


@pytest.mark.parametrize(
    "case",
    [
        Elsewhere("an app challenge", "01", "01", "C", None),
        Elsewhere("an app payment that needs none", "01", "01", "Y", None, EASY),
        Elsewhere("no payment in an app", "01", "02", "C", None),
        Elsewhere("no payment in a browser", "02", "02", "C", None),
        Elsewhere("no payment, easy range", "02", "02", "Y", None, EASY),
        Elsewhere("requestor-initiated", "03", "01", "U", "12", OTP, ("2.2.0", "2.3.1")),
        Elsewhere("requestor-initiated, easy", "03", "01", "U", "12", EASY, ("2.2.0", "2.3.1")),
        Elsewhere("requestor-initiated before its time", "03", "01", "U", "21", EASY, ("2.1.0",)),
        Elsewhere("requestor-initiated, no payment", "03", "02", "Y", None),
    ],
    ids=lambda case: case.name,
)
async def test_other_channels_and_categories_get_their_answer_and_no_made_up_value(
    shared: World, case: Elsewhere
) -> None:
    holder = await shared.enrol(prefix=case.prefix)
    for version in case.versions:
        message = other_areq(holder.pan, version, case.channel, case.category, shared.directory.url)
        ares = await shared.areq(message)
        answered = (ares.get("transStatus"), ares.get("transStatusReason"))
        assert answered == (case.status, case.reason), ares
        proved = case.status == "Y" and case.category == "01"
        assert ("authenticationValue" in ares) == proved


@pytest.mark.parametrize(
    ("version", "wish", "prefix", "status", "reason"),
    [
        ("2.2.0", "06", EASY, "I", None),
        ("2.3.1", ["06"], EASY, "I", None),
        ("2.3.1", ["06", "04"], EASY, "I", None),
        ("2.2.0", "06", OTP, "U", "12"),
        ("2.3.1", ["06"], OTP, "U", "12"),
        # 2.1.0 does not know 06: not a wish that could be granted.
        ("2.2.0", "04", EASY, "C", None),
        ("2.2.0", "03", EASY, "C", None),
        ("2.3.1", ["02", "04"], EASY, "C", None),
        ("2.2.0", "02", OTP, "C", None),
        ("2.2.0", "05", OTP, "C", None),
        ("2.2.0", "07", OTP, "C", None),
    ],
)
async def test_a_wish_never_buys_a_proof(
    shared: World, version: str, wish: Any, prefix: str, status: str, reason: str | None
) -> None:
    holder = await shared.enrol(prefix=prefix)
    ares = await shared.areq(
        browser_areq(
            holder.pan,
            version=version,
            ds_url=shared.directory.url,
            threeDSRequestorChallengeInd=wish,
        )
    )
    assert (ares.get("transStatus"), ares.get("transStatusReason")) == (status, reason), ares
    assert "authenticationValue" not in ares


async def test_an_asked_decoupled_authentication_is_not_promised(shared: World) -> None:
    holder = await shared.enrol()
    ares = await shared.areq(
        browser_areq(
            holder.pan,
            ds_url=shared.directory.url,
            threeDSRequestorDecReqInd="Y",
            threeDSRequestorDecMaxTime="00010",
        )
    )
    assert (ares["transStatus"], ares["acsDecConInd"]) == ("C", "N")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("pan", ["4000009900000000", "5200001100000000", "6011000000000000"])
async def test_a_card_outside_every_range_is_not_ours(
    shared: World, version: str, pan: str
) -> None:
    erro = await shared.areq(browser_areq(pan, version=version, ds_url=shared.directory.url))
    assert erro["errorCode"] == "305"
    assert erro["errorDetail"] == "acctNumber"
    assert erro["messageVersion"] == version


async def test_identifiers_come_back_as_they_were_spelled(shared: World) -> None:
    holder = await shared.enrol()
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    message["dsTransID"] = message["dsTransID"].upper()
    ares = await shared.areq(message)
    assert ares["dsTransID"] == message["dsTransID"]
    assert ares["threeDSServerTransID"] == message["threeDSServerTransID"]


@pytest.mark.parametrize("digits", [13, 16, 19])
async def test_card_numbers_of_every_length_are_looked_up_whole(shared: World, digits: int) -> None:
    holder = await shared.enrol()
    longer = holder.pan[:13] if digits == 13 else holder.pan.ljust(digits, "0")
    ares = await shared.areq(browser_areq(longer, ds_url=shared.directory.url))
    expected = ("C", None) if longer == holder.pan else ("N", "08")
    assert (ares["transStatus"], ares.get("transStatusReason")) == expected


def other_areq(pan: str, version: str, channel: str, category: str, ds_url: str) -> dict[str, Any]:
    """Give an AReq of any channel and category, with what its version requires."""
    message = browser_areq(pan, version=version, ds_url=ds_url)
    message |= {"deviceChannel": channel, "messageCategory": category}
    if channel != "02":
        gone = [name for name in message if name.startswith("browser")]
        for name in [*gone, "threeDSCompInd", "notificationURL", "acceptLanguage"]:
            message.pop(name, None)
    if channel == "03":
        message.pop("threeDSRequestorAuthenticationInd")
        message["threeRIInd"] = "05" if category == "02" or version == "2.1.0" else "06"
    if channel == "01":
        message |= APP
        if version == "2.3.1":
            message |= APP_231
    return message


APP: dict[str, Any] = {
    "sdkAppID": "5f2b1d5c-3c8e-4c3e-9b6f-0a4f6f1f5a11",
    "sdkTransID": "9d2c8f0e-5f63-4a39-8b6e-4f2f6a0c7b22",
    "sdkEphemPubKey": {
        "kty": "EC",
        "crv": "P-256",
        "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
        "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
    },
    "sdkMaxTimeout": "05",
    "sdkReferenceNumber": "3DS_LOA_SDK_TEST_020200_00001",
    "deviceInfo": "eyJEViI6IjEuNyJ9",
    "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "02", "03", "04", "05"]},
}
APP_231: dict[str, Any] = {
    "sdkType": "01",
    "defaultSdkType": {"sdkVariant": "01", "wrappedInd": "Y"},
    "deviceRenderOptions": {
        "sdkInterface": "03",
        "sdkUiType": ["01", "02", "03", "04", "05"],
        "sdkAuthenticationType": ["01", "02"],
    },
}
