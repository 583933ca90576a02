"""The 3DS Server's authentication request: a whole AReq for each version and channel.

Pure: ids, keys and time come in as arguments. Written from the message tables on its own, without
the Access Control Server's code, so that a misreading on one side shows up on the other.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loadtests.network.cards import Card
from loadtests.network.currencies import Currency
from loadtests.network.purchases import Message

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
SDK_INTERFACES = {"03": "Native and HTML", "01": "Native only", "02": "HTML only"}
CHANNELS = {"app": "01", "browser": "02", "3ri": "03"}
WINDOW_SIZES = {
    "01": (250, 400),
    "02": (390, 400),
    "03": (500, 600),
    "04": (600, 400),
    "05": (0, 0),  # the whole space there is
}

# Up to 2.2.0 the colour depth is a closed list; a browser's other answers go one step down.
_COLOR_DEPTHS = (1, 4, 8, 15, 16, 24, 32, 48)
_LANGUAGE_MAX = {"2.1.0": 8, "2.2.0": 8, "2.3.1": 35}
_ASCII = str.maketrans("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "acelnoszzACELNOSZZ")


@dataclass(frozen=True, slots=True)
class Browser:
    """What the shop's page learned of the cardholder's browser; `tz_min` as JavaScript has it."""

    accept: str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64) DemoShop/1.0"
    language: str = "pl-PL"
    ip: str = "127.0.0.1"
    javascript: bool = True
    color_depth: int = 24
    height_px: int = 900
    width_px: int = 1280
    tz_min: int = -120


@dataclass(frozen=True, slots=True)
class Order:
    """What the shop asks the 3DS Server to authenticate."""

    pan: str
    amount_minor: int
    currency: Currency
    merchant_name: str
    channel: str
    version: str
    window_size: str = "02"
    sdk_interface: str = "03"
    card: Card | None = None
    browser: Browser = field(default_factory=Browser)


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of one transaction, its SDK's number and key, and the network's own address."""

    three_ds_server_trans_id: str
    sdk_trans_id: str
    sdk_app_id: str
    sdk_reference_number: str
    sdk_public_key: Message
    base_url: str


def build(order: Order, identity: Identity, now: datetime) -> Message:
    """Give the AReq as the 3DS Server sends it to the Directory Server.

    2.1.0 knows 3RI for the non-payment category only, so that is what it becomes there.
    """
    is_old_3ri = order.version == "2.1.0" and order.channel == "3ri"
    areq: Message = {
        "messageType": "AReq",
        "messageVersion": order.version,
        "deviceChannel": CHANNELS[order.channel],
        "messageCategory": "02" if is_old_3ri else "01",
        "threeDSServerTransID": identity.three_ds_server_trans_id,
        "threeDSServerRefNumber": "3DS_DEMO_SERVER_020301_00001",
        "threeDSServerOperatorID": "DEMO-3DSS-01",
        "threeDSServerURL": f"{identity.base_url}/3dss",
        "threeDSRequestorID": "DEMO-SHOP-0001",
        "threeDSRequestorName": order.merchant_name,
        "threeDSRequestorURL": "https://shop.example/",
        "acctNumber": order.pan,
        "acctID": "shop-account-1001",
        "acctInfo": _account_history(now),
        "merchantRiskIndicator": {"deliveryTimeframe": "03", "shipIndicator": "01"},
    }
    if is_old_3ri:
        del areq["threeDSServerURL"]
    areq |= _cardholder(order) | _channel(order, identity, now)
    if not is_old_3ri:
        areq |= _purchase(order, now)
    return areq


def _account_history(now: datetime) -> Message:
    opened = (now - timedelta(days=800)).strftime("%Y%m%d")
    return {
        "chAccAgeInd": "05",
        "chAccDate": opened,
        "chAccChangeInd": "04",
        "chAccChange": opened,
        "chAccPwChangeInd": "05",
        "chAccPwChange": opened,
        "nbPurchaseAccount": "4",
        "provisionAttemptsDay": "0",
        "shipAddressUsage": opened,
        "shipAddressUsageInd": "04",
        "shipNameIndicator": "01",
        "suspiciousAccActivity": "01",
        "txnActivityDay": "1",
        "txnActivityYear": "7",
    }


