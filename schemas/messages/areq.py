"""AReq: the authentication request, 3DS Server to Directory Server to this ACS.

The rows are those of the last hop. What only the first hop carries (``sdkEncData``) is unknown here
and so ignored [rule 11.1]. 2.1.0 knows 3RI for non-payment only; a 3RI payment in 2.1.0 is answered
with a status, not refused as a message [rule 2.28]. A card number that fails the Luhn check is no
fault of the message [rule 2.36].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.addresses import (
    accepted_language,
    email,
    https_url,
    ip_address,
    language_tag,
    url_https_from_231,
)
from schemas.encoded import base64url_object, free_object, jws_compact
from schemas.field import (
    ACCOUNT,
    APP,
    APP_BRW,
    BRW,
    PA,
    PERSONAL,
    RI3,
    SECRET,
    Field,
    ObjectOf,
    ObjectsOf,
    Rule,
    Table,
)
from schemas.formats import (
    ascii_text,
    codes,
    day,
    digits,
    exponent,
    list_of,
    number,
    numbered,
    one_of,
    second,
    signed_minutes,
    text,
    true_only,
    true_or_false,
    uuid,
    year_month,
)
from schemas.iso import country, currency, subdivision
from schemas.messages.objects import (
    ACCT_INFO,
    BROAD_INFO,
    DEFAULT_SDK_TYPE,
    DEVICE_RENDER_OPTIONS,
    JWK_EC,
    MERCHANT_RISK_INDICATOR,
    MULTI_TRANSACTION,
    PAY_TOKEN_INFO,
    PHONE,
    PRIOR_AUTHENTICATION,
    RECURRING_IND,
    REQUESTOR_AUTHENTICATION,
    SELLER_INFO,
    SPLIT_SDK_TYPE,
)
from schemas.messages.shared import (
    CARD_SECURITY_CODE_STATUS,
    DEVICE_BINDING,
    DS_TRANS_ID,
    MESSAGE_EXTENSION,
    MESSAGE_VERSION,
    THREE_DS_SERVER_TRANS_ID,
    message_type,
    source_needs_status,
    trust_list,
)
from schemas.presence import (
    DS_RULE,
    MARKET,
    REQUESTOR,
    absent,
    all_of,
    any_of,
    category_is,
    channel_is,
    has,
    is_point,
    optional,
    present,
    required,
)
from schemas.values import (
    ChallengeInd,
    DecoupledRequest,
    DeviceChannel,
    MessageCategory,
    MessageType,
    RequestorAuthenticationInd,
    ThreeRIInd,
)
from schemas.versions import FROM_220, FROM_231, ONLY_210, ONLY_220, UNTIL_220

if TYPE_CHECKING:
    from schemas.formats import Shaped
    from schemas.presence import Condition

_IN_PA = required(when=category_is(MessageCategory.PA))
_IN_APP = required(when=channel_is(DeviceChannel.APP))
_BY_DS_RULE = required(when=DS_RULE)
_UNLESS_RESTRICTED = required(when=MARKET)
_IF_REQUESTOR_CAN = required(when=REQUESTOR)


def _for_purpose(requestor: str, ri3: str = "") -> Condition:
    """Say that the requestor's purpose, or that of a 3RI request, is one of the codes."""
    by_requestor = has("threeDSRequestorAuthenticationInd", *requestor.split())
    return any_of(by_requestor, has("threeRIInd", *ri3.split())) if ri3 else by_requestor


def _with_amount(requestor: str, ri3: str = "") -> Condition:
    """Say that an amount belongs to the request: in PA always, in NPA for some purposes."""
    in_npa = all_of(category_is(MessageCategory.NPA), _for_purpose(requestor, ri3))
    return any_of(category_is(MessageCategory.PA), in_npa)


