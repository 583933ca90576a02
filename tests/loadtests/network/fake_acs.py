"""A small Access Control Server with behaviour, for the network's own tests.

It knows three ranges: Visa numbers are challenged, Mastercard numbers pass, all others are
refused. Its challenge asks for the code it sent by SMS, in the browser or in the app, and reports
to the dsURL it was given.
"""

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from html import escape
from uuid import uuid4

from aiohttp import ClientSession, web

from tests.loadtests.network.app_acs import AppAcs, kid_of
from tests.loadtests.network.fake_screens import document, native

CODE = "482913"
VALUE = b64encode(bytes(20)).decode()


@dataclass
class FakeAcs:
    """What it remembers, and how it is told to misbehave."""

    own_url: str = ""
    inbox_url: str = ""
    odd_answer: web.Response | None = None
    areqs: dict[str, dict[str, object]] = field(default_factory=dict)
    session_data: dict[str, str] = field(default_factory=dict)
    results_answer: bytes = b""
    apps: dict[str, AppAcs] = field(default_factory=dict)
    odd_screen: dict[str, object] = field(default_factory=dict)
    app_answers: list[web.Response] = field(default_factory=list)
    creqs: list[dict[str, object]] = field(default_factory=list)
    app_errors: list[dict[str, object]] = field(default_factory=list)

    def application(self) -> web.Application:
        """Give its routes."""
        app = web.Application()
        app.router.add_post("/3ds/areq", self.answer)
        app.router.add_post("/challenge", self.challenge)
        app.router.add_post("/challenge/app", self.challenge_app)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        """Answer an AReq."""
        if self.odd_answer is not None:
            return self.odd_answer
        areq = await request.json()
        if areq.get("messageVersion") not in ("2.1.0", "2.2.0", "2.3.1"):
            return web.json_response(
                {"messageType": "Erro", "errorCode": "102", "errorDetail": "x"}
            )
        acs_trans_id = str(uuid4())
        self.areqs[acs_trans_id] = areq
        echoed = ("messageVersion", "threeDSServerTransID", "dsTransID", "dsReferenceNumber")
        ares: dict[str, object] = {name: areq[name] for name in echoed}
        ares |= {"messageType": "ARes", "acsTransID": acs_trans_id, "acsReferenceNumber": "FAKE"}
        if areq["acctNumber"].startswith("4"):
            ares |= {"transStatus": "C", "acsChallengeMandated": "Y"} | _means(areq, is_ares=True)
            ares |= self._way(areq, acs_trans_id)
        elif areq["acctNumber"].startswith("5"):
            ares |= {"transStatus": "Y", "eci": "02", "authenticationValue": VALUE}
        else:
            ares |= {"transStatus": "N", "transStatusReason": "08"}
        if "sdkTransID" in areq:
            ares["sdkTransID"] = areq["sdkTransID"]
        return web.json_response(ares)

    def _way(self, areq: dict[str, object], acs_trans_id: str) -> dict[str, object]:
        if areq["deviceChannel"] != "01":
            return {"acsURL": f"{self.own_url}/challenge"}
        key, number = areq["sdkEphemPubKey"], areq["sdkReferenceNumber"]
        assert isinstance(key, dict)
        agreed = AppAcs(key, str(number), url=f"{self.own_url}/challenge/app")
        self.apps[acs_trans_id] = agreed
        return {"acsSignedContent": agreed.signed_content, "acsRenderingType": _rendering(areq)}

    async def challenge_app(self, request: web.Request) -> web.Response:
        """Answer a CReq of the app with a screen, or with the end."""
        body = await request.read()
        if body.startswith(b"{"):
            self.app_errors.append(json.loads(body))
            return web.Response()
        if self.app_answers:
            return self.app_answers.pop(0)
        (acs_trans_id,) = (one for one in self.apps if one == kid_of(body))
        agreed, areq = self.apps[acs_trans_id], self.areqs[acs_trans_id]
        creq = agreed.opened(body)
        self.creqs.append(creq)
        entry = creq.get("challengeDataEntry", creq.get("challengeHTMLDataEntry"))
        is_right = entry in (CODE, f"otp={CODE}&do=verify")
        if is_right or "challengeCancel" in creq:
            await self._report(acs_trans_id, is_right=is_right)
            told: dict[str, object] = {"transStatus": "Y" if is_right else "N"}
            told["challengeCompletionInd"] = "Y"
        else:
            await self._send_sms(acs_trans_id)
            told = {"challengeCompletionInd": "N"} | self.odd_screen
            is_wrong = entry is not None
            is_html = _rendering(areq)["acsInterface"] == "02"
            version = str(areq["messageVersion"])
            told = (document() if is_html else native(version, is_wrong=is_wrong)) | told
        ids = ("messageVersion", "threeDSServerTransID", "acsTransID", "sdkTransID")
        cres = {"messageType": "CRes", **{name: creq[name] for name in ids}, **told}
        cres["acsCounterAtoS"] = creq["sdkCounterStoA"]
        return web.Response(
            body=agreed.sealed(cres, kid=acs_trans_id),
            headers={"Content-Type": "application/jose;charset=UTF-8"},
        )

    async def challenge(self, request: web.Request) -> web.Response:
        """Show the code's form, or check the code."""
        form = await request.post()
        if "creq" in form:
            raw = str(form["creq"])
            creq = json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
            acs_trans_id = str(creq["acsTransID"])
            self.session_data[acs_trans_id] = str(form.get("threeDSSessionData", ""))
            await self._send_sms(acs_trans_id)
            return _html(
                f'<form method="post" action="/challenge"><input type="hidden" name="id" '
                f'value="{acs_trans_id}"><label for="otp">SMS code</label> <input name="otp" '
                f'id="otp"><button name="action" value="submit">Submit</button></form>'
            )
        acs_trans_id = str(form["id"])
        return await self._finish(acs_trans_id, is_right=form["otp"] == CODE)

    async def _send_sms(self, acs_trans_id: str) -> None:
        if not self.inbox_url:
            return
        sms = {
            "id": acs_trans_id,
            "to": "+48501000101",
            "from": "BankDemo",
            "text": f"Platnosc 123.45 PLN. Kod: {CODE}. Nie podawaj go nikomu.",
        }
        async with ClientSession() as session, session.post(self.inbox_url, json=sms) as response:
            response.raise_for_status()

    async def _report(self, acs_trans_id: str, *, is_right: bool) -> None:
        areq = self.areqs[acs_trans_id]
        rreq = rreq_of(areq, acs_trans_id, is_right=is_right)
        async with (
            ClientSession() as session,
            session.post(str(areq["dsURL"]), data=json.dumps(rreq)) as response,
        ):
            self.results_answer = await response.read()

    async def _finish(self, acs_trans_id: str, *, is_right: bool) -> web.Response:
        areq = self.areqs[acs_trans_id]
        await self._report(acs_trans_id, is_right=is_right)
        cres = {
            "messageType": "CRes",
            "messageVersion": areq["messageVersion"],
            "threeDSServerTransID": areq["threeDSServerTransID"],
            "acsTransID": acs_trans_id,
            "challengeCompletionInd": "Y",
            "transStatus": "Y" if is_right else "N",
        }
        text = urlsafe_b64encode(json.dumps(cres).encode()).rstrip(b"=").decode()
        return _html(
            f'<form method="post" action="{escape(str(areq["notificationURL"]))}">'
            f'<input type="hidden" name="cres" value="{text}"><input type="hidden" '
            f'name="threeDSSessionData" value="{escape(self.session_data[acs_trans_id])}">'
            "<button>Continue</button></form>"
        )


