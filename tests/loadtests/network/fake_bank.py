"""A small bank with behaviour: the enrolment API as far as the seeding client uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
from aiohttp import ClientSession, web

CODE = "731904"
TEXT = {"code": "sms_3ds", "version": 3, "body": "...", "text_sha256": "00" * 32}


@dataclass
class FakeBank:
    """Remembers by reference; refuses a step-up whose code is wrong."""

    inbox_url: str = ""
    refuse: str = ""
    refusals: int = 1_000
    """How often it refuses."""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    step_ups: dict[str, str] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)

    def application(self) -> web.Application:
        """Give its routes."""
        app = web.Application(middlewares=[self._noted])
        app.add_routes(
            [
                web.get("/v1/openapi.json", self.openapi),
                web.put("/v1/persons/{ref}", self.put_person),
                web.put("/v1/accounts/{ref}", self.put_account),
                web.put("/v1/accounts/{id}/limits", self.put_limits),
                web.put("/v1/cards/{ref}", self.put_card),
                web.post("/v1/cards/{id}/status", self.post_status),
                web.get("/v1/me/consents", self.get_consents),
                web.post("/v1/me/consents", self.post_consents),
                web.post("/v1/me/step-ups", self.post_step_up),
                web.put("/v1/me/pin", self.put_pin),
                web.post("/v1/me/cards/{id}/threeds", self.post_threeds),
            ]
        )
        return app

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path != "/v1/openapi.json":
            self.calls.append((self._claims(request)["sub"], request.method, request.path))
        if self.refuse and self.refuse in request.path and self.refusals:
            self.refusals -= 1
            body = {"error": {"code": "locked"}}
            return web.json_response(body, status=423, content_type="application/problem+json")
        response: web.StreamResponse = await handler(request)
        return response

    def _claims(self, request: web.Request) -> dict[str, Any]:
        text = request.headers["Authorization"].removeprefix("Bearer ")
        claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
        return claims

    async def openapi(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def put_person(self, request: web.Request) -> web.Response:
        body = await request.json()
        known = self.persons.setdefault(request.match_info["ref"], {"person_id": str(uuid4())})
        known |= body
        return web.json_response({"person_id": known["person_id"]})

    async def put_account(self, request: web.Request) -> web.Response:
        return web.json_response({"account_id": f"account-{request.match_info['ref']}"})

    async def put_limits(self, request: web.Request) -> web.Response:
        self.limits[request.match_info["id"]] = await request.json()
        return web.json_response({})

    async def put_card(self, request: web.Request) -> web.Response:
        ref = request.match_info["ref"]
        fresh = {"card_id": f"card-{ref}", "status": "active", "threeds": {"state": "none"}}
        return web.json_response(self.cards.setdefault(f"card-{ref}", fresh))

    async def post_status(self, request: web.Request) -> web.Response:
        self.cards[request.match_info["id"]]["status"] = (await request.json())["status"]
        return web.json_response({})

    async def get_consents(self, _: web.Request) -> web.Response:
        texts = [TEXT | {"language": language} for language in ("pl", "en", "de")]
        return web.json_response({"consents": [], "texts": texts})

    async def post_consents(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert [entry["accepted"] for entry in body["consents"]] == [True]
        return web.json_response({}, status=201)

    async def post_step_up(self, request: web.Request) -> web.Response:
        person_id = self._claims(request)["act"]["person_id"]
        (person,) = [p for p in self.persons.values() if p["person_id"] == person_id]
        step_up_id = str(uuid4())
        self.step_ups[step_up_id] = (await request.json())["action"]
        text = f"Potwierdzenie 1234567,89 PLN. Kod: {CODE}. Wazny 5 min."
        sms = {"id": step_up_id, "to": person["phone"], "from": "Bank", "text": text}
        async with ClientSession() as session, session.post(self.inbox_url, json=sms) as response:
            response.raise_for_status()
        return web.json_response({"step_up_id": step_up_id}, status=202)

    async def put_pin(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._check(body, "pin.set")
        self.pins[self._claims(request)["act"]["person_id"]] = body["pin"]
        return web.json_response({})

    async def post_threeds(self, request: web.Request) -> web.Response:
        self._check(await request.json(), "threeds.activate")
        self.cards[request.match_info["id"]]["threeds"] = {"state": "active"}
        return web.json_response({})

    def _check(self, body: dict[str, Any], action: str) -> None:
        proof = body["step_up"]
        if (self.step_ups.pop(proof["id"], None), proof["code"]) != (action, CODE):
            raise web.HTTPForbidden
