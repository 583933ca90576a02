"""The closed lists of values that decisions are made with, spelled as the messages carry them.

Each list is a ``Code``: a string enumeration whose members know the first version that has them.
Lists that no decision looks at stand as plain text in the row of their element.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from schemas.versions import V210, V220, V231, is_since


class Code(StrEnum):
    """A list of codes: ``NAME = "07", V220`` is a code that 2.1.0 does not know yet."""

    since: str

    def __new__(cls, value: str, since: str = V210) -> Self:
        """Make a member that is the string itself and remembers its first version."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.since = since
        return member

    def exists_in(self, version: str) -> bool:
        """Tell whether a supported version knows this code."""
        return is_since(version, self.since)


class MessageType(Code):
    """messageType: every type the protocol has; this ACS takes some of them."""

    AREQ = "AReq"
    ARES = "ARes"
    CREQ = "CReq"
    CRES = "CRes"
    RREQ = "RReq"
    RRES = "RRes"
    PREQ = "PReq"
    PRES = "PRes"
    ERRO = "Erro"
    OREQ = "OReq", V231
    ORES = "ORes", V231


class DeviceChannel(Code):
    """deviceChannel [rule 0.3]."""

    APP = "01"
    BRW = "02"
    RI3 = "03"


class MessageCategory(Code):
    """messageCategory: payment and non-payment [rule 0.3]."""

    PA = "01"
    NPA = "02"


class TransStatus(Code):
    """transStatus; which message may carry which member stands in rule 3.1."""

    AUTHENTICATED = "Y"
    NOT_AUTHENTICATED = "N"
    COULD_NOT = "U"
    ATTEMPT = "A"
    CHALLENGE = "C"
    DECOUPLED = "D", V220
    REJECTED = "R"
    INFORMATION = "I", V220
    SPC = "S", V231


class TransStatusReason(Code):
    """transStatusReason [rule 3.15]; 80-99 belong to the Directory Servers."""

    CARD_AUTHENTICATION_FAILED = "01"
    UNKNOWN_DEVICE = "02"
    UNSUPPORTED_DEVICE = "03"
    TOO_FREQUENT = "04"
    EXPIRED_CARD = "05"
    INVALID_CARD_NUMBER = "06"
    INVALID_TRANSACTION = "07"
    NO_CARD_RECORD = "08"
    SECURITY_FAILURE = "09"
    STOLEN_CARD = "10"
    SUSPECTED_FRAUD = "11"
    NOT_PERMITTED = "12"
    NOT_ENROLLED = "13"
    TIMED_OUT = "14"
    LOW_CONFIDENCE = "15"
    MEDIUM_CONFIDENCE = "16"
    HIGH_CONFIDENCE = "17"
    VERY_HIGH_CONFIDENCE = "18"
    TOO_MANY_CHALLENGES = "19"
    NPA_NOT_SUPPORTED = "20"
    RI3_NOT_SUPPORTED = "21"
    TECHNICAL_ISSUE = "22", V220
    DECOUPLED_NEEDED = "23", V220
    DECOUPLED_TIMED_OUT = "24", V220
    DECOUPLED_TIME_TOO_SHORT = "25", V220
    NOT_PERFORMED_BY_CARDHOLDER = "26", V220
    METHOD_NOT_SUPPORTED = "27", V231
    PAGE_POLICY_FAILED = "28", V231
    FALL_BACK_TO_DECOUPLED = "29", V231
    MORE_BY_DECOUPLED = "30", V231


_OLDER_REASON = {
    TransStatusReason.TECHNICAL_ISSUE: TransStatusReason.INVALID_TRANSACTION,
    TransStatusReason.DECOUPLED_NEEDED: TransStatusReason.NOT_PERMITTED,
    TransStatusReason.DECOUPLED_TIME_TOO_SHORT: TransStatusReason.NOT_PERMITTED,
}


def reason_for(version: str, reason: TransStatusReason) -> TransStatusReason:
    """Give the reason as this version can say it; a younger code is never sent [rule 3.16]."""
    if reason.exists_in(version):
        return reason
    return _OLDER_REASON.get(reason, TransStatusReason.CARD_AUTHENTICATION_FAILED)


class ChallengeCancel(Code):
    """challengeCancel: why a challenge ended early [rule 8.8]."""

    BY_CARDHOLDER = "01"
    DECOUPLED_TIMED_OUT = "03", V220
    TIMED_OUT = "04"
    NO_FIRST_CREQ = "05"
    TRANSACTION_ERROR = "06"
    UNKNOWN = "07"
    SDK_TIMED_OUT = "08"
    ERRO_FOR_CRES = "09", V231
    ERRO_FOR_CREQ = "10", V231


class AuthenticationType(Code):
    """authenticationType, until 2.2.0 [rule 3.29]."""

    STATIC = "01"
    DYNAMIC = "02"
    OUT_OF_BAND = "03"
    DECOUPLED = "04", V220


