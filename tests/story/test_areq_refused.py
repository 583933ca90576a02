"""What an AReq that breaks the protocol is answered: the right Erro, by name, and nothing is kept.

The lists of elements were written from the protocol's own tables, not from ours: a browser payment,
version by version.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import judge
from tests.story.areqs import browser_areq

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")

_REQUIRED = (
    "threeDSCompInd", "threeDSRequestorAuthenticationInd", "threeDSRequestorID",
    "threeDSRequestorName", "threeDSRequestorURL", "threeDSServerRefNumber",
    "threeDSServerTransID", "threeDSServerURL", "acctNumber", "acquirerBIN", "acquirerMerchantID",
    "browserAcceptHeader", "browserJavaEnabled", "browserLanguage", "browserColorDepth",
    "browserScreenHeight", "browserScreenWidth", "browserTZ", "browserUserAgent", "deviceChannel",
    "dsReferenceNumber", "dsTransID", "dsURL", "mcc", "merchantCountryCode", "merchantName",
    "messageCategory", "messageType", "messageVersion", "notificationURL", "purchaseAmount",
    "purchaseCurrency", "purchaseExponent", "purchaseDate",
)  # fmt: skip
REQUIRED = {
    "2.1.0": _REQUIRED,
    "2.2.0": (*_REQUIRED, "browserJavascriptEnabled"),
    "2.3.1": (*_REQUIRED, "browserJavascriptEnabled", "acceptLanguage", "acquirerCountryCode"),
}
WITH_SCRIPT_ONLY = (
    "browserJavaEnabled", "browserLanguage", "browserColorDepth", "browserScreenHeight",
    "browserScreenWidth", "browserTZ",
)  # fmt: skip

MALFORMED: tuple[tuple[str, Any], ...] = (
    ("acctNumber", "4" * 12), ("acctNumber", "4" * 20), ("acctNumber", "4000 0010 0000 0018"),
    ("acctNumber", "４０００００１０００００００１８"), ("acctNumber", 4000001000000018),
    ("acquirerBIN", "1" * 12), ("acquirerBIN", 400551),
    ("acquirerMerchantID", "M" * 36),
    ("browserAcceptHeader", "a" * 2049), ("browserIP", "300.1.1.1"), ("browserIP", "localhost"),
    ("browserJavaEnabled", "true"), ("browserJavaEnabled", 1),
    ("browserColorDepth", "00"), ("browserColorDepth", 24),
    ("browserScreenHeight", "1234567"), ("browserScreenWidth", "-1"), ("browserTZ", "12345678"),
    ("browserUserAgent", "u" * 2049), ("browserLanguage", "p" * 36),
    ("cardExpiryDate", "3013"), ("cardExpiryDate", "0030"), ("cardExpiryDate", "203012"),
    ("deviceChannel", "browser"), ("deviceChannel", 2), ("messageCategory", "1"),
    ("dsReferenceNumber", "d" * 33), ("dsTransID", "not-a-uuid"),
    ("dsTransID", "F25084F05B164C0AAE5DB24808A95E4B"),
    ("dsURL", "ds.example.com/rreq"), ("dsURL", "https://x/" + "u" * 2048),
    ("email", "nobody"), ("mcc", "54"), ("mcc", "541a"),
    ("merchantCountryCode", "PL"), ("merchantCountryCode", "6160"),
    ("merchantName", "m" * 41), ("merchantName", 7), ("merchantName", "\u0000"),
    ("merchantName", "\ud800"),
    ("notificationURL", "javascript:alert(1)"), ("notificationURL", "/3ds"),
    ("notificationURL", "https://s/" + "n" * 256), ("notificationURL", "https://u:p@shop.example/"),
    ("notificationURL", "https://shop.example/\r\nx"),
    ("purchaseAmount", "12.50"), ("purchaseAmount", "-1"), ("purchaseAmount", "1" * 49),
    ("purchaseAmount", 12345), ("purchaseCurrency", "PLN"), ("purchaseExponent", "x"),
    ("purchaseExponent", 2), ("purchaseDate", "20260230120000"), ("purchaseDate", "20261125"),
    ("purchaseDate", "20261125246000"),
    ("threeDSCompInd", "X"), ("threeDSRequestorAuthenticationInd", "1"),
    ("threeDSRequestorID", "i" * 36), ("threeDSRequestorName", "n" * 41),
    ("threeDSRequestorURL", "shop"), ("threeDSServerRefNumber", "r" * 33),
    ("threeDSServerTransID", "8a880dc0-d2d2-4067-bcb1-b08d1690b26"),
    ("threeDSServerURL", "3dss"), ("acctInfo", "none"), ("acctInfo", []),
    ("threeDSServerOperatorID", ""), ("email", ""), ("cardholderName", None),
    ("messageExtension", []), ("messageExtension", {}), ("payTokenInd", False),
)  # fmt: skip
MALFORMED_FROM_220 = (
    ("browserJavascriptEnabled", "yes"),
    ("threeDSRequestorDecReqInd", "X"),
    ("threeDSRequestorDecMaxTime", "10081"),
)
MALFORMED_231 = (
    ("acceptLanguage", "pl"),
    ("acceptLanguage", [7]),
    ("notificationURL", "http://shop.example/3ds"),
    ("threeDSRequestorChallengeInd", "04"),
)
# No element where it is required; an empty value stands for a missing one.
EMPTY = ("", None)


def the_areq(world: World, version: str, **overrides: Any) -> dict[str, Any]:
    return browser_areq(
        "4000001000000018", version=version, ds_url=world.directory.url, **overrides
    )


async def the_erro(world: World, message: object) -> dict[str, Any]:
    """Send anything, expect an Erro."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    given = await world.raw_areq(body)
    judge.erro(given)
    return given


