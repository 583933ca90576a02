"""ARes: the authentication response, this ACS to Directory Server to 3DS Server.

The rules at the foot are the presence matrix [rule 3.40]: what goes with which transStatus, and
what never goes with it. Where the AReq is at hand they also hold the answer against the request.
"""

from __future__ import annotations

from schemas.addresses import url_https_from_231
from schemas.encoded import base64_text, free_object, jws_compact
from schemas.field import (
    APP,
    APP_BRW,
    BRW,
    PERSONAL,
    SECRET,
    Field,
    ObjectOf,
    ObjectsOf,
    Rule,
    Table,
)
from schemas.formats import codes, list_of, one_of, pattern, text, uuid
from schemas.messages.objects import (
    ACS_RENDERING_TYPE,
    BROAD_INFO,
    CARDHOLDER_INFO,
    SPC_TRANS_DATA,
    WEB_AUTHN_CRED,
)
from schemas.messages.shared import (
    ACS_TRANS_ID,
    CARD_SECURITY_CODE_STATUS,
    DEVICE_BINDING,
    DS_TRANS_ID,
    MESSAGE_EXTENSION,
    MESSAGE_VERSION,
    THREE_DS_SERVER_TRANS_ID,
    echoed,
    message_type,
    only_with,
    source_needs_status,
    trust_list,
)
from schemas.presence import (
    ALWAYS,
    DS_RULE,
    all_of,
    category_is,
    channel_is,
    earlier,
    has,
    optional,
    present,
    required,
    unless,
)
from schemas.values import (
    AuthenticationMethod,
    AuthenticationType,
    DeviceChannel,
    MessageCategory,
    MessageType,
    TransStatus,
    TransStatusReason,
)
from schemas.versions import FROM_220, FROM_231, ONLY_210, ONLY_220, UNTIL_220

_BY_DS_RULE = required(when=DS_RULE)
_IN_PA = category_is(MessageCategory.PA)
_IS_CHALLENGE = has("transStatus", "C")
_IS_CHALLENGE_OR_DECOUPLED = has("transStatus", "C", "D")
_IS_PROVEN = has("transStatus", "Y", "A")
_IS_REFUSED = has("transStatus", "N", "U", "R")
_IS_SPC = has("transStatus", "S")
_IS_DECOUPLED = has("transStatus", "D")

# No limit is published before 2.3.1; this one bounds what we build.
_SIGNED_CONTENT_MAX = 16000