def rreq_of(areq: dict[str, object], acs_trans_id: str, *, is_right: bool) -> dict[str, object]:
    """Give a results request that is valid in its version."""
    rreq: dict[str, object] = {
        "messageType": "RReq",
        "messageVersion": areq["messageVersion"],
        "messageCategory": areq["messageCategory"],
        "threeDSServerTransID": areq["threeDSServerTransID"],
        "dsTransID": areq["dsTransID"],
        "acsTransID": acs_trans_id,
        "interactionCounter": "01",
    }
    rreq |= _means(areq, is_ares=False)
    if areq["deviceChannel"] == "01":
        rreq["acsRenderingType"] = _rendering(areq)
        if areq["messageVersion"] != "2.1.0":
            rreq["sdkTransID"] = areq["sdkTransID"]
    if is_right:
        return rreq | {"transStatus": "Y", "eci": "05", "authenticationValue": VALUE}
    return rreq | {"transStatus": "N", "transStatusReason": "19"}


def _means(areq: dict[str, object], *, is_ares: bool) -> dict[str, object]:
    if areq["messageVersion"] == "2.3.1":
        return {"authenticationMethod": ["02"]}
    means: dict[str, object] = {"authenticationType": "02"}
    return means if is_ares else means | {"authenticationMethod": "02"}


def _rendering(areq: dict[str, object]) -> dict[str, object]:
    options = areq["deviceRenderOptions"]
    assert isinstance(options, dict)
    is_html = options["sdkInterface"] == "02"
    rendering: dict[str, object] = {"acsInterface": "02" if is_html else "01"}
    rendering["acsUiTemplate"] = "01"
    if areq["messageVersion"] == "2.3.1":
        rendering["deviceUserInterfaceMode"] = "01"
    return rendering


def _html(body: str) -> web.Response:
    return web.Response(text=f"<!doctype html><title>Bank</title>{body}", content_type="text/html")