_INSTALMENTS = _for_purpose("03", "02")
_RECURRING = _for_purpose("02 03", "01 02")
_AMOUNT_210 = _with_amount("02 03")
_AMOUNT_220 = _with_amount("02 03", "01 02 06 07 08 09 11")
_AMOUNT_231 = _with_amount("02 03 07 08 09", "01 02 06 07 08 09 11 15")


def _purchase(name: str, shape: Shaped) -> tuple[Field, ...]:
    """Give the rows of an element that goes with the amount [rule 2.29]."""
    return (
        Field(name, shape, required(when=_AMOUNT_210), versions=ONLY_210, channels=APP_BRW),
        Field(name, shape, required(when=_AMOUNT_220), versions=ONLY_220),
        Field(name, shape, required(when=_AMOUNT_231), versions=FROM_231),
    )


_BY_SCRIPT = required(when=has("browserJavascriptEnabled", True))  # noqa: FBT003 - a JSON value


def _screen(name: str, shape: Shaped) -> tuple[Field, ...]:
    """Give the rows of what from 2.2.0 on only a script in the browser can find [rule 2.27]."""
    return (
        Field(name, shape, required(), versions=ONLY_210, channels=BRW),
        Field(name, shape, _BY_SCRIPT, versions=FROM_220, channels=BRW),
    )


def _personal(name: str, shape: Shaped) -> Field:
    """Give the row of what the cardholder's market may forbid to send."""
    return Field(name, shape, _UNLESS_RESTRICTED, PERSONAL)


def _address(kind: str) -> tuple[Field, ...]:
    """Give the rows of a billing or shipping address; a state needs its country [rule 2.31]."""
    with_state = required(when=any_of(present(f"{kind}State"), MARKET))
    return (
        _personal(f"{kind}City", text(50)),
        Field(f"{kind}Country", country(), with_state, PERSONAL),
        _personal(f"{kind}Line1", text(50)),
        _personal(f"{kind}Line2", text(50)),
        _personal(f"{kind}Line3", text(50)),
        _personal(f"{kind}PostCode", text(16)),
        _personal(f"{kind}State", subdivision()),
    )


_COLOUR_DEPTHS = one_of(["1", "4", "8", "15", "16", "24", "32", "48"])
_AUTHENTICATION_INFO = ObjectsOf(REQUESTOR_AUTHENTICATION, 1, 3)
_PRIOR_INFO = ObjectsOf(PRIOR_AUTHENTICATION, 1, 3)

