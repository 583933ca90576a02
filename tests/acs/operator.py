"""A mobile operator on loopback: CAMARA SIM Swap and its tokens, behaving and misbehaving."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from acs.number_checks import CamaraSimSwap, SimSwapConfig
from schemas.vault import Secret
from tests.story.parties import serve

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT, SECRET = "bank&co", "s3cret %/+"


@dataclass
class Operator:
    """Knows how many hours ago each number's SIM card was exchanged, and what became of numbers.

    ``said``: the body of the answer about the number itself, by number; ``looks_up``: whether the
    service asks for it. ``mode``: answer; slow (never answers); error (``status``); html; list;
    word (no boolean); huge; deep; redirect; hang_up. ``token_mode``: give; error; html; slow;
    nameless; lines (two in a token).
    ``revoke`` makes every token so far worthless.
    """

    exchanged: dict[str, int] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks_up: bool = False
    looked_up: list[str] = field(default_factory=list)
    mode: str = "answer"
    status: int = 500
    token_mode: str = "give"
    expires_in: Any = 3600
    asked: list[tuple[str, int]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/sim-swap/v1/check", self._check)
        app.router.add_post("/numbers", self._look_up)
        app.router.add_post("/token", self._token)
        self.runner, self.url = await serve(app)

    async def stop(self) -> None:
        self.release.set()
        if self.runner is not None:
            await self.runner.cleanup()

    def client(self, clock: Callable[[], float] = time.monotonic) -> CamaraSimSwap:
        """Give the service's way to this operator."""
        return CamaraSimSwap(
            SimSwapConfig(
                url=f"{self.url}/sim-swap/v1",
                token_url=f"{self.url}/token",
                client_id=CLIENT,
                client_secret=Secret(SECRET),
                scope="sim-swap:check",
                lookup_url=f"{self.url}/numbers" if self.looks_up else None,
            ),
            clock,
        )

    def revoke(self) -> None:
        """Take back every token."""
        self.good.clear()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        basic = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if basic != "bank%26co:s3cret+%25%2F%2B":
            self.faults.append(f"the client said {basic}")
        if dict(form) != {"grant_type": "client_credentials", "scope": "sim-swap:check"}:
            self.faults.append(f"the form was {dict(form)}")
        token = f"token-{len(self.tokens) + 1}"
        self.tokens.append(token)
        self.good.add(token)
        match self.token_mode:
            case "slow":
                await self.release.wait()
                return web.Response(status=503)
            case "error":
                return web.json_response({"error": "invalid_client"}, status=401)
            case "html":
                return web.Response(text="<p>login</p>", content_type="text/html")
            case "nameless":
                return web.json_response({"token_type": "Bearer"})
            case "lines":
                return web.json_response({"access_token": f"{token}\n", "token_type": "Bearer"})
            case _:
                return web.json_response(
                    {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
                )

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if set(asked) != {"phoneNumber"}:
            self.faults.append(f"the question was {sorted(asked)}")
        if request.headers["Authorization"].removeprefix("Bearer ") not in self.good:
            return web.json_response({"code": "UNAUTHENTICATED"}, status=401)
        self.looked_up.append(asked["phoneNumber"])
        if self.mode == "error":
            return web.json_response({}, status=self.status)
        return web.json_response(
            self.said.get(asked["phoneNumber"], {"allocated": True, "latestPorting": None})
        )

    async def _check(  # noqa: C901, PLR0911 - one per way to answer
        self, request: web.Request
    ) -> web.StreamResponse:
        asked = await request.json()
        if set(asked) != {"phoneNumber", "maxAge"} or "x-correlator" not in request.headers:
            self.faults.append(f"the question was {sorted(asked)}")
        if request.headers["Authorization"].removeprefix("Bearer ") not in self.good:
            return web.json_response({"status": 401, "code": "UNAUTHENTICATED"}, status=401)
        self.asked.append((asked["phoneNumber"], asked["maxAge"]))
        match self.mode:
            case "slow":
                self.waiting.set()
                await self.release.wait()
                return web.Response(status=503)
            case "error":
                return web.json_response({"swapped": True}, status=self.status)
            case "html":
                return web.Response(text="<p>busy</p>", content_type="text/html")
            case "list":
                return web.json_response([{"swapped": True}])
            case "word":
                return web.json_response({"swapped": "true"})
            case "huge":
                return web.json_response({"swapped": True, "x": "y" * 70_000})
            case "deep":
                return web.Response(text="[" * 60_000, content_type="application/json")
            case "redirect":
                return web.Response(status=307, headers={"Location": f"{self.url}/elsewhere"})
            case "hang_up":
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            case _:
                hours = self.exchanged.get(asked["phoneNumber"])
                return web.json_response({"swapped": hours is not None and hours < asked["maxAge"]})
