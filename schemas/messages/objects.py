"""The objects inside messages: those that several messages carry and those that are long.

An object's rows have no channel and no category: they hold wherever the object is. Of an object
without required members at least one must be there, as an empty object is an empty value.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from schemas.addresses import email, https_url, url
from schemas.encoded import base64url, free_json, free_object
from schemas.field import (
    ACCOUNT,
    PERSONAL,
    SECRET,
    Field,
    ObjectOf,
    ObjectsOf,
    Rule,
    Table,
)
from schemas.formats import (
    codes,
    day,
    digits,
    exponent,
    list_of,
    minute,
    number,
    numbered,
    one_of,
    text,
)
from schemas.iso import country, currency, currency_letters, subdivision
from schemas.presence import DS_RULE, has, optional, present, required
from schemas.values import UiType
from schemas.versions import FROM_231, UNTIL_220

if TYPE_CHECKING:
    from schemas.formats import Format

# No limit is published; these keep what we build within reason.
_SPC_TEXT_MAX: Final = 4096
_SPC_ICON_MAX: Final = 100_000

PHONE = Table(
    "phone",
    (
        Field("cc", digits(1, 3), required(), PERSONAL),
        Field("subscriber", digits(1, 15), required(), PERSONAL),
    ),
)

# How long ago something happened; how long something has existed.
_SINCE = numbered("01-04")
_AGE = numbered("01-05")

ACCT_INFO = Table(
    "acctInfo",
    (
        Field("chAccAgeInd", _AGE, optional()),
        Field("chAccDate", day(), optional()),
        Field("chAccChangeInd", _SINCE, optional()),
        Field("chAccChange", day(), optional()),
        Field("chAccPwChangeInd", _AGE, optional()),
        Field("chAccPwChange", day(), optional()),
        Field("chAccReqID", text(64), optional(), PERSONAL, versions=FROM_231),
        Field("nbPurchaseAccount", digits(1, 4), optional()),
        Field("paymentAccInd", _AGE, optional()),
        Field("paymentAccAge", day(), optional()),
        Field("provisionAttemptsDay", digits(1, 3), optional()),
        Field("shipAddressUsageInd", _SINCE, optional()),
        Field("shipAddressUsage", day(), optional()),
        Field("shipNameIndicator", numbered("01-02"), optional()),
        Field("suspiciousAccActivity", numbered("01-02"), optional()),
        Field("txnActivityDay", digits(1, 3), optional()),
        Field("txnActivityYear", digits(1, 3), optional()),
    ),
)

MERCHANT_RISK_INDICATOR = Table(
    "merchantRiskIndicator",
    (
        Field("deliveryEmailAddress", email(), optional(), PERSONAL),
        Field("deliveryTimeframe", numbered("01-04"), optional()),
        Field("giftCardAmount", digits(1, 15), optional()),
        Field("giftCardCount", digits(2), optional()),
        Field("giftCardCurr", currency(), optional()),
        Field("preOrderDate", day(), optional()),
        Field("preOrderPurchaseInd", numbered("01-02"), optional()),
        Field("reorderItemsInd", numbered("01-02"), optional()),
        Field("shipIndicator", numbered("01-07", since_231="08-09"), optional()),
        Field("transChar", list_of(numbered("01-02"), 1, 2), optional(), versions=FROM_231),
    ),
)

DEVICE_RENDER_OPTIONS = Table(
    "deviceRenderOptions",
    (
        Field("sdkInterface", numbered("01-03"), required()),
        Field("sdkUiType", list_of(one_of(UiType), 1, 5), required(), versions=UNTIL_220),
        Field("sdkUiType", list_of(one_of(UiType), 1, 7), required(), versions=FROM_231),
        Field(
            "sdkAuthenticationType", list_of(codes("01-11"), 1, 99), optional(), versions=FROM_231
        ),
    ),
)

REQUESTOR_AUTHENTICATION = Table(
    "threeDSRequestorAuthenticationInfo",
    (
        Field("threeDSReqAuthMethod", codes("01-06", "07-08", "09-10"), optional()),
        Field("threeDSReqAuthTimestamp", minute(), optional()),
        Field("threeDSReqAuthData", text(20000), optional(), PERSONAL, versions=UNTIL_220),
        Field("threeDSReqAuthData", free_json(20000), optional(), PERSONAL, versions=FROM_231),
        Field("dsAuthInfVerifInd", codes("01-03"), required(when=DS_RULE), versions=FROM_231),
    ),
)

PRIOR_AUTHENTICATION = Table(
    "threeDSRequestorPriorAuthenticationInfo",
    (
        Field("threeDSReqPriorAuthMethod", codes("01-04", since_231="05"), optional()),
        Field("threeDSReqPriorAuthTimestamp", minute(), optional()),
        Field("threeDSReqPriorRef", text(36), optional()),
        Field("threeDSReqPriorAuthData", text(2048), optional(), PERSONAL, versions=UNTIL_220),
        Field("threeDSReqPriorAuthData", text(20000), optional(), PERSONAL, versions=FROM_231),
    ),
)


def _coordinate(example: str) -> Format:
    """Half of a point of P-256: 32 bytes, leading zeros kept [rule 6.6]."""
    return replace(base64url(43, 43), example=example)


JWK_EC = Table(
    "jwkEc",
    (
        Field("kty", one_of(["EC"]), required()),
        Field("crv", one_of(["P-256"]), required()),
        # The example is the point of RFC 7517, appendix A.1.
        Field("x", _coordinate("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"), required()),
        Field("y", _coordinate("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"), required()),
    ),
)

RECURRING_IND = Table(
    "recurringInd",
    (
        Field("amountInd", codes("01-02"), required()),
        Field("frequencyInd", codes("01-02"), required()),
    ),
)

SELLER_INFO = Table(
    "sellerInfo",
    (
        Field("sellerName", text(100), required()),
        Field("sellerId", text(50), optional()),
        Field("sellerBusinessName", text(100), optional()),
        Field("sellerAccDate", day(), optional()),
        Field("sellerAddrLine1", text(50), optional(), PERSONAL),
        Field("sellerAddrLine2", text(50), optional(), PERSONAL),
        Field("sellerAddrLine3", text(50), optional(), PERSONAL),
        Field("sellerAddrCity", text(50), optional(), PERSONAL),
        Field("sellerAddrState", subdivision(), optional(), PERSONAL),
        Field("sellerAddrPostCode", text(16), optional(), PERSONAL),
        Field("sellerAddrCountry", country(), optional()),
        Field("sellerEmail", email(), optional(), PERSONAL),
        Field("sellerPhone", ObjectOf(PHONE), optional(), PERSONAL),
    ),
)

MERCHANT_LIST_ENTRY = Table(
    "merchantListEntry",
    (
        Field("merchantNameListed", text(40), required()),
        Field("acquirerMerchantIdListed", text(15), optional()),
        Field("merchantAmount", digits(1, 48), optional()),
        Field("merchantCurrency", currency(), required(when=present("merchantAmount"))),
        Field("merchantExponent", exponent(), required(when=present("merchantAmount"))),
        Field("sellerId", text(50), optional()),
    ),
)

MULTI_TRANSACTION = Table(
    "multiTransaction",
    (
        Field("merchantList", ObjectsOf(MERCHANT_LIST_ENTRY, 1, 50), required()),
        Field("avValidityTime", digits(1, 3), optional()),
        Field("avNumberUse", digits(1, 3), optional()),
    ),
)

PAY_TOKEN_INFO = Table(
    "payTokenInfo",
    (
        Field("token", digits(13, 19), optional(), ACCOUNT),
        Field("tokenAdditionalData", free_object(500), optional(), PERSONAL),
        Field("tokenAssuranceMethod", digits(2), optional()),
        Field("tokenRequestorId", digits(11), optional()),
        Field("tokenCryptogram", text(4000), optional(), SECRET),
        Field("tokenCryptogramValidityIndicator", codes("01-03"), optional()),
        Field("tokenStatusIndicator", text(40), optional()),
    ),
)

DEFAULT_SDK_TYPE = Table(
    "defaultSdkType",
    (Field("sdkVariant", codes("01"), required()), Field("wrappedInd", one_of("Y"), optional())),
)

SPLIT_SDK_TYPE = Table(
    "splitSdkType",
    (Field("sdkVariant", codes("01-03"), required()), Field("limitedInd", one_of("Y"), optional())),
)

BROAD_INFO = Table(
    "broadInfo",
    (
        Field("category", codes("01-06"), required()),
        Field("description", text(4000), optional()),
        Field("expDate", day(), optional()),
        Field("severity", numbered("01-04"), required()),
        Field("recipients", list_of(numbered("01-04"), 1, 4), required()),
        Field("source", numbered("01-03"), required()),
    ),
)

# --- objects that only this ACS sends

ACS_RENDERING_TYPE = Table(
    "acsRenderingType",
    (
        Field("acsInterface", numbered("01-02"), required()),
        Field("acsUiTemplate", one_of(UiType), required()),
        Field("deviceUserInterfaceMode", numbered("01-04"), required(), versions=FROM_231),
    ),
    (
        Rule(
            ("acsUiTemplate",),
            has("acsUiTemplate", UiType.HTML, UiType.HTML_OUT_OF_BAND),
            has("acsInterface", "02"),
        ),
    ),
)

CARDHOLDER_INFO = Table(
    "cardholderInfo",
    (
        Field("text", text(128), required()),
        Field("issuerImage", https_url(2048), optional()),
        Field("paymentSystemImage", https_url(2048), optional()),
    ),
)

IMAGE_BY_DENSITY = Table(
    "imageByDensity",
    (
        Field("medium", url(2048), optional()),
        Field("high", url(2048), optional()),
        Field("extraHigh", url(2048), optional()),
    ),
)

IMAGE_BY_MODE = Table(
    "imageByMode",
    (
        Field("default", url(2048), required()),
        Field("dark", url(2048), optional()),
        Field("monochrome", url(2048), optional()),
    ),
)

_IS_MASKED = has("challengeDataEntryMasking", "Y")

CHALLENGE_ENTRY_BOX = Table(
    "challengeEntryBox",
    (
        Field("challengeDataEntryLabel", text(45), required()),
        Field("challengeDataEntryKeyboardType", numbered("01-02"), optional()),
        Field("challengeDataEntryAutofill", one_of("Y"), optional()),
        Field(
            "challengeDataEntryAutofillType",
            numbered("01-02"),
            required(when=has("challengeDataEntryAutofill", "Y")),
        ),
        Field("challengeDataEntryLengthMax", number(1, 2, low=1, high=45), optional()),
        Field("challengeDataEntryMasking", one_of("YN"), optional()),
        Field("challengeDataEntryToggle", one_of("YN"), required(when=_IS_MASKED)),
    ),
)

SPC_TRANS_DATA = Table(
    "spcTransData",
    (
        Field("challenge", base64url(_SPC_TEXT_MAX), required()),
        Field("payeeOrigin", https_url(2048), required()),
        Field("payeeName", text(_SPC_TEXT_MAX), optional()),
        Field("displayName", text(_SPC_TEXT_MAX), required()),
        Field("icon", text(_SPC_ICON_MAX), required()),
        Field("value", text(_SPC_TEXT_MAX), required()),
        Field("currency", currency_letters(), required()),
        Field("timeout", text(_SPC_TEXT_MAX), optional()),
        Field("issuerImageSpc", ObjectOf(IMAGE_BY_MODE), optional()),
        Field("psImageSpc", ObjectOf(IMAGE_BY_MODE), optional()),
        Field("challengeInfoText", text(_SPC_TEXT_MAX), optional()),
        Field("extInd", text(_SPC_TEXT_MAX), optional()),
        Field("additionalData", free_object(_SPC_ICON_MAX), optional()),
    ),
)

WEB_AUTHN_CRED = Table(
    "webAuthnCred",
    (
        Field("credentialIds", base64url(_SPC_TEXT_MAX), required(), PERSONAL),
        Field("rpID", text(_SPC_TEXT_MAX), required()),
    ),
)
