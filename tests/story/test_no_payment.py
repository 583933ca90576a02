"""Stories without a payment: a card added or confirmed in a browser, and what a shop asks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.story.buying import EASY, OTP, PIN, VERSIONS, begin, outcome, right, shown, wrong
from tests.story.test_areq_answers import other_areq

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

MASTERCARD = "52000010"
NO_AMOUNT: dict[str, Any] = {
    "messageCategory": "02",
    "threeDSRequestorAuthenticationInd": "04",
    **dict.fromkeys(("purchaseAmount", "purchaseCurrency", "purchaseExponent", "purchaseDate")),
}
NOT_210 = ("2.2.0", "2.3.1")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prefix", [OTP, PIN])
async def test_adding_a_card_is_confirmed_without_an_amount(
    shared: World, version: str, prefix: str
) -> None:
    holder = await shared.enrol(prefix=prefix)
    ares, page = await begin(shared, holder, version=version, **NO_AMOUNT)

    assert "Potwierdź dodanie karty" in page.text
    assert "0,00" not in page.text
    sms = shared.phone.texts(holder.phone)[-1]
    assert sms.startswith(f"Dodanie karty *{holder.pan[-4:]} w Ksiegarnia Pod Lipa. Kod: ")

    final = await shared.submit(page, otp=right(shared, holder), pin=holder.pin)

    assert shown(final) == "Y"
    told = shared.directory.result(ares["acsTransID"])
    assert (told["transStatus"], told["messageCategory"], told["eci"]) == ("Y", "02", "05")
    assert "authenticationValue" not in told


@pytest.mark.parametrize("purpose", ["05", "06"])
async def test_confirming_a_card_says_so(shared: World, purpose: str) -> None:
    holder = await shared.enrol(language="en")
    asked = {**NO_AMOUNT, "threeDSRequestorAuthenticationInd": purpose}

    _, page = await begin(shared, holder, **asked)

    assert "Confirm the use of your card" in page.text
    sms = shared.phone.texts(holder.phone)[-1]
    assert sms.startswith(f"Confirming card *{holder.pan[-4:]} for ")
    assert "no payment" in sms


async def test_an_amount_that_rides_along_is_not_shown_and_not_held(shared: World) -> None:
    holder = await shared.enrol(limits={"per_tx": 1, "per_day": 1})
    asked = {
        "messageCategory": "02",
        "threeDSRequestorAuthenticationInd": "02",
        "recurringExpiry": "20271231",
        "recurringFrequency": "30",
    }

    ares, page = await begin(shared, holder, **asked)

    assert "123,45" not in page.text
    assert "123,45" not in shared.phone.texts(holder.phone)[-1]
    held = "SELECT count(*) FROM enrollment.reservation WHERE acs_trans_id = $1::text::uuid"
    assert await shared.db.fetchval(held, ares["acsTransID"]) == 0


async def test_without_a_merchants_name_the_requestors_is_told(shared: World) -> None:
    holder = await shared.enrol()
    gone = dict.fromkeys(("merchantName", "acquirerBIN", "acquirerMerchantID", "mcc"))

    _, page = await begin(shared, holder, **NO_AMOUNT, **gone)

    assert "Sklep Testowy" in page.text
    assert " w Sklep Testowy. " in shared.phone.texts(holder.phone)[-1]


async def test_a_requestor_whose_name_no_message_can_hold_is_named_by_its_id(
    shared: World,
) -> None:
    holder = await shared.enrol(language="pl")
    gone = dict.fromkeys(("merchantName", "acquirerBIN", "acquirerMerchantID", "mcc"))

    _, page = await begin(shared, holder, **NO_AMOUNT, **gone, threeDSRequestorName="Розетка")

    assert "Розетка" in page.text
    assert " w sklep nr az0123456789. " in shared.phone.texts(holder.phone)[-1]
    final = await shared.submit(page, otp=right(shared, holder))
    assert shown(final) == "Y"


async def test_a_card_that_is_not_confirmed_is_told_as_a_payment_is(shared: World) -> None:
    holder = await shared.enrol(prefix=MASTERCARD)
    ares, page = await begin(shared, holder, **NO_AMOUNT)
    for _ in range(3):
        page = await shared.submit(page, otp=wrong(shared, holder))

    assert shown(page) == "N"
    assert outcome(shared, ares)[:2] == ("N", "19")
    assert shared.directory.result(ares["acsTransID"])["eci"] == "N0"


async def test_the_card_number_is_not_kept_for_a_value_nobody_makes(shared: World) -> None:
    holder = await shared.enrol()
    ares, _ = await begin(shared, holder, **NO_AMOUNT)

    assert (await shared.challenge_row(ares))["pan_sealed"] is None


# Requestor-initiated


def later(
    shared: World, holder: Cardholder, prior: str | None, version: str = "2.2.0", **changes: Any
) -> dict[str, Any]:
    """Give a later payment that the shop begins, with the payment it refers to."""
    message = other_areq(holder.pan, version, "03", "01", shared.directory.url)
    message["threeRIInd"] = "11"
    if prior is not None:
        info = {"threeDSReqPriorRef": prior, "threeDSReqPriorAuthMethod": "02"}
        message["threeDSRequestorPriorAuthenticationInfo"] = [info] if version == "2.3.1" else info
    return {**message, **changes}


async def paid(shared: World, holder: Cardholder, **areq: Any) -> str:
    """Pay once with a code, and give the acsTransID."""
    ares, page = await begin(shared, holder, **areq)
    final = await shared.submit(page, otp=right(shared, holder))
    assert shown(final) == "Y"
    return str(ares["acsTransID"])


def answered(ares: dict[str, Any]) -> tuple[str, str | None]:
    return ares["transStatus"], ares.get("transStatusReason")


@pytest.mark.parametrize("version", NOT_210)
async def test_a_payment_after_one_with_a_code_is_proved_by_it(shared: World, version: str) -> None:
    holder = await shared.enrol(limits={"count_day": 1})
    prior = await paid(shared, holder, version=version)
    sent = len(shared.phone.texts(holder.phone))

    ares = await shared.areq(later(shared, holder, prior.upper(), version))

    assert answered(ares) == ("Y", None)
    assert ares["authenticationValue"]
    assert len(shared.phone.texts(holder.phone)) == sent


async def test_mastercard_says_that_the_merchant_began_it(shared: World) -> None:
    holder = await shared.enrol(prefix=MASTERCARD)
    prior = await paid(shared, holder)

    assert (await shared.areq(later(shared, holder, prior)))["eci"] == "07"


async def test_a_reference_proves_only_its_own_card_and_shop(shared: World) -> None:
    holder, other = await shared.enrol(), await shared.enrol()
    prior = await paid(shared, holder)
    not_paid, _ = await begin(shared, holder)

    asked = [
        later(shared, other, prior),
        later(shared, holder, prior, threeDSRequestorID="another"),
        later(shared, holder, prior, acquirerMerchantID="another"),
        later(shared, holder, not_paid["acsTransID"]),
        later(shared, holder, "1c0f0c43-9a6d-4c43-8a4e-2b6f4f5a3a10"),
        later(shared, holder, "order 4711"),
        later(shared, holder, None),
    ]

    assert [answered(await shared.areq(one)) for one in asked] == [("U", "12")] * len(asked)


async def test_a_good_account_is_no_reference_for_a_payment(shared: World) -> None:
    holder = await shared.enrol(prefix=EASY)
    asked = other_areq(holder.pan, "2.2.0", "03", "02", shared.directory.url)
    checked = await shared.areq(asked)

    ares = await shared.areq(later(shared, holder, checked["acsTransID"]))

    assert checked["transStatus"] == "Y"
    assert answered(ares) == ("U", "12")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("Y", None)),
        ({"enrolment": "none", "no_phone": True}, ("Y", None)),
        ({"card_status": "closed"}, ("N", "08")),
        ({"card_status": "blocked_stolen"}, ("R", "10")),
        ({"limits": {"per_tx": 0}}, ("N", "12")),
        ({"unknown": True}, ("N", "08")),
    ],
)
async def test_an_account_is_good_or_it_is_not(
    shared: World, version: str, facts: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    holder = await shared.enrol(**facts)

    ares = await shared.areq(other_areq(holder.pan, version, "03", "02", shared.directory.url))

    assert answered(ares) == expected
    assert "authenticationValue" not in ares


async def test_what_is_not_kept_is_not_answered_as_if_it_were(shared: World) -> None:
    holder = await shared.enrol()
    message = other_areq(holder.pan, "2.3.1", "03", "02", shared.directory.url)

    for purpose, reason in [("10", "07"), ("13", "21"), ("14", "21"), ("17", "21"), ("19", "21")]:
        again = other_areq(holder.pan, "2.3.1", "03", "02", shared.directory.url)
        ares = await shared.areq({**message, **again, "threeRIInd": purpose})
        assert answered(ares) == ("U", reason), purpose
        assert not {"whiteListStatus", "trustListStatus", "deviceBindingStatus"} & set(ares)


async def test_a_blocked_person_pays_later_no_more(shared: World) -> None:
    holder = await shared.enrol()
    prior = await paid(shared, holder)
    blocked = "UPDATE enrollment.sca_state SET block_kind = 'manual' WHERE person_id = $1"
    await shared.db.execute(blocked, holder.person_id)

    assert answered(await shared.areq(later(shared, holder, prior))) == ("N", "04")
