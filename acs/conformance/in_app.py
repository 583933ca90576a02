"""The app's part of a story: what its SDK is let do, and how the answer is judged.

``otp`` and ``pin`` (``right``, ``wrong``, ``old`` or a text) become the native screen's entry;
``html`` fills in the document's form by the same words and presses its first button, or the one
whose number ``button`` tells. Everything else is handed to the SDK as it stands; ``creq`` and
``erro`` are changes as a case writes them.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from acs.conformance import laws, pages, sdk
from acs.conformance.writing import BadCase, made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.conformance.story import Story

_TOLD = ("do", "expect", "otp", "pin", "html", "button", "new_code")
_HTTP_OK = 200
_TIMED_OUT: dict[str, Any] = {"messageType": "Erro", "errorCode": "402", "errorComponent": "C"}


async def begin(story: Story) -> None:
    """Borrow the SDK whose key and number the AReq carries."""
    if story.world.network is None:
        message = "no payment network lends an SDK"
        raise BadCase(message)
    base = story.said["base"]
    number = made(story.run.case.areq.get("sdkReferenceNumber", base["sdkReferenceNumber"]), {})
    story.sdk = await sdk.lend(story.world.session, story.world.network, str(number))
    base["sdkEphemPubKey"] = story.sdk.key


async def accept(story: Story) -> None:
    """Let the SDK verify what the ARes signed."""
    if story.sdk is None or story.said["ares"].get("transStatus") != "C":
        return
    why = await story.sdk.accept(story.said["areq"], story.said["ares"])
    if why is not None:
        story.failures.append(f"6.5: the SDK does not accept the ARes: {why}")


async def act(story: Story, step: Mapping[str, Any]) -> None:
    """Let the SDK send something and judge what came."""
    if story.sdk is None:
        message = "the story has no SDK"
        raise BadCase(message)
    wish = await _wish(story, step)
    if not story.has_begun:
        story.text_before = await story.card.codes.last()
        story.has_begun = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    came = await story.sdk.send(wish)
    story.failures += laws.of_sdk_wait(loop.time() - began)
    if came["refused"] is not None:
        story.failures.append(f"6.21: the SDK refuses the answer: {came['refused']}")
    told = came["message"] or {}
    _judge(story, told)
    how = {"status": came["status"], "content_type": came["content_type"].lower()}
    shown = sdk.document(told["acsHTML"]) if "acsHTML" in told else None
    facts = {**told, "@http": how} | ({} if shown is None else {"@document": shown})
    story.expect(step.get("expect", {}), facts)


async def end(story: Story) -> None:
    """End a challenge that is still open: the SDK's own time-out, which needs no key."""
    content = sdk.signed(story.said["ares"].get("acsSignedContent"))
    if content is None or story.box.results:
        return
    ids = ("messageVersion", "threeDSServerTransID", "sdkTransID")
    erro: dict[str, Any] = _TIMED_OUT | {name: story.said["areq"][name] for name in ids}
    erro |= {
        "acsTransID": story.said["ares"]["acsTransID"],
        "errorDescription": "Challenge timed out",
        "errorDetail": "the conformance set goes on",
    }
    async with story.world.session.post(
        content["payload"]["acsURL"],
        data=json.dumps(erro),
        headers={"Content-Type": "application/json"},
    ) as response:
        await response.read()


def _judge(story: Story, message: dict[str, Any]) -> None:
    if message.get("messageType") == "Erro":
        story.failures += laws.of_erro(message)
    if message.get("messageType") != "CRes":
        return
    story.failures += laws.of_app_cres(story.said["areq"], story.said["ares"], message)
    if "transStatus" in message:
        story.said["cres"] = message
        if story.box.settled_at is None and not story.run.case.rres:
            story.failures.append("8.3: the final CRes came before the RRes")
    elif "acsHTML" in message:
        html = sdk.document(message["acsHTML"])
        story.page = pages.read("https://emv3ds/", _HTTP_OK, {}, html)


async def _wish(story: Story, step: Mapping[str, Any]) -> dict[str, Any]:
    wish = {name: made(step[name], story.said) for name in step if name not in _TOLD}
    if step.get("new_code"):
        story.used_code = await story.card.codes.newest(story.text_before)
        story.text_before = await story.card.codes.last()
    if "pin" in step:
        wish["entry"] = story.pin(step["pin"])
    if "otp" in step:
        wish["entry"] = await story.code(step["otp"])
    if "html" in step:
        wish["html"] = await _form(story, step)
    return wish


async def _form(story: Story, step: Mapping[str, Any]) -> dict[str, str]:
    names, form = story.world.page_names, None
    if story.page is not None:
        form = story.page.entry(names)
    if form is None:
        message = "the document has no form to fill in"
        raise BadCase(message)
    fields = dict(form.fields)
    if "otp" in step["html"]:
        fields[names.otp] = await story.code(step["html"]["otp"])
    if "pin" in step["html"]:
        fields[names.pin] = story.pin(step["html"]["pin"])
    name, value = form.buttons[step.get("button", 0)]
    return fields | {name: value}
