"""What a Directory Server defines beyond the published tables: extensions, codes of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import judge
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, VERSIONS

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
CODE = {"2.1.0": "203", "2.2.0": "203", "2.3.1": "207"}


async def answer(world: World, version: str, **overrides: Any) -> tuple[str, str]:
    holder = await world.enrol(prefix=EASY)
    message = browser_areq(holder.pan, version=version, ds_url=world.directory.url, **overrides)
    given = await world.raw_areq(json.dumps(message).encode())
    if given["messageType"] == "Erro":
        judge.erro(given)
        return given["errorCode"], given["errorDetail"]
    return given["messageType"], given["transStatus"]


def critical(*ids: str) -> list[dict[str, Any]]:
    return [
        {"name": "Test", "id": id_, "criticalityIndicator": True, "data": {"a": "b"}} for id_ in ids
    ]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_critical_extension_is_refused_unless_it_is_recognised(
    shared: World, version: str
) -> None:
    known = await answer(shared, version, messageExtension=critical("TEST-1"))
    unknown = await answer(shared, version, messageExtension=critical("TEST-1", "TEST-3", "TEST-2"))

    assert known == ("ARes", "Y")
    assert unknown == ("202", "TEST-3,TEST-2")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_code_passes_if_the_directory_server_has_defined_it(
    shared: World, version: str
) -> None:
    assert await answer(shared, version, acctType="80") == ("ARes", "Y")
    assert await answer(shared, version, acctType="81") == (CODE[version], "acctType")