def said(erro: dict[str, Any]) -> tuple[str, str]:
    return erro["errorCode"], erro["errorDetail"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_required_element_is_missed_by_its_name(shared: World, version: str) -> None:
    for name in REQUIRED[version]:
        message = the_areq(shared, version)
        del message[name]
        assert said(await the_erro(shared, message)) == ("201", name)


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_empty_required_element_counts_as_missing(shared: World, version: str) -> None:
    for name in REQUIRED[version]:
        empties: list[object] = [*EMPTY, *([[]] if name == "acceptLanguage" else [])]
        for empty in empties:
            message = the_areq(shared, version) | {name: empty}
            assert said(await the_erro(shared, message)) == ("201", name), empty


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_malformed_element_is_refused_by_its_name(shared: World, version: str) -> None:
    table = [*MALFORMED, *(() if version == "2.1.0" else MALFORMED_FROM_220)]
    table += MALFORMED_231 if version == "2.3.1" else ()
    if version == "2.1.0":  # not known before 2.2.0 and so not looked at
        assert "browserJavascriptEnabled" not in {name for name, _ in table}
    accepted = []
    for name, wrong in table:
        given = await shared.raw_areq(
            json.dumps(the_areq(shared, version) | {name: wrong}).encode()
        )
        if (given.get("errorCode"), given.get("errorDetail")) != ("203", name):
            accepted.append((name, wrong, given.get("errorCode"), given.get("errorDetail")))
    assert accepted == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_repeated_element_is_told_by_its_name(shared: World, version: str) -> None:
    message = the_areq(shared, version)
    for name in message:
        again = f"{json.dumps(name)}:{json.dumps(message[name])}"
        body = json.dumps(message)[:-1] + "," + again + "}"
        assert said(await the_erro(shared, body.encode())) == ("204", name)


async def test_a_repeated_name_deep_inside_is_told_with_its_path(shared: World) -> None:
    body = json.dumps(the_areq(shared, "2.2.0"))[:-1]
    body += ',"acctInfo":{"nbPurchaseAccount":"1","nbPurchaseAccount":"1"}}'
    code, detail = said(await the_erro(shared, body.encode()))
    assert (code, detail) == ("204", "acctInfo.nbPurchaseAccount")


@pytest.mark.parametrize("version", ["2.0.1", "2.3.0", "2.4.0", "9.9.9", "1.0.2"])
async def test_a_version_that_is_not_spoken_is_answered_with_those_that_are(
    shared: World, version: str
) -> None:
    message = the_areq(shared, "2.2.0") | {"messageVersion": version, "acctNumber": "x"}
    erro = await the_erro(shared, message)
    assert said(erro) == ("102", "2.1.0,2.2.0,2.3.1")
    assert erro["messageVersion"] == "2.3.1"


@pytest.mark.parametrize("version", ["2", "2.2", "two", "2.2.0 ", 2.2, ["2.2.0"]])
async def test_a_version_that_is_none_is_malformed(shared: World, version: Any) -> None:
    message = the_areq(shared, "2.2.0") | {"messageVersion": version}
    assert said(await the_erro(shared, message)) == ("203", "messageVersion")


NOT_A_MESSAGE = {
    "nothing": b"",
    "blank": b" \n",
    "text": b"hello",
    "array": b'[{"messageType":"AReq"}]',
    "string": b'"AReq"',
    "number": b"12",
    "null": b"null",
    "cut": b'{"messageType":"AReq"',
    "single quotes": b"{'messageType':'AReq'}",
    "trailing comma": b'{"messageType":"AReq",}',
    "two objects": b"{}{}",
    "not a number": b'{"messageType":"AReq","x":NaN}',
    "byte order mark": b'\xef\xbb\xbf{"messageType":"AReq"}',
    "not UTF-8": b'{"messageType":"AReq","merchantName":"\xff"}',
    "UTF-16": '{"messageType":"AReq"}'.encode("utf-16"),
    "form": b"messageType=AReq&messageVersion=2.2.0",
    "deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deep arrays": b"[" * 500_000,
    "huge": b'{"messageType":"AReq","a":"' + b"x" * 1_000_000,
}


@pytest.mark.parametrize("body", NOT_A_MESSAGE.values(), ids=NOT_A_MESSAGE.keys())
async def test_what_is_not_a_json_object_is_no_message(shared: World, body: bytes) -> None:
    assert (await the_erro(shared, body))["errorCode"] == "101"


@pytest.mark.parametrize("kind", ["ARes", "PReq", "RReq", "CReq", "RRes", "areq", "AReq ", "X", 7])
async def test_another_message_is_not_taken_for_an_areq(shared: World, kind: Any) -> None:
    message = the_areq(shared, "2.2.0") | {"messageType": kind}
    assert (await the_erro(shared, message))["errorCode"] == "101"


async def test_an_erro_is_never_answered_by_an_erro(shared: World) -> None:
    message = {
        "messageType": "Erro", "messageVersion": "2.2.0", "errorCode": "203", "errorComponent": "D",
        "errorDescription": "no", "errorDetail": "no", "errorMessageType": "ARes",
    }  # fmt: skip
    assert await shared.areq_bytes(json.dumps(message).encode()) == b""


async def test_names_are_told_apart_by_case(shared: World) -> None:
    message = the_areq(shared, "2.2.0")
    message["MessageType"] = message.pop("messageType")
    assert said(await the_erro(shared, message)) == ("201", "messageType")


SPOKEN = "2.1.0,2.2.0,2.3.1"
CRITICAL = {"name": "n", "id": "ID7", "criticalityIndicator": True, "data": {"v": "1"}}
ORDER: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("a version before all else", {"messageVersion": "2.9.0", "mcc": None}, "102", SPOKEN),
    ("missing before malformed", {"mcc": "x", "merchantName": None}, "201", "merchantName"),
    ("malformed before a foreign card", {"acctNumber": "6" * 16, "mcc": "x"}, "203", "mcc"),
    (
        "malformed before an extension",
        {"mcc": "x", "messageExtension": [CRITICAL]},
        "203",
        "mcc",
    ),
    (
        "an extension before the card",
        {"acctNumber": "6" * 16, "messageExtension": [CRITICAL]},
        "202",
        "ID7",
    ),
    ("every missing one", {"mcc": None, "acquirerBIN": None}, "201", "acquirerBIN,mcc"),
    ("every malformed one", {"mcc": "x", "acquirerBIN": 7}, "203", "acquirerBIN,mcc"),
    ("a currency nobody has", {"purchaseCurrency": "000"}, "304", "purchaseCurrency"),
    ("a country nobody has", {"merchantCountryCode": "999"}, "304", "merchantCountryCode"),
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("_name", "changes", "code", "detail"), ORDER, ids=[row[0] for row in ORDER]
)
async def test_the_first_kind_of_fault_speaks(
    shared: World, _name: str, changes: dict[str, Any], code: str, detail: str, version: str
) -> None:
    given_code, given_detail = said(await the_erro(shared, the_areq(shared, version, **changes)))
    assert (given_code, sorted(given_detail.split(","))) == (code, sorted(detail.split(",")))