AREQ = Table(
    "AReq",
    (
        Field("threeDSCompInd", one_of("YNU"), required(), channels=BRW),
        Field("threeDSMethodId", uuid(), _IF_REQUESTOR_CAN, versions=FROM_231, channels=BRW),
        Field(
            "threeDSRequestorAuthenticationInd",
            codes(RequestorAuthenticationInd),
            required(),
            channels=APP_BRW,
        ),
        Field(
            "threeDSRequestorAuthenticationInfo",
            ObjectOf(REQUESTOR_AUTHENTICATION),
            optional(),
            versions=UNTIL_220,
            channels=APP_BRW,
        ),
        Field(
            "threeDSRequestorAuthenticationInfo",
            _AUTHENTICATION_INFO,
            optional(),
            versions=FROM_231,
        ),
        Field(
            "threeDSReqAuthMethodInd",
            codes("01-03"),
            _BY_DS_RULE,
            versions=ONLY_220,
            channels=APP_BRW,
        ),
        Field(
            "threeDSRequestorChallengeInd",
            codes(ChallengeInd),
            optional(),
            versions=UNTIL_220,
            channels=APP_BRW,
        ),
        Field(
            "threeDSRequestorChallengeInd",
            list_of(codes(ChallengeInd), 1, 2),
            optional(),
            versions=FROM_231,
        ),
        Field(
            "threeDSRequestorDecMaxTime",
            number(5, 5, low=1, high=10080),
            required(when=has("threeDSRequestorDecReqInd", "Y")),
            versions=ONLY_220,
        ),
        Field(
            "threeDSRequestorDecMaxTime",
            number(5, 5, low=1, high=10080),
            required(when=has("threeDSRequestorDecReqInd", "Y", "F", "B")),
            versions=FROM_231,
        ),
        Field("threeDSRequestorDecReqInd", one_of(DecoupledRequest), optional(), versions=FROM_220),
        Field("threeDSRequestorID", text(35), required()),
        Field("threeDSRequestorName", text(40), required()),
        Field(
            "threeDSRequestorPriorAuthenticationInfo",
            ObjectOf(PRIOR_AUTHENTICATION),
            optional(),
            versions=UNTIL_220,
        ),
        Field(
            "threeDSRequestorPriorAuthenticationInfo",
            _PRIOR_INFO,
            _IF_REQUESTOR_CAN,
            versions=FROM_231,
        ),
        Field(
            "threeDSRequestorSpcSupport",
            one_of("Y"),
            _IF_REQUESTOR_CAN,
            versions=FROM_231,
            channels=BRW,
        ),
        Field("threeDSRequestorURL", url_https_from_231(2048), required()),
        Field("threeDSServerOperatorID", text(32), _BY_DS_RULE),
        Field("threeDSServerRefNumber", text(32), required()),
        THREE_DS_SERVER_TRANS_ID,
        Field(
            "threeDSServerURL",
            url_https_from_231(2048),
            required(),
            versions=ONLY_210,
            channels=APP_BRW,
        ),
        Field("threeDSServerURL", url_https_from_231(2048), required(), versions=FROM_220),
        Field("threeRIInd", codes(ThreeRIInd), required(), channels=RI3),
        Field(
            "acceptLanguage",
            list_of(accepted_language(), 1, 99),
            required(),
            versions=FROM_231,
            channels=BRW,
        ),
        Field("acctType", codes("01-03"), required(when=MARKET)),
        Field("acquirerBIN", text(11), _IN_PA),
        Field("acquirerCountryCode", country(), required(), versions=FROM_231),
        Field(
            "acquirerCountryCodeSource",
            codes("01-02"),
            required(when=present("acquirerCountryCode")),
            versions=FROM_231,
        ),
        Field("acquirerMerchantID", text(35), _IN_PA),
        Field("addrMatch", one_of("YN"), optional(), channels=APP_BRW),
        Field("appIp", ip_address(), _UNLESS_RESTRICTED, PERSONAL, versions=FROM_231, channels=APP),
        Field("broadInfo", free_object(4096), _BY_DS_RULE, PERSONAL, versions=UNTIL_220),
        Field("broadInfo", ObjectOf(BROAD_INFO, 4096), optional(), versions=FROM_231),
        Field("browserAcceptHeader", text(2048), required(), channels=BRW),
        Field("browserIP", ip_address(), _UNLESS_RESTRICTED, PERSONAL, channels=BRW),
        *_screen("browserJavaEnabled", true_or_false()),
        Field(
            "browserJavascriptEnabled", true_or_false(), required(), versions=FROM_220, channels=BRW
        ),
        Field("browserLanguage", language_tag(8), required(), versions=UNTIL_220, channels=BRW),
        Field("browserLanguage", language_tag(35), _BY_SCRIPT, versions=FROM_231, channels=BRW),
        Field("browserColorDepth", _COLOUR_DEPTHS, required(), versions=ONLY_210, channels=BRW),
        Field("browserColorDepth", _COLOUR_DEPTHS, _BY_SCRIPT, versions=ONLY_220, channels=BRW),
        Field(
            "browserColorDepth",
            number(1, 2, low=1, high=99),
            _BY_SCRIPT,
            versions=FROM_231,
            channels=BRW,
        ),
        *_screen("browserScreenHeight", digits(1, 6)),
        *_screen("browserScreenWidth", digits(1, 6)),
        *_screen("browserTZ", signed_minutes()),
        Field("browserUserAgent", text(2048), required(), PERSONAL, channels=BRW),
        Field("deviceId", text(64), optional(), PERSONAL, versions=FROM_231, channels=BRW),
        Field("userId", text(64), optional(), PERSONAL, versions=FROM_231, channels=BRW),
        # Secret: sensitive authentication data, never stored (PCI DSS 3.3.1.2).
        Field("cardSecurityCode", digits(3, 4), _BY_DS_RULE, SECRET, versions=FROM_231),
        *CARD_SECURITY_CODE_STATUS,
        Field("cardExpiryDate", year_month(), _BY_DS_RULE, PERSONAL),
        Field("acctID", text(64), optional(), PERSONAL),
        Field("acctInfo", ObjectOf(ACCT_INFO), optional()),
        Field("acctNumber", digits(13, 19), required(), ACCOUNT),
        *_address("billAddr"),
        _personal("email", email()),
        Field("homePhone", ObjectOf(PHONE), _UNLESS_RESTRICTED, PERSONAL),
        Field("mobilePhone", ObjectOf(PHONE), _UNLESS_RESTRICTED, PERSONAL),
        Field("workPhone", ObjectOf(PHONE), _UNLESS_RESTRICTED, PERSONAL),
        Field(
            "cardholderName", ascii_text(45, 2), _UNLESS_RESTRICTED, PERSONAL, versions=UNTIL_220
        ),
        Field("cardholderName", text(45, 2), _UNLESS_RESTRICTED, PERSONAL, versions=FROM_231),
        *_address("shipAddr"),
        Field("taxId", text(45), _BY_DS_RULE, PERSONAL, versions=FROM_231),
        Field("deviceChannel", codes(DeviceChannel), required()),
        Field("deviceInfo", base64url_object(64000), _IN_APP, PERSONAL, channels=APP),
        Field("deviceRenderOptions", ObjectOf(DEVICE_RENDER_OPTIONS), required(), channels=APP),
        *DEVICE_BINDING,
        Field("dsReferenceNumber", text(32), required()),
        DS_TRANS_ID,
        Field(
            "dsURL",
            url_https_from_231(2048),
            required(when=channel_is(DeviceChannel.APP, DeviceChannel.BRW)),
            versions=ONLY_210,
        ),
        Field("dsURL", url_https_from_231(2048), required(), versions=FROM_220),
        Field("payTokenInd", true_only(), _BY_DS_RULE),
        Field("payTokenInfo", ObjectOf(PAY_TOKEN_INFO, 10000), optional(), versions=FROM_231),
        Field(
            "payTokenSource",
            codes("01-02"),
            required(when=has("payTokenInd", True)),  # noqa: FBT003 - a JSON value
            versions=FROM_220,
        ),
        Field(
            "purchaseInstalData",
            number(1, 3, low=2, high=999),
            required(when=_INSTALMENTS),
            versions=ONLY_210,
            channels=APP_BRW,
        ),
        Field(
            "purchaseInstalData",
            number(1, 3, low=2, high=999),
            required(when=_INSTALMENTS),
            versions=FROM_220,
        ),
        Field("mcc", digits(4), _IN_PA),
        Field("merchantCountryCode", country(), _IN_PA),
        Field("merchantName", text(40), _IN_PA),
        Field("merchantRiskIndicator", ObjectOf(MERCHANT_RISK_INDICATOR), optional()),
        Field("messageCategory", codes(MessageCategory), required()),
        MESSAGE_EXTENSION,
        message_type(MessageType.AREQ),
        MESSAGE_VERSION,
        Field(
            "multiTransaction", ObjectOf(MULTI_TRANSACTION, 10000), optional(), versions=FROM_231
        ),
        # It goes into a page of ours as the target of a form: the format keeps it harmless.
        Field("notificationURL", url_https_from_231(256), required(), channels=BRW),
        Field(
            "payeeOrigin",
            https_url(2048),
            required(when=has("threeDSRequestorSpcSupport", "Y")),
            versions=FROM_231,
            channels=BRW,
        ),
        *_purchase("purchaseAmount", digits(1, 48)),
        *_purchase("purchaseCurrency", currency()),
        *_purchase("purchaseExponent", exponent()),
        *_purchase("purchaseDate", second()),
        Field(
            "recurringAmount",
            digits(1, 48),
            required(when=all_of(_RECURRING, has("recurringInd.amountInd", "01"))),
            versions=FROM_231,
        ),
        Field(
            "recurringCurrency",
            currency(),
            required(when=present("recurringAmount")),
            versions=FROM_231,
        ),
        Field(
            "recurringExponent",
            exponent(),
            required(when=present("recurringAmount")),
            versions=FROM_231,
        ),
        Field(
            "recurringDate",
            day(),
            required(when=has("recurringInd.frequencyInd", "01")),
            versions=FROM_231,
        ),
        Field(
            "recurringExpiry", day(), required(when=_RECURRING), versions=ONLY_210, channels=APP_BRW
        ),
        Field("recurringExpiry", day(), required(when=_RECURRING), versions=ONLY_220),
        Field("recurringExpiry", day(), _IF_REQUESTOR_CAN, versions=FROM_231),
        Field(
            "recurringFrequency",
            digits(1, 4),
            required(when=_RECURRING),
            versions=ONLY_210,
            channels=APP_BRW,
        ),
        Field("recurringFrequency", digits(1, 4), required(when=_RECURRING), versions=ONLY_220),
        Field(
            "recurringFrequency",
            digits(1, 4),
            required(when=all_of(_RECURRING, has("recurringInd.frequencyInd", "01"))),
            versions=FROM_231,
        ),
        Field(
            "recurringInd", ObjectOf(RECURRING_IND), required(when=_RECURRING), versions=FROM_231
        ),
        Field("sellerInfo", ObjectsOf(SELLER_INFO, 1, 50), optional(), versions=FROM_231),
        Field("sdkAppID", uuid(), required(), channels=APP),
        Field("sdkEphemPubKey", ObjectOf(JWK_EC, 256), required(), channels=APP),
        Field("sdkMaxTimeout", number(2, 2, low=5, high=99), required(), channels=APP),
        Field("sdkReferenceNumber", text(32), required(), channels=APP),
        Field(
            "sdkServerSignedContent",
            jws_compact(4000),
            required(when=has("sdkType", "02")),
            versions=FROM_231,
            channels=APP,
        ),
        Field("sdkTransID", uuid(), required(), channels=APP),
        Field("sdkType", codes("01-02"), required(), versions=FROM_231, channels=APP),
        Field(
            "defaultSdkType",
            ObjectOf(DEFAULT_SDK_TYPE),
            required(when=has("sdkType", "01")),
            versions=FROM_231,
            channels=APP,
        ),
        Field(
            "splitSdkType",
            ObjectOf(SPLIT_SDK_TYPE),
            required(when=has("sdkType", "02")),
            versions=FROM_231,
            channels=APP,
        ),
        Field("spcIncompInd", codes("01-03"), _IF_REQUESTOR_CAN, versions=FROM_231, channels=BRW),
        Field(
            "transType",
            numbered("01 03 10 11 28"),
            required(when=MARKET),
            versions=ONLY_210,
            channels=APP_BRW,
            categories=PA,
        ),
        Field(
            "transType",
            numbered("01 03 10 11 28"),
            required(when=MARKET),
            versions=FROM_220,
            categories=PA,
        ),
        *trust_list("YN"),
    ),
    (
        source_needs_status("whiteListStatus"),
        source_needs_status("trustListStatus"),
        Rule(("sdkEphemPubKey",), has("sdkEphemPubKey.crv", "P-256"), is_point("sdkEphemPubKey")),
        Rule(("splitSdkType",), has("sdkType", "01"), absent("splitSdkType"), versions=FROM_231),
        Rule(
            ("defaultSdkType",), has("sdkType", "02"), absent("defaultSdkType"), versions=FROM_231
        ),
    ),
)
