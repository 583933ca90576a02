"""A small Access Control Server with behaviour, for the network's own tests.

It knows three ranges: Visa numbers are challenged, Mastercard numbers pass, all others are
refused. Its challenge asks for the code it sent by SMS and reports to the dsURL it was given.
"""

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from html import escape
from uuid import uuid4

from aiohttp import ClientSession, web

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

    def application(self) -> web.Application:
        """Give its routes."""
        app = web.Application()
        app.router.add_post("/3ds/areq", self.answer)
        app.router.add_post("/challenge", self.challenge)
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
            ares |= {"transStatus": "C", "acsURL": f"{self.own_url}/challenge"}
            ares |= {"acsChallengeMandated": "Y"} | _means(areq, is_ares=True)
        elif areq["acctNumber"].startswith("5"):
            ares |= {"transStatus": "Y", "eci": "02", "authenticationValue": VALUE}
        else:
            ares |= {"transStatus": "N", "transStatusReason": "08"}
        return web.json_response(ares)

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

    async def _finish(self, acs_trans_id: str, *, is_right: bool) -> web.Response:
        areq = self.areqs[acs_trans_id]
        rreq = rreq_of(areq, acs_trans_id, is_right=is_right)
        async with (
            ClientSession() as session,
            session.post(str(areq["dsURL"]), data=json.dumps(rreq)) as response,
        ):
            self.results_answer = await response.read()
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
    if is_right:
        return rreq | {"transStatus": "Y", "eci": "05", "authenticationValue": VALUE}
    return rreq | {"transStatus": "N", "transStatusReason": "19"}


def _means(areq: dict[str, object], *, is_ares: bool) -> dict[str, object]:
    if areq["messageVersion"] == "2.3.1":
        return {"authenticationMethod": ["02"]}
    means: dict[str, object] = {"authenticationType": "02"}
    return means if is_ares else means | {"authenticationMethod": "02"}


def _html(body: str) -> web.Response:
    return web.Response(text=f"<!doctype html><title>Bank</title>{body}", content_type="text/html")