async def test_the_erro_names_the_transaction_it_is_about(shared: World) -> None:
    message = the_areq(shared, "2.2.0") | {"mcc": "x"}
    erro = await the_erro(shared, message)
    assert erro["threeDSServerTransID"] == message["threeDSServerTransID"]
    assert erro["dsTransID"] == message["dsTransID"]
    assert erro["errorMessageType"] == "AReq"
    assert erro["messageVersion"] == "2.2.0"
    assert "acsTransID" not in erro


async def test_a_wrong_value_is_never_repeated_in_the_answer(shared: World) -> None:
    body = await shared.areq_bytes(
        json.dumps(the_areq(shared, "2.2.0") | {"acctNumber": "4000001000000018x"}).encode()
    )
    assert b"4000001000000018" not in body


@pytest.mark.parametrize("version", ["2.2.0", "2.3.1"])
async def test_without_script_nothing_is_asked_about_the_screen(
    shared: World, version: str
) -> None:
    holder = await shared.enrol()
    absent: dict[str, Any] = dict.fromkeys(WITH_SCRIPT_ONLY[0 if version == "2.3.1" else 2 :])
    if version == "2.2.0":
        absent["browserJavaEnabled"] = None
    message = browser_areq(
        holder.pan,
        version=version,
        ds_url=shared.directory.url,
        browserJavascriptEnabled=False,
        **absent,
    )
    assert (await shared.areq(message))["transStatus"] == "C"