def _cardholder(order: Order) -> Message:
    address: Message = {}
    for kind in ("bill", "ship"):
        address |= {
            f"{kind}AddrLine1": "ul. Przykladowa 1",
            f"{kind}AddrCity": "Warszawa",
            f"{kind}AddrPostCode": "00-001",
            f"{kind}AddrCountry": "616",
        }
    holder: Message = address | {"email": "cardholder@shop.example"}
    if order.channel != "3ri":
        holder["addrMatch"] = "Y"
    if order.card is None:
        return holder | {"cardholderName": "Demo Cardholder"}
    holder["cardholderName"] = order.card.holder.translate(_ASCII)
    holder["mobilePhone"] = {"cc": "48", "subscriber": order.card.phone.removeprefix("+48")}
    if order.card.exp:
        holder["cardExpiryDate"] = order.card.exp
    return holder


def _purchase(order: Order, now: datetime) -> Message:
    purchase: Message = {
        "purchaseAmount": str(order.amount_minor),
        "purchaseCurrency": order.currency.digits,
        "purchaseExponent": str(order.currency.exponent),
        "purchaseDate": now.strftime("%Y%m%d%H%M%S"),
        "merchantName": order.merchant_name,
        "merchantCountryCode": "616",
        "mcc": "5712",
        "acquirerBIN": "400551",
        "acquirerMerchantID": "DEMO-MERCHANT-0001",
    }
    if order.channel != "3ri":
        purchase["transType"] = "01"
    return purchase


def _channel(order: Order, identity: Identity, now: datetime) -> Message:
    common: Message = {}
    if order.version == "2.3.1":
        common |= {"acquirerCountryCode": "616", "acquirerCountryCodeSource": "01"}
    if order.channel == "3ri":
        # 05 account verification where only the non-payment category exists, 11 other payment.
        return common | {"threeRIInd": "05" if order.version == "2.1.0" else "11"}
    login: Message = {
        "threeDSReqAuthMethod": "02",
        "threeDSReqAuthTimestamp": (now - timedelta(minutes=3)).strftime("%Y%m%d%H%M"),
    }
    is_list = order.version == "2.3.1"
    common |= {
        "threeDSRequestorAuthenticationInd": "01",
        "threeDSRequestorAuthenticationInfo": [login] if is_list else login,
        "threeDSRequestorChallengeInd": ["01"] if is_list else "01",
    }
    return common | (_app(order, identity) if order.channel == "app" else _browser(order, identity))


def _app(order: Order, identity: Identity) -> Message:
    app: Message = {
        "sdkAppID": identity.sdk_app_id,
        "sdkTransID": identity.sdk_trans_id,
        "sdkReferenceNumber": identity.sdk_reference_number,
        "sdkMaxTimeout": "05",
        "sdkEphemPubKey": identity.sdk_public_key,
        "deviceRenderOptions": {
            "sdkInterface": order.sdk_interface,
            "sdkUiType": ["01", "02", "03", "04", *(["05"] if order.sdk_interface != "01" else [])],
        },
    }
    if order.version == "2.3.1":
        app |= {
            "appIp": order.browser.ip,
            "sdkType": "01",
            "defaultSdkType": {"sdkVariant": "01"},
        }
    return app


def _browser(order: Order, identity: Identity) -> Message:
    seen = order.browser
    language = seen.language[: _LANGUAGE_MAX[order.version]].rstrip("-")
    browser: Message = {
        # U: no 3DS Method is run; where one is, its end decides (three_ds_server.end_method).
        "threeDSCompInd": "U",
        "notificationURL": f"{identity.base_url}/3dss/notification",
        "browserAcceptHeader": seen.accept[:2048],
        "browserUserAgent": seen.user_agent[:2048],
        "browserIP": seen.ip,
        "browserLanguage": language,
    }
    if order.version != "2.1.0":
        browser["browserJavascriptEnabled"] = seen.javascript
    if order.version == "2.3.1":
        browser["acceptLanguage"] = [language]
    if order.version == "2.1.0" or seen.javascript:
        browser |= {
            "browserJavaEnabled": False,
            "browserColorDepth": _color_depth(order.version, seen.color_depth),
            "browserScreenHeight": str(seen.height_px),
            "browserScreenWidth": str(seen.width_px),
            "browserTZ": str(seen.tz_min),
        }
    return browser


def _color_depth(version: str, depth: int) -> str:
    if version == "2.3.1":
        return str(min(max(depth, 1), 99))
    return str(max((known for known in _COLOR_DEPTHS if known <= depth), default=1))