ARES = Table(
    "ARes",
    (
        THREE_DS_SERVER_TRANS_ID,
        Field(
            "threeDSRequestorAppURLInd", one_of("YN"), required(), versions=FROM_231, channels=APP
        ),
        Field(
            "acsChallengeMandated",
            one_of("YN"),
            required(when=_IS_CHALLENGE),
            versions=ONLY_210,
            channels=APP_BRW,
        ),
        Field(
            "acsChallengeMandated",
            one_of("YN"),
            required(when=_IS_CHALLENGE_OR_DECOUPLED),
            versions=FROM_220,
        ),
        Field("acsDecConInd", one_of("YN"), required(when=_IS_DECOUPLED), versions=FROM_220),
        Field("acsOperatorID", text(32), _BY_DS_RULE),
        Field("acsReferenceNumber", text(32), required()),
        Field(
            "acsRenderingType",
            ObjectOf(ACS_RENDERING_TYPE),
            required(when=_IS_CHALLENGE),
            channels=APP,
        ),
        Field(
            "acsSignedContent",
            jws_compact(_SIGNED_CONTENT_MAX),
            required(when=_IS_CHALLENGE),
            channels=APP,
        ),
        ACS_TRANS_ID,
        Field("acsURL", url_https_from_231(2048), required(when=_IS_CHALLENGE), channels=BRW),
        Field(
            "authenticationType",
            codes(AuthenticationType),
            required(when=_IS_CHALLENGE),
            versions=ONLY_210,
        ),
        Field(
            "authenticationType",
            codes(AuthenticationType),
            required(when=_IS_CHALLENGE_OR_DECOUPLED),
            versions=ONLY_220,
        ),
        Field(
            "authenticationMethod",
            list_of(codes(AuthenticationMethod), 1, 99),
            required(when=_IS_CHALLENGE_OR_DECOUPLED),
            versions=FROM_231,
        ),
        Field(
            "authenticationValue",
            base64_text(28),
            required(when=all_of(_IN_PA, _IS_PROVEN)),
            SECRET,
            versions=UNTIL_220,
        ),
        Field(
            "authenticationValue",
            text(4000),
            required(when=all_of(_IN_PA, _IS_PROVEN)),
            SECRET,
            versions=FROM_231,
        ),
        Field("broadInfo", free_object(4096), _BY_DS_RULE, PERSONAL, versions=UNTIL_220),
        Field("broadInfo", ObjectOf(BROAD_INFO, 4096), optional(), versions=FROM_231),
        Field("cardholderInfo", text(128), optional(), versions=ONLY_210, channels=APP_BRW),
        Field(
            "cardholderInfo", text(128), required(when=has("acsDecConInd", "Y")), versions=ONLY_220
        ),
        Field(
            "cardholderInfo",
            ObjectOf(CARDHOLDER_INFO),
            required(when=has("acsDecConInd", "Y")),
            versions=FROM_231,
        ),
        *CARD_SECURITY_CODE_STATUS,
        *DEVICE_BINDING,
        Field(
            "deviceInfoRecognisedVersion", text(16, 3), required(), versions=FROM_231, channels=APP
        ),
        Field("dsReferenceNumber", text(32), required()),
        DS_TRANS_ID,
        Field("eci", pattern("2 characters", "05", r"[^\x00\n]{2}", (2, 2)), _BY_DS_RULE),
        MESSAGE_EXTENSION,
        message_type(MessageType.ARES),
        MESSAGE_VERSION,
        Field("sdkTransID", uuid(), required(), channels=APP),
        Field(
            "spcTransData",
            ObjectOf(SPC_TRANS_DATA),
            required(when=_IS_SPC),
            versions=FROM_231,
            channels=BRW,
        ),
        Field("transChallengeExemption", codes("05 08 10 11 79"), optional(), versions=FROM_231),
        Field("transStatus", one_of(TransStatus), required(when=_IN_PA)),
        Field(
            "transStatusReason",
            codes(TransStatusReason),
            required(when=all_of(_IN_PA, _IS_REFUSED)),
        ),
        Field("transStatusReasonInfo", text(256), optional(), versions=FROM_231),
        *trust_list(),
        Field(
            "webAuthnCredList",
            ObjectsOf(WEB_AUTHN_CRED, 1, 10),
            required(when=_IS_SPC),
            versions=FROM_231,
            channels=BRW,
        ),
    ),
    (
        # What goes with which status only [rule 3.40].
        only_with("authenticationValue", _IS_PROVEN),
        only_with("transStatusReason", has("transStatus", "N", "U", "R", "I")),
        only_with("eci", unless(has("transStatus", "C", "D", "S"))),
        only_with("cardholderInfo", unless(has("transStatus", "C", "S"))),
        only_with("acsChallengeMandated", _IS_CHALLENGE_OR_DECOUPLED),
        only_with("authenticationType", _IS_CHALLENGE_OR_DECOUPLED),
        only_with("authenticationMethod", _IS_CHALLENGE_OR_DECOUPLED),
        # In the app the URL travels in acsSignedContent; their channels part them too [rule 13.4].
        only_with("acsURL", _IS_CHALLENGE),
        only_with("acsSignedContent", _IS_CHALLENGE),
        only_with("acsRenderingType", _IS_CHALLENGE),
        only_with("spcTransData", _IS_SPC),
        only_with("webAuthnCredList", _IS_SPC),
        # Y in acsDecConInd and D are one statement [rule 3.28].
        Rule(("acsDecConInd",), _IS_DECOUPLED, has("acsDecConInd", "Y"), versions=FROM_220),
        Rule(("acsDecConInd",), has("acsDecConInd", "Y"), _IS_DECOUPLED, versions=FROM_220),
        Rule(
            ("authenticationType",),
            _IS_DECOUPLED,
            has("authenticationType", AuthenticationType.DECOUPLED),
            versions=ONLY_220,
        ),
        # Which statuses a channel and a request allow [rules 3.5 to 3.7].
        Rule(("transStatus",), _IS_CHALLENGE, unless(channel_is(DeviceChannel.RI3))),
        Rule(
            ("transStatus",),
            all_of(_IS_CHALLENGE, earlier("AReq", ALWAYS)),
            unless(earlier("AReq", has("threeDSRequestorChallengeInd", "06"))),
            versions=FROM_220,
        ),
        Rule(
            ("transStatus",),
            all_of(has("transStatus", "I"), earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorChallengeInd", "05", "06", "07")),
            versions=ONLY_220,
        ),
        Rule(
            ("transStatus",),
            all_of(has("transStatus", "I"), earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorChallengeInd", "05", "06", "07", "10", "11")),
            versions=FROM_231,
        ),
        Rule(
            ("transStatus",),
            all_of(_IS_DECOUPLED, earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorDecReqInd", "Y")),
            versions=ONLY_220,
        ),
        Rule(
            ("transStatus",),
            all_of(_IS_DECOUPLED, earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorDecReqInd", "Y", "B")),
            versions=FROM_231,
        ),
        Rule(("transStatus",), _IS_SPC, channel_is(DeviceChannel.BRW), versions=FROM_231),
        Rule(
            ("transStatus",),
            all_of(_IS_SPC, earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorSpcSupport", "Y")),
            versions=FROM_231,
        ),
        Rule(("transStatus",), present("transStatusReason"), present("transStatus")),
        source_needs_status("whiteListStatus"),
        source_needs_status("trustListStatus"),
        *echoed(
            "AReq",
            "threeDSServerTransID",
            "dsTransID",
            "dsReferenceNumber",
            "messageVersion",
            "sdkTransID",
        ),
    ),
)