UNKNOWN: dict[str, Any] = {
    "somethingNew": {"deep": [1, {"er": None}]},
    "": "no name",
    "sdkMaxTimeout": "01",
    "sdkEphemPubKey": "not for browsers",
    "__proto__": "x",
    "Ω": "\u0000",
}


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_the_version_or_channel_does_not_know_is_ignored(
    shared: World, version: str
) -> None:
    holder = await shared.enrol()
    message = browser_areq(holder.pan, version=version, ds_url=shared.directory.url) | UNKNOWN
    if version == "2.1.0":
        message |= {"threeDSRequestorDecReqInd": "?", "browserJavascriptEnabled": "?"}
    assert (await shared.areq(message))["transStatus"] == "C"


EDGES: tuple[dict[str, Any], ...] = (
    {"merchantName": "𝕊" * 40},
    {"merchantName": "<script>alert('x')</script>"},
    {"merchantName": "\u202eKod: 111111"},
    {"merchantName": " "},
    {"merchantName": "'; DROP TABLE acs.transaction; --"},
    {"purchaseAmount": "9" * 48},
    {"purchaseAmount": "9223372036854775807"},
    {"purchaseAmount": "9223372036854775808"},
    {"purchaseAmount": "000000000000000000000000000000000000000012345"},
    {"purchaseExponent": "0"},
    {"purchaseExponent": "4"},
    {"purchaseDate": "19700101000000"},
    {"purchaseDate": "99991231235959"},
    {"browserIP": "2001:db8::1"},
    {"browserUserAgent": "u" * 2048},
    {"notificationURL": "https://shop.example/" + "n" * 235},
    {"notificationURL": "https://xn--ksigarnia-xpb.example:8443/a?b=c&d=%20#e"},
    {"messageExtension": [
        CRITICAL | {"criticalityIndicator": False, "data": {"a": "x" * 8000}}
    ] * 10},
    {"acquirerMerchantID": "a b/ć-_.35"},
    {"browserLanguage": "en-GB-x"},
)  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge}"[:40])
async def test_a_legal_message_at_its_limits_is_answered(
    shared: World, edge: dict[str, Any]
) -> None:
    holder = await shared.enrol()
    ares = await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url, **edge))
    # No Visa value can be made of an amount of more than twelve digits: then U.
    too_long = len(edge.get("purchaseAmount", "").lstrip("0")) > 12
    assert ares.get("transStatus") == ("U" if too_long else "C"), ares


@pytest.mark.parametrize("amount", ["1" + "0" * 12, "9223372036854775808", "9" * 48])
async def test_an_amount_no_value_can_carry_is_answered_with_none(
    shared: World, amount: str
) -> None:
    for prefix in ("40000010", "40000012", "52000010", "52000012"):
        holder = await shared.enrol(prefix=prefix)
        message = browser_areq(holder.pan, ds_url=shared.directory.url, purchaseAmount=amount)
        ares = await shared.areq(message)
        assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "22")


async def test_the_largest_amount_is_held_as_it_is(shared: World) -> None:
    holder = await shared.enrol(limits={"per_month": 10**18})
    message = browser_areq(
        holder.pan, ds_url=shared.directory.url, purchaseAmount="9" * 12, purchaseExponent="0"
    )
    assert (await shared.areq(message))["transStatus"] == "C"
    held = "SELECT amount FROM enrollment.reservation WHERE account_id = $1"
    assert await shared.db.fetchval(held, holder.account_id) == 99_999_999_999_900


async def test_a_body_above_the_limit_is_not_read(shared: World) -> None:
    for extra in (1, 5_000_000):
        body = BytesIO(b"{" + b" " * (1024 * 1024 - 1 + extra))
        async with shared.http.post(shared.server.ds_url, data=body) as answer:
            assert answer.status == 413


async def test_a_body_of_unknown_length_above_the_limit_is_not_read(shared: World) -> None:
    async def pieces() -> Any:
        for _ in range(33):
            yield b" " * 65536

    async with shared.http.post(shared.server.ds_url, data=pieces()) as answer:
        assert answer.status == 413


async def test_the_largest_body_is_read(shared: World) -> None:
    body = json.dumps(the_areq(shared, "2.2.0", mcc="x")).encode()
    erro = await the_erro(shared, body.ljust(1024 * 1024))
    assert said(erro) == ("203", "mcc")


async def test_get_tells_nothing(shared: World) -> None:
    async with shared.http.get(shared.server.ds_url) as answer:
        assert answer.status == 405


async def test_nothing_is_kept_of_what_was_refused(shared: World) -> None:
    before = await shared.db.fetchval("SELECT count(*) FROM acs.transaction")
    for body in (b"{}", b"x", json.dumps(the_areq(shared, "2.2.0", mcc=None)).encode()):
        await shared.raw_areq(body)
    assert await shared.db.fetchval("SELECT count(*) FROM acs.transaction") == before