class AuthenticationMethod(Code):
    """authenticationMethod [rule 3.30]."""

    STATIC_PASSCODE = "01"
    SMS_OTP = "02"
    CARD_READER_OTP = "03"
    APP_OTP = "04"
    OTHER_OTP = "05"
    KNOWLEDGE = "06"
    OOB_BIOMETRICS = "07"
    OOB_LOGIN = "08"
    OOB_OTHER = "09"
    OTHER = "10"
    PUSH_CONFIRMATION = "11", V220
    DECOUPLED = "12", V231
    WEBAUTHN = "13", V231
    SPC = "14", V231
    BEHAVIOURAL_BIOMETRICS = "15", V231
    ELECTRONIC_ID = "16", V231


class ResultsStatus(Code):
    """resultsStatus of the RRes; each of them means that the result was delivered [rule 8.17]."""

    RECEIVED = "01"
    CREQ_NOT_SENT = "02"
    ARES_NOT_DELIVERED = "03"


class ChallengeInd(Code):
    """threeDSRequestorChallengeInd: what the requestor wishes [rule 3.9]."""

    NO_PREFERENCE = "01"
    NO_CHALLENGE = "02"
    CHALLENGE_PREFERRED = "03"
    CHALLENGE_MANDATED = "04"
    RISK_ANALYSIS_DONE = "05", V220
    DATA_SHARE_ONLY = "06", V220
    STRONG_AUTHENTICATION_DONE = "07", V220
    TRUST_LIST_EXEMPTION = "08", V220
    TRUST_LIST_PROMPT = "09", V220
    LOW_VALUE = "10", V231
    SECURE_CORPORATE = "11", V231
    DEVICE_BINDING_PROMPT = "12", V231
    ISSUER_ASKED = "13", V231
    MERCHANT_INITIATED_SETUP = "14", V231


class RequestorAuthenticationInd(Code):
    """threeDSRequestorAuthenticationInd: what the authentication is for."""

    PAYMENT = "01"
    RECURRING = "02"
    INSTALMENT = "03"
    ADD_CARD = "04"
    MAINTAIN_CARD = "05"
    CARDHOLDER_VERIFICATION = "06"
    BILLING_AGREEMENT = "07", V220
    SPLIT_SHIPMENT = "08", V231
    DELAYED_SHIPMENT = "09", V231
    SPLIT_PAYMENT = "10", V231


class ThreeRIInd(Code):
    """threeRIInd: what a requestor-initiated authentication is for."""

    RECURRING = "01"
    INSTALMENT = "02"
    ADD_CARD = "03"
    MAINTAIN_CARD = "04"
    ACCOUNT_VERIFICATION = "05"
    SPLIT_OR_DELAYED_SHIPMENT = "06", V220
    TOP_UP = "07", V220
    MAIL_ORDER = "08", V220
    TELEPHONE_ORDER = "09", V220
    TRUST_LIST_CHECK = "10", V220
    OTHER_PAYMENT = "11", V220
    BILLING_AGREEMENT = "12", V220
    DEVICE_BINDING_CHECK = "13", V231
    SECURITY_CODE_CHECK = "14", V231
    DELAYED_SHIPMENT = "15", V231
    SPLIT_PAYMENT = "16", V231
    DELETE_CREDENTIAL = "17", V231
    REGISTER_CREDENTIAL = "18", V231
    DECOUPLED_FALL_BACK = "19", V231


class DecoupledRequest(Code):
    """threeDSRequestorDecReqInd: may the ACS authenticate decoupled [rule 3.7]."""

    YES = "Y"
    NO = "N"
    FALL_BACK = "F", V231
    BOTH = "B", V231


class ListStatus(Code):
    """whiteListStatus and trustListStatus [rule 3.35]."""

    LISTED = "Y"
    NOT_LISTED = "N"
    NOT_ELIGIBLE = "E"
    PENDING = "P"
    REFUSED = "R"
    UNKNOWN = "U"


class StatusSource(Code):
    """Who set a list status or a device-binding status [rule 3.35]."""

    THREE_DS_SERVER = "01"
    DIRECTORY_SERVER = "02"
    ACS = "03"


class UiType(Code):
    """acsUiType, acsUiTemplate, sdkUiType: the kinds of challenge screens [rule 3.31]."""

    TEXT = "01"
    SINGLE_SELECT = "02"
    MULTI_SELECT = "03"
    OUT_OF_BAND = "04"
    HTML = "05"
    HTML_OUT_OF_BAND = "06", V231
    INFORMATION = "07", V231


class WindowSize(Code):
    """challengeWindowSize, in CSS pixels: width x height [rule 5.3]."""

    W250_H400 = "01"
    W390_H400 = "02"
    W500_H600 = "03"
    W600_H400 = "04"
    FULL_SCREEN = "05"


class ErrorComponent(Code):
    """errorComponent: who found the error [rule 2.37]."""

    SDK = "C"
    THREE_DS_SERVER = "S"
    DIRECTORY_SERVER = "D"
    ACS = "A"
