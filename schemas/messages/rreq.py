"""RReq: the results request, this ACS to Directory Server to 3DS Server.

One for every transaction whose ARes said C or D, with the final status. It carries the
authentication value, which the ARes of a challenge must not [rule 3.22].
"""

from __future__ import annotations

from schemas.encoded import base64_text
from schemas.field import APP, APP_BRW, SECRET, Field, ObjectOf, Rule, Table
from schemas.formats import codes, list_of, number, one_of, pattern, text, uuid
from schemas.messages.erro import ERRO
from schemas.messages.objects import ACS_RENDERING_TYPE, CARDHOLDER_INFO
from schemas.messages.shared import (
    ACS_TRANS_ID,
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
    ENDED_EARLY,
    all_of,
    any_of,
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
    ChallengeCancel,
    DeviceChannel,
    MessageCategory,
    MessageType,
    TransStatus,
    TransStatusReason,
)
from schemas.versions import FROM_220, FROM_231, ONLY_210, ONLY_220, UNTIL_220

_IN_PA = category_is(MessageCategory.PA)
_IS_PROVEN = has("transStatus", "Y", "A")
_IS_REFUSED = has("transStatus", "N", "U", "R")
_IS_PASSED_OR_FAILED = has("transStatus", "Y", "N")
_NOT_DECOUPLED = unless(earlier("ARes", has("acsDecConInd", "Y")))
_IS_TIMED_OUT = has("transStatusReason", TransStatusReason.TIMED_OUT)
_CANCELLED = codes(ChallengeCancel)
_WHY_CANCELLED = required(when=any_of(_IS_TIMED_OUT, ENDED_EARLY))
_COUNTER = number(2, 2, low=0, high=99)

RREQ = Table(
    "RReq",
    (
        THREE_DS_SERVER_TRANS_ID,
        ACS_TRANS_ID,
        DS_TRANS_ID,
        Field("sdkTransID", uuid(), required(), versions=FROM_220, channels=APP),
        Field(
            "acsRenderingType",
            ObjectOf(ACS_RENDERING_TYPE),
            required(),
            versions=ONLY_210,
            channels=APP,
        ),
        Field(
            "acsRenderingType",
            ObjectOf(ACS_RENDERING_TYPE),
            required(when=_NOT_DECOUPLED),
            versions=FROM_220,
            channels=APP,
        ),
        Field(
            "authenticationMethod",
            codes(AuthenticationMethod),
            required(when=DS_RULE),
            versions=UNTIL_220,
        ),
        Field(
            "authenticationMethod",
            list_of(codes(AuthenticationMethod), 1, 99),
            required(when=_IS_PASSED_OR_FAILED),
            versions=FROM_231,
        ),
        Field(
            "authenticationType",
            codes(AuthenticationType),
            required(when=_IS_PASSED_OR_FAILED),
            versions=UNTIL_220,
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
        Field("cardholderInfo", ObjectOf(CARDHOLDER_INFO), optional(), versions=FROM_231),
        Field("challengeCancel", _CANCELLED, _WHY_CANCELLED, versions=ONLY_210, channels=APP_BRW),
        Field("challengeCancel", _CANCELLED, _WHY_CANCELLED, versions=FROM_220),
        Field(
            "challengeErrorReporting",
            ObjectOf(ERRO),
            required(when=has("challengeCancel", "09", "10")),
            versions=FROM_231,
            channels=APP_BRW,
        ),
        *DEVICE_BINDING,
        Field(
            "eci", pattern("2 characters", "05", r"[^\x00\n]{2}", (2, 2)), required(when=DS_RULE)
        ),
        Field("interactionCounter", _COUNTER, required(), versions=ONLY_210, channels=APP_BRW),
        Field(
            "interactionCounter",
            _COUNTER,
            required(when=_NOT_DECOUPLED),
            versions=FROM_220,
            channels=APP_BRW,
        ),
        Field("messageCategory", codes(MessageCategory), required()),
        MESSAGE_EXTENSION,
        message_type(MessageType.RREQ),
        MESSAGE_VERSION,
        Field(
            "transStatus", one_of(TransStatus, "YNUAR"), required(when=_IN_PA), versions=UNTIL_220
        ),
        Field(
            "transStatus", one_of(TransStatus, "YNUARD"), required(when=_IN_PA), versions=FROM_231
        ),
        Field(
            "transStatusReason",
            codes(TransStatusReason),
            required(when=all_of(_IN_PA, _IS_REFUSED)),
        ),
        Field("transStatusReasonInfo", text(256), optional(), versions=FROM_231),
        *trust_list(),
    ),
    (
        only_with("authenticationValue", _IS_PROVEN),
        only_with("transStatusReason", has("transStatus", "N", "U", "R", "D")),
        # A DS refuses "timed out" beside another ending; 08 is the SDK's time-out [rule 3.17].
        Rule(("challengeCancel",), _IS_TIMED_OUT, has("challengeCancel", "04", "05", "08")),
        only_with("challengeErrorReporting", has("challengeCancel", "09", "10")),
        Rule(
            ("authenticationType",),
            all_of(earlier("ARes", has("acsDecConInd", "Y")), present("authenticationType")),
            has("authenticationType", AuthenticationType.DECOUPLED),
            versions=ONLY_220,
        ),
        Rule(
            ("transStatus",),
            all_of(has("transStatus", "D"), earlier("AReq", ALWAYS)),
            earlier("AReq", has("threeDSRequestorDecReqInd", "F", "B")),
            versions=FROM_231,
        ),
        # A result follows a challenge only; 2.1.0 has none in 3RI [rule 8.1].
        Rule(
            ("messageType",), earlier("ARes", ALWAYS), earlier("ARes", has("transStatus", "C", "D"))
        ),
        Rule(("messageType",), ALWAYS, unless(channel_is(DeviceChannel.RI3)), versions=ONLY_210),
        source_needs_status("whiteListStatus"),
        source_needs_status("trustListStatus"),
        *echoed("AReq", "threeDSServerTransID", "dsTransID", "messageVersion", "messageCategory"),
        *echoed("AReq", "sdkTransID"),
        *echoed("ARes", "acsTransID"),
    ),
)
