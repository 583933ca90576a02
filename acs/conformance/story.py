"""One run from its AReq to its end, in the roles of Directory Server, browser and phone.

Whatever was begun is brought to an end: a challenge that the case leaves open is cancelled, so
that neither timers nor results are left behind in the ACS.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from acs.conformance import base, in_app, laws, matching, pages, sdk
from acs.conformance.listener import Heard, Listener, Mailbox
from acs.conformance.writing import BadCase, changed, made, to_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import aiohttp

    from acs.conformance.cards import Card, PageNames, Text
    from acs.conformance.cases import Run
    from acs.conformance.sdk import Sdk

_RESULTS_WITHIN_S = 12.0
_SILENCE_S = 0.5
_JSON = {"Content-Type": "application/json;charset=utf-8"}
_BUSY = {"402", "403"}  # timed out; transient failure: nothing was judged, so ask again
_OTHER_CODE = str.maketrans("0123456789", "1234567890")


@dataclass(frozen=True, slots=True)
class World:
    """Where the ACS is, and who the runner is to it."""

    session: aiohttp.ClientSession
    listener: Listener
    areq_url: str
    page_names: PageNames
    purchase_date: str
    challenge_url: str | None = None
    """Where challenges are held, learned from an ARes: a CReq may have to go there without one."""
    method_url: str | None = None
    network: str | None = None
    """The payment network that lends SDKs."""


@dataclass(slots=True)
class Story:
    """The state of one run."""

    world: World
    run: Run
    card: Card
    said: dict[str, Any] = field(default_factory=dict)
    box: Mailbox = field(init=False)
    raw_areq: bytes = b""
    page: pages.Page | None = None
    last_post: tuple[str, dict[str, str]] | None = None
    text_before: Text = field(default_factory=dict)
    used_code: str = ""
    sdk: Sdk | None = None
    has_begun: bool = False
    """Whether the SDK has sent anything."""
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give the run its own ids and its own door for results."""
        token, listener = uuid4().hex, self.world.listener
        self.said |= {
            "version": self.run.version,
            "channel": self.run.channel,
            "category": self.run.category,
        }
        self.box = Mailbox(self.said, self.run.case.rres)
        listener.open(token, self.box)
        who = base.Identity(
            three_ds_server_trans_id=str(uuid4()),
            ds_trans_id=str(uuid4()),
            sdk_trans_id=str(uuid4()),
            pan=self.card.pan,
            purchase_date=self.world.purchase_date,
            ds_url=listener.url(token),
            notification_url=listener.notification_url(token),
        )
        self.said["base"] = base.areq(self.run.version, self.run.channel, self.run.category, who)

    async def tell(self) -> list[str]:
        """Run it; give the faults found, none when the ACS did everything right."""
        case = self.run.case
        if case.needs_sdk:
            await in_app.begin(self)
        areq = changed(self.said["base"], case.areq, self.said)
        self.raw_areq = to_bytes(areq, case.areq, self.said)
        self.said["areq"] = areq
        answer = await self._post_areq(self.raw_areq, case.areq, areq)
        self.said["ares"] = answer
        self.expect(case.expect, answer)
        if self.failures and answer.get("messageType") == "Erro":
            self.failures.append("it says: " + " ".join(_said_by(answer)))
        await in_app.accept(self)
        # After a wrong answer the rest of the case has nothing to stand on.
        for step in case.steps if not self.failures else ():
            await _STEPS[step["do"]](self, step)
        await self._end()
        self._judge_results()
        return self.failures

    @property
    def met_a_busy_acs(self) -> bool:
        """Tell whether the run failed because the ACS had no time for its AReq."""
        answer = self.said.get("ares", {})
        is_busy = answer.get("messageType") == "Erro" and answer.get("errorCode") in _BUSY
        return bool(self.failures) and is_busy

    async def _post_areq(
        self, raw: bytes, changes: Mapping[str, Any], areq: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send an AReq; the answer's members, and how it travelled under ``@http``."""
        http = changes.get("@http", {})
        headers = {**_JSON, **http.get("headers", {})}
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self.world.session.request(
            http.get("method", "POST"), self.world.areq_url, data=raw, headers=headers
        ) as response:
            body = await response.read()
            status, content_type = response.status, response.headers.get("Content-Type", "")
        message = _object(body)
        if message:
            self.failures += laws.of_http(status, content_type, loop.time() - began)
            self.failures += laws.of_answer(areq, message)
        content = sdk.signed(message.get("acsSignedContent"))
        return {
            **message,
            **({} if content is None else {"@signed": content}),
            "@http": {
                "status": status,
                "content_type": content_type.lower(),
                "body": body.decode("utf-8", "replace"),
            },
        }

    def expect(self, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Hold what came against what a case expects of it."""
        # @http is a member here, so a pattern may name it; matchers begin with @ as values only.
        self.failures += matching.faults(dict(expected), dict(given), self.said)

    async def _areq(self, step: Mapping[str, Any]) -> None:
        """Send another AReq: the same bytes, or the first one with changes."""
        changes = step.get("message", {})
        areq = changed(self.said["areq"], changes, self.said)
        raw = self.raw_areq if step.get("same") else to_bytes(areq, changes, self.said)
        answer = await self._post_areq(raw, changes, areq)
        self.expect(step["expect"], answer)

    async def _creq(self, step: Mapping[str, Any]) -> None:
        """Post the CReq as the shop's page makes the browser do."""
        ares, changes = self.said["ares"], step.get("message", {})
        ids = (self.said["areq"]["threeDSServerTransID"], ares.get("acsTransID", str(uuid4())))
        creq = changed(base.creq(self.run.version, *ids), changes, self.said)
        self.said["creq"] = creq
        fields = {"creq": base.base64url(to_bytes(creq, changes, self.said))}
        if "session_data" in step:
            fields["threeDSSessionData"] = made(step["session_data"], self.said)
        written = {**self.said, "form": dict(fields)}
        for name, value in step.get("form", {}).items():
            fields.pop(name, None)
            if (text := made(value, written)) is not None:
                fields[name] = text
        if step.get("padded"):
            fields["creq"] += "=" * (-len(fields["creq"]) % 4)
        self.text_before = await self.card.codes.last()
        await self._post(self._acs_url(), fields, step)

    async def _submit(self, step: Mapping[str, Any]) -> None:
        """Fill in the page's form: ``right``, ``wrong``, ``old`` (a code used before) or a text."""
        names = self.world.page_names
        url, fields = self._entry_form()
        if "otp" in step:
            fields[names.otp] = await self.code(step["otp"])
        if "pin" in step:
            fields[names.pin] = self.pin(step["pin"])
        fields[names.action] = names.submit
        await self._post(url, fields, step)

    async def _press(self, step: Mapping[str, Any]) -> None:
        """Press another button of the page."""
        names = self.world.page_names
        url, fields = self._entry_form()
        if step.get("new_code"):
            self.used_code = await self.card.codes.newest(self.text_before)
            self.text_before = await self.card.codes.last()
        fields[names.action] = names.cancel if step["button"] == "cancel" else names.resend
        await self._post(url, fields, step)

    async def _again(self, step: Mapping[str, Any]) -> None:
        """Post the last form once more, as Reload does."""
        if self.last_post is None:
            message = "nothing was posted yet"
            raise BadCase(message)
        await self._post(*self.last_post, step)

    async def _visit(self, step: Mapping[str, Any]) -> None:
        """Open the challenge's address without posting anything."""
        async with self.world.session.get(self._acs_url()) as response:
            page = pages.read(
                str(response.url), response.status, response.headers, await response.text()
            )
        self.expect(step["expect"], page.facts(self.world.page_names))

    async def _method(self, step: Mapping[str, Any]) -> None:
        """Post to the 3DS Method page as the shop's hidden frame does."""
        changes = step.get("message", {})
        asked = {
            "threeDSServerTransID": self.said["areq"]["threeDSServerTransID"],
            "threeDSMethodNotificationURL": "https://3dss.example/method",
        }
        asked = changed(asked, changes, self.said)
        self.said["method"] = asked
        fields = {"threeDSMethodData": base.base64url(to_bytes(asked, changes, self.said))}
        fields |= step.get("form", {})
        if self.world.method_url is None:
            message = "no address of the 3DS Method is known"
            raise BadCase(message)
        async with self.world.session.post(
            self.world.method_url, data=fields, allow_redirects=False
        ) as response:
            html = await response.text()
            page = pages.read(str(response.url), response.status, response.headers, html)
        self.expect(step["expect"], page.facts(self.world.page_names))

    async def _wait(self, step: Mapping[str, Any]) -> None:
        await asyncio.sleep(step["seconds"])

    async def _results(self, step: Mapping[str, Any]) -> None:
        """Wait for the RReq."""
        count = step.get("count", 1)
        if not await self.box.wait(self.box.results, count, step.get("within", _RESULTS_WITHIN_S)):
            self.failures.append(f"8.1: {len(self.box.results)} RReq came, not {count}")
            return
        heard = self.box.results[count - 1]
        self.said["rreq"] = heard.message
        self.expect(step["expect"], heard.message)
        if step.get("same_bytes") and heard.raw != self.box.results[0].raw:
            self.failures.append("8.12: the second RReq has other bytes")

    async def _no_results(self, step: Mapping[str, Any]) -> None:
        """Make sure that no (further) RReq comes."""
        count = step.get("after", 0) + 1
        if await self.box.wait(self.box.results, count, step.get("within", _SILENCE_S)):
            self.failures.append("8.1: an RReq came that is not due")

    async def _no_complaint(self, step: Mapping[str, Any]) -> None:
        """Make sure that no Erro comes for our RRes."""
        if await self.box.wait(self.box.complaints, 1, step.get("within", _SILENCE_S)):
            self.failures.append("13.10: an Erro came that is not due")

    async def _complaint(self, step: Mapping[str, Any]) -> None:
        """Wait for the Erro that answers our RRes."""
        within_s = step.get("within", _RESULTS_WITHIN_S)
        if not await self.box.wait(self.box.complaints, 1, within_s):
            self.failures.append("8.14: no Erro came for the RRes")
            return
        message = self.box.complaints[0].message
        self.failures += laws.of_erro(message)
        self.expect(step["expect"], message)

    async def _post(self, url: str, fields: dict[str, str], step: Mapping[str, Any]) -> None:
        """Post a form and judge the page that comes."""
        self.last_post = (url, dict(fields))
        async with self.world.session.post(url, data=fields, allow_redirects=False) as response:
            html = await response.text()
            self.page = pages.read(url, response.status, response.headers, html)
        facts = self.page.facts(self.world.page_names)
        cres = facts.get("cres")
        if isinstance(cres, dict):
            self._judge_final(cres)
        if "expect" in step:
            self.expect(step["expect"], facts)

    def _judge_final(self, cres: dict[str, Any]) -> None:
        self.said["cres"] = cres
        if cres.get("messageType") == "Erro":
            self.failures += laws.of_erro(cres)
            return
        self.failures += laws.of_cres(cres, self.said["areq"])
        if self.box.results and self.box.settled_at is None and not self.run.case.rres:
            self.failures.append("8.3: the final CRes came before the RRes")

    def _judge_results(self) -> None:
        for heard in self.box.results:
            self.failures += laws.of_rreq(self.said["areq"], self.said["ares"], heard.message)
            self.failures += _of_travel(heard)

    async def _end(self) -> None:
        """Cancel a challenge that is still open, and wait for its result."""
        if self.said["ares"].get("transStatus") != "C" or self.box.results:
            return
        if self.said["channel"] == "APP":
            await in_app.end(self)
            await self.box.wait(self.box.results, 1, _RESULTS_WITHIN_S)
            return
        if self.page is None or self.page.entry(self.world.page_names) is None:
            await self._creq({})
        if self.page is not None and self.page.entry(self.world.page_names) is not None:
            await self._press({"button": "cancel"})
        await self.box.wait(self.box.results, 1, _RESULTS_WITHIN_S)

    async def code(self, wanted: str) -> str:
        """Give the entry that a word of a case stands for; waits for the text."""
        match wanted:
            case "right":
                code = await self.card.codes.newest(self.text_before)
                self.used_code = code
                self.card.failures = 0
                return code
            case "wrong":
                self.card.failures += 1
                self.used_code = self.used_code or await self.card.codes.newest(self.text_before)
                # Another digit in the last place each time: the same form twice is a reload.
                turn = self.card.failures % 9 + 1
                return self.used_code[:-1] + str((int(self.used_code[-1]) + turn) % 10)
            case "old":
                self.card.failures += 1
                return self.used_code
            case _:
                return wanted

    def pin(self, wanted: str) -> str:
        """Give the PIN that a word of a case stands for."""
        pin = self.card.pin or ""
        if wanted == "wrong":
            self.card.failures += 1
            return pin.translate(_OTHER_CODE)
        return pin if wanted == "right" else wanted

    def _entry_form(self) -> tuple[str, dict[str, str]]:
        form = None if self.page is None else self.page.entry(self.world.page_names)
        if form is None:
            message = "there is no page to fill in"
            raise BadCase(message)
        return form.action, dict(form.fields)

    def _acs_url(self) -> str:
        url = self.said["ares"].get("acsURL") or self.world.challenge_url
        if url is None:
            message = "no address of challenges is known"
            raise BadCase(message)
        return str(url)


def _of_travel(heard: Heard) -> list[str]:
    is_json = heard.content_type.lower() == "application/json"
    return [] if is_json else [f"1.10: the RReq's type is {heard.content_type!r}"]


def _said_by(erro: Mapping[str, Any]) -> list[str]:
    return [str(erro[f"error{part}"]) for part in ("Code", "Detail") if f"error{part}" in erro]


def _object(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


_STEPS: dict[str, Callable[[Story, Mapping[str, Any]], Awaitable[None]]] = {
    "areq": Story._areq,  # noqa: SLF001 - the story's own
    "creq": Story._creq,  # noqa: SLF001
    "submit": Story._submit,  # noqa: SLF001
    "press": Story._press,  # noqa: SLF001
    "again": Story._again,  # noqa: SLF001
    "sdk": in_app.act,
    "method": Story._method,  # noqa: SLF001
    "visit": Story._visit,  # noqa: SLF001
    "wait": Story._wait,  # noqa: SLF001
    "results": Story._results,  # noqa: SLF001
    "no_results": Story._no_results,  # noqa: SLF001
    "no_complaint": Story._no_complaint,  # noqa: SLF001
    "complaint": Story._complaint,  # noqa: SLF001
}
