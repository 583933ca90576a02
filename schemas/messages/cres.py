"""CRes: the challenge response, this ACS to the SDK (APP), or by the browser to the shop (BRW).

A final one tells the end and holds nothing else: SDKs refuse any surplus element [rule 6.39]. One
that is not final is a screen; its rows say what each kind of screen needs [rule 6.41]. In BRW the
pages are our own HTML, so the only CRes is the final one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.addresses import app_url
from schemas.encoded import base64url
from schemas.field import APP, PERSONAL, Field, ObjectOf, Rule, Table
from schemas.formats import Format, Versioned, codes, number, numbered, one_of, text, uuid
from schemas.messages.objects import CHALLENGE_ENTRY_BOX, IMAGE_BY_DENSITY, IMAGE_BY_MODE
from schemas.messages.shared import (
    ACS_TRANS_ID,
    MESSAGE_EXTENSION,
    MESSAGE_VERSION,
    THREE_DS_SERVER_TRANS_ID,
    echoed,
    message_type,
    only_with,
)
from schemas.presence import (
    ACS_CHOICE,
    ALWAYS,
    DS_RULE,
    all_of,
    any_of,
    channel_is,
    flow_is,
    has,
    present,
    required,
    required_only,
    unless,
)
from schemas.values import DeviceChannel, MessageType, UiType
from schemas.versions import FROM_231, ONLY_210, ONLY_220, UNTIL_220, V210, V220, V231

if TYPE_CHECKING:
    from schemas.presence import Condition

_AS_WE_LIKE = required(when=ACS_CHOICE)
_BY_DS_RULE = required(when=DS_RULE)
_IS_SCREEN = flow_is("non-final")
_IS_FINAL = flow_is("final")

_HTML_MAX_210 = 100_000
_HTML_MAX_220 = 300_000
# A key list comes back in challengeDataEntry, joined by commas, within 45 characters.
_KEY_MAX = 45
_KEY_MAX_231 = 4
_LABEL_MAX = 45
_OPTIONS_MAX = 45
_OPTIONS_MAX_231 = 8


def _screen(*kinds: str) -> Condition:
    """Say that the message shows one of these kinds of screens."""
    return all_of(_IS_SCREEN, has("acsUiType", *kinds))


def _options(most: int, key_max: int) -> Format:
    """Give the format of choices: objects with one member each, its key and its label."""

    def is_option(option: object) -> bool:
        if not isinstance(option, dict) or len(option) != 1:
            return False
        ((key, label),) = option.items()
        return (
            1 <= len(key) <= key_max
            and "," not in key
            and isinstance(label, str)
            and 1 <= len(label) <= _LABEL_MAX
        )

    def accepts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON gave
        return type(value) is list and 1 <= len(value) <= most and all(map(is_option, value))

    return Format(f"1-{most} choices, key to label", [{"sms": "Text message"}], accepts, empty=[])


_OPTIONS = Versioned(
    {
        V210: _options(_OPTIONS_MAX, _KEY_MAX),
        V220: _options(_OPTIONS_MAX, _KEY_MAX),
        V231: _options(_OPTIONS_MAX_231, _KEY_MAX_231),
    }
)

_FINAL_ELEMENTS = (
    "threeDSServerTransID",
    "acsTransID",
    "acsCounterAtoS",
    "challengeCompletionInd",
    "messageExtension",
    "messageType",
    "messageVersion",
    "sdkTransID",
    "transStatus",
)

_ROWS = (
    THREE_DS_SERVER_TRANS_ID,
    Field("acsCounterAtoS", number(3, 3, low=0, high=255), required(), channels=APP),
    ACS_TRANS_ID,
    Field("acsUiType", codes(UiType), required_only(when=_IS_SCREEN), channels=APP),
    Field(
        "acsHTML",
        base64url(_HTML_MAX_210),
        required(when=_screen("05")),
        PERSONAL,
        versions=ONLY_210,
        channels=APP,
    ),
    Field(
        "acsHTML",
        base64url(_HTML_MAX_220),
        required(when=_screen("05")),
        PERSONAL,
        versions=ONLY_220,
        channels=APP,
    ),
    Field(
        "acsHTML",
        base64url(_HTML_MAX_220),
        required(when=_screen("05", "06")),
        PERSONAL,
        versions=FROM_231,
        channels=APP,
    ),
    Field(
        "acsHTMLRefresh",
        base64url(_HTML_MAX_220),
        _AS_WE_LIKE,
        PERSONAL,
        versions=UNTIL_220,
        channels=APP,
    ),
    Field("challengeAddInfo", text(256), _AS_WE_LIKE, PERSONAL, versions=UNTIL_220, channels=APP),
    Field("challengeAddLabel", text(45), _AS_WE_LIKE, versions=FROM_231, channels=APP),
    # Formally an element of the app; sent in the browser too, which harms nobody [rule 5.25].
    Field("challengeCompletionInd", one_of("YN"), required(when=channel_is(DeviceChannel.APP))),
    Field(
        "challengeEntryBox",
        ObjectOf(CHALLENGE_ENTRY_BOX),
        required(when=_screen("01")),
        versions=FROM_231,
        channels=APP,
    ),
    Field(
        "challengeEntryBoxTwo",
        ObjectOf(CHALLENGE_ENTRY_BOX),
        _AS_WE_LIKE,
        versions=FROM_231,
        channels=APP,
    ),
    Field(
        "challengeInfoHeader",
        text(45),
        required(when=_screen("01", "02", "03", "04")),
        versions=UNTIL_220,
        channels=APP,
    ),
    Field(
        "challengeInfoHeader",
        text(45),
        required(when=_screen("01", "02", "03", "04", "07")),
        versions=FROM_231,
        channels=APP,
    ),
    Field(
        "challengeInfoLabel",
        text(45),
        required(when=_screen("01", "02", "03")),
        versions=UNTIL_220,
        channels=APP,
    ),
    Field(
        "challengeInfoLabel",
        text(45),
        required(when=_screen("02", "03")),
        versions=FROM_231,
        channels=APP,
    ),
    Field(
        "challengeInfoText",
        text(350),
        required(when=_screen("01", "02", "03", "04")),
        PERSONAL,
        versions=UNTIL_220,
        channels=APP,
    ),
    Field(
        "challengeInfoText",
        text(350),
        required(when=_screen("01", "02", "03", "04", "07")),
        PERSONAL,
        versions=FROM_231,
        channels=APP,
    ),
    Field("challengeInfoTextIndicator", one_of("YN"), _AS_WE_LIKE, channels=APP),
    Field(
        "challengeSelectInfo", _OPTIONS, required(when=_screen("02", "03")), PERSONAL, channels=APP
    ),
    Field("deviceBindingInfoText", text(64), _AS_WE_LIKE, versions=FROM_231, channels=APP),
    Field("expandInfoLabel", text(45), _AS_WE_LIKE, channels=APP),
    Field("expandInfoText", text(256), _AS_WE_LIKE, channels=APP),
    Field(
        "infoContinueLabel", text(45), required(when=_screen("07")), versions=FROM_231, channels=APP
    ),
    Field("issuerImage", ObjectOf(IMAGE_BY_DENSITY), _BY_DS_RULE, versions=UNTIL_220, channels=APP),
    Field("issuerImage", ObjectOf(IMAGE_BY_MODE), _BY_DS_RULE, versions=FROM_231, channels=APP),
    MESSAGE_EXTENSION,
    message_type(MessageType.CRES),
    MESSAGE_VERSION,
    Field("oobAppLabel", text(45), _AS_WE_LIKE, channels=APP),
    Field("oobAppURL", app_url(256), _AS_WE_LIKE, PERSONAL, versions=UNTIL_220, channels=APP),
    Field("oobAppURL", app_url(2048), _AS_WE_LIKE, PERSONAL, versions=FROM_231, channels=APP),
    Field("oobContinueLabel", text(45), required(when=_screen("04")), channels=APP),
    Field("psImage", ObjectOf(IMAGE_BY_DENSITY), _BY_DS_RULE, versions=UNTIL_220, channels=APP),
    Field("psImage", ObjectOf(IMAGE_BY_MODE), _BY_DS_RULE, versions=FROM_231, channels=APP),
    Field("resendInformationLabel", text(45), _AS_WE_LIKE, channels=APP),
    Field("sdkTransID", uuid(), required(), channels=APP),
    Field(
        "submitAuthenticationLabel",
        text(45),
        required(when=_screen("01", "02", "03")),
        channels=APP,
    ),
    Field("togglePositionInd", numbered("01"), _AS_WE_LIKE, versions=FROM_231, channels=APP),
    Field("transStatus", one_of("YN"), required_only(when=_IS_FINAL)),
    Field("trustListInfoText", text(64), _AS_WE_LIKE, versions=FROM_231, channels=APP),
    Field("whitelistingInfoText", text(64), _AS_WE_LIKE, versions=ONLY_220, channels=APP),
    Field("whyInfoLabel", text(45), _AS_WE_LIKE, channels=APP),
    Field("whyInfoText", text(256), _AS_WE_LIKE, channels=APP),
)

_SOME_TEXT = any_of(
    *map(
        present,
        (
            "challengeInfoHeader",
            "challengeInfoLabel",
            "challengeInfoText",
            "whyInfoLabel",
            "whyInfoText",
            "expandInfoLabel",
            "expandInfoText",
            "resendInformationLabel",
        ),
    )
)

CRES = Table(
    "CRes",
    _ROWS,
    (
        *(
            only_with(name, unless(_IS_FINAL))
            for name in dict.fromkeys(row.name for row in _ROWS)
            if name not in _FINAL_ELEMENTS
        ),
        Rule(("messageType",), channel_is(DeviceChannel.BRW), _IS_FINAL),
        Rule(("messageType",), ALWAYS, unless(channel_is(DeviceChannel.RI3))),
        # The challenge is over exactly when the message is final.
        Rule(
            ("challengeCompletionInd",),
            all_of(_IS_FINAL, present("challengeCompletionInd")),
            has("challengeCompletionInd", "Y"),
        ),
        Rule(("challengeCompletionInd",), _IS_SCREEN, has("challengeCompletionInd", "N")),
        # A label and its text travel together [rule 6.42].
        only_with("whyInfoLabel", present("whyInfoText")),
        only_with("whyInfoText", present("whyInfoLabel")),
        only_with("expandInfoLabel", present("expandInfoText")),
        only_with("expandInfoText", present("expandInfoLabel")),
        Rule(("challengeInfoText",), _screen("01", "02", "03", "04"), _SOME_TEXT),
        *echoed("AReq", "threeDSServerTransID", "messageVersion", "sdkTransID"),
        *echoed("ARes", "acsTransID"),
    ),
)
