"""CReq: the challenge request, from the SDK (APP) or through the browser (BRW) to this ACS.

In BRW there is one, the first, in clear text that anybody can write; in APP there are many, and
which element a later one must carry depends on the screen that the last CRes showed. Where SDKs in
the field write a value in two ways, both are taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.addresses import app_url
from schemas.field import APP, BRW, SECRET, Field, Rule, Table
from schemas.formats import Format, codes, number, numbered, one_of, text, true_only, uuid
from schemas.messages.shared import (
    ACS_TRANS_ID,
    MESSAGE_EXTENSION,
    MESSAGE_VERSION,
    THREE_DS_SERVER_TRANS_ID,
    echoed,
    message_type,
)
from schemas.presence import (
    ALWAYS,
    CARDHOLDER,
    REQUESTOR,
    absent,
    all_of,
    any_of,
    at_most_one,
    channel_is,
    earlier,
    exactly_one,
    flow_is,
    has,
    present,
    required,
    unless,
)
from schemas.values import ChallengeCancel, DeviceChannel, MessageType, WindowSize
from schemas.versions import FROM_231, ONLY_210, ONLY_220, UNTIL_220

if TYPE_CHECKING:
    from schemas.presence import Condition

_BY_CARDHOLDER = required(when=CARDHOLDER)
_IF_REQUESTOR_CAN = required(when=REQUESTOR)
_IS_LATER = flow_is("subsequent")
_GOES_ON = absent("challengeCancel")
_ASKS_NO_RESEND = unless(has("resendChallenge", "Y"))


def _after(*screens: str) -> Condition:
    """Say that the cardholder answers one of these kinds of screens, and does not cancel."""
    return all_of(_IS_LATER, earlier("CRes", has("acsUiType", *screens)), _GOES_ON)


def _after_text(name: str) -> Condition:
    """Say that the last screen carried the text that this element answers."""
    return all_of(_IS_LATER, earlier("CRes", present(name)), CARDHOLDER)


_NOTHING_ENTERED = all_of(_after("01", "02", "03"), absent("challengeDataEntry"), _ASKS_NO_RESEND)
# Both spellings of a consent are seen; it means the same.
_CONSENT = one_of(["Y", "N", "01", "02"])
_CONTINUED = Format(
    "true; Y and 01 are taken too",
    True,  # noqa: FBT003 - a JSON value
    lambda value: value is True or value in ("Y", "01"),
)

_RESENDS = has("resendChallenge", "Y")
_ENTERS = present("challengeDataEntry")
_ENTERS_NOTHING = present("challengeNoEntry")
_CANCELS = present("challengeCancel")
_ANSWERS = ("challengeDataEntry", "challengeNoEntry", "challengeCancel", "resendChallenge")


def _answered(*screens: str) -> Condition:
    """Say that a later CReq comes after one of these kinds of screens."""
    return all_of(_IS_LATER, earlier("CRes", has("acsUiType", *screens)))


# One statement in one CReq; SDKs in the field repeat themselves and say nothing at times.
_ADVISORY = (
    Rule(
        ("challengeDataEntry", "challengeCancel", "resendChallenge"),
        _answered("01", "02", "03"),
        at_most_one(_ENTERS, _CANCELS, _RESENDS),
        versions=ONLY_210,
    ),
    Rule(
        _ANSWERS,
        _answered("01", "02", "03"),
        exactly_one(_ENTERS, _ENTERS_NOTHING, _CANCELS, _RESENDS),
        versions=ONLY_220,
    ),
    Rule(
        (*_ANSWERS, "challengeAddCode"),
        _answered("01", "02", "03"),
        exactly_one(_ENTERS, _ENTERS_NOTHING, _CANCELS, _RESENDS, has("challengeAddCode", "Y")),
        versions=FROM_231,
    ),
    Rule(
        ("oobContinue", "challengeCancel", "resendChallenge"),
        _answered("04"),
        exactly_one(present("oobContinue"), _CANCELS, _RESENDS),
        versions=UNTIL_220,
    ),
    Rule(
        ("oobContinue", "challengeCancel", "resendChallenge", "challengeAddCode", "oobAppStatus"),
        _answered("04"),
        any_of(
            present("oobContinue"),
            _CANCELS,
            present("resendChallenge"),
            present("challengeAddCode"),
            present("oobAppStatus"),
        ),
        versions=FROM_231,
    ),
    Rule(
        ("challengeHTMLDataEntry", "challengeCancel"),
        _answered("05", "06"),
        exactly_one(present("challengeHTMLDataEntry"), _CANCELS),
    ),
    # Nothing can be answered before anything was asked.
    *(
        Rule((name,), all_of(flow_is("first"), present(name)), absent(name))
        for name in (
            "challengeDataEntry",
            "challengeNoEntry",
            "challengeHTMLDataEntry",
            "oobContinue",
            "resendChallenge",
        )
    ),
)

CREQ = Table(
    "CReq",
    (
        THREE_DS_SERVER_TRANS_ID,
        ACS_TRANS_ID,
        Field(
            "threeDSRequestorAppURL",
            app_url(256),
            _IF_REQUESTOR_CAN,
            versions=ONLY_220,
            channels=APP,
        ),
        Field(
            "threeDSRequestorAppURL",
            app_url(2048),
            _IF_REQUESTOR_CAN,
            versions=FROM_231,
            channels=APP,
        ),
        Field("challengeCancel", codes(ChallengeCancel), _BY_CARDHOLDER, channels=APP),
        Field(
            "challengeDataEntry",
            text(45),
            required(when=all_of(_after("01", "02", "03"), CARDHOLDER)),
            SECRET,
            channels=APP,
        ),
        Field(
            "challengeDataEntryTwo",
            text(45),
            required(when=_after_text("challengeEntryBoxTwo")),
            SECRET,
            versions=FROM_231,
            channels=APP,
        ),
        Field(
            "challengeNoEntry",
            one_of("Y"),
            required(when=_NOTHING_ENTERED),
            versions=ONLY_220,
            channels=APP,
        ),
        Field(
            "challengeNoEntry",
            one_of("Y"),
            required(when=all_of(_NOTHING_ENTERED, unless(has("challengeAddCode", "Y")))),
            versions=FROM_231,
            channels=APP,
        ),
        Field(
            "challengeHTMLDataEntry",
            text(256),
            required(when=_after("05")),
            SECRET,
            versions=UNTIL_220,
            channels=APP,
        ),
        Field(
            "challengeHTMLDataEntry",
            text(256),
            required(when=_after("05", "06")),
            SECRET,
            versions=FROM_231,
            channels=APP,
        ),
        Field("challengeAddCode", one_of("YN"), _BY_CARDHOLDER, versions=FROM_231, channels=APP),
        Field("challengeWindowSize", one_of(WindowSize), required(), channels=BRW),
        Field(
            "deviceBindingDataEntry",
            _CONSENT,
            required(when=_after_text("deviceBindingInfoText")),
            versions=FROM_231,
            channels=APP,
        ),
        Field(
            "infoContinueIndicator",
            _CONTINUED,
            required(when=_after("07")),
            versions=FROM_231,
            channels=APP,
        ),
        MESSAGE_EXTENSION,
        message_type(MessageType.CREQ),
        MESSAGE_VERSION,
        Field("oobAppStatus", numbered("01"), _BY_CARDHOLDER, versions=FROM_231, channels=APP),
        Field("oobAppURLInd", numbered("01"), _IF_REQUESTOR_CAN, versions=FROM_231, channels=APP),
        Field(
            "oobContinue", true_only(), required(when=_after("04")), versions=ONLY_210, channels=APP
        ),
        Field(
            "oobContinue",
            true_only(),
            required(when=all_of(_after("04"), _ASKS_NO_RESEND)),
            versions=ONLY_220,
            channels=APP,
        ),
        Field(
            "oobContinue",
            numbered("01-02"),
            required(when=all_of(_after("04"), _ASKS_NO_RESEND)),
            versions=FROM_231,
            channels=APP,
        ),
        Field("resendChallenge", one_of("YN"), _BY_CARDHOLDER, versions=UNTIL_220, channels=APP),
        Field("resendChallenge", one_of("Y"), _BY_CARDHOLDER, versions=FROM_231, channels=APP),
        Field("sdkCounterStoA", number(3, 3, low=0, high=255), required(), channels=APP),
        Field("sdkTransID", uuid(), required(), channels=APP),
        Field(
            "trustListDataEntry",
            _CONSENT,
            required(when=_after_text("trustListInfoText")),
            versions=FROM_231,
            channels=APP,
        ),
        Field(
            "whitelistingDataEntry",
            one_of("YN"),
            required(when=_after_text("whitelistingInfoText")),
            versions=ONLY_220,
            channels=APP,
        ),
    ),
    (
        Rule(("messageType",), ALWAYS, unless(channel_is(DeviceChannel.RI3))),
        *echoed("AReq", "threeDSServerTransID", "messageVersion", "sdkTransID"),
        *echoed("ARes", "acsTransID"),
    ),
    _ADVISORY,
)
