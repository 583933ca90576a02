"""The benchmark of reading measures what it says: a whole message, and readings that succeed."""

from __future__ import annotations

import json

from loadtests.micro.read_areq import leaves, whole_areq
from schemas.messages import TABLES, read_areq
from tests import builders


def test_the_message_has_every_element_of_a_browser_payment() -> None:
    message = whole_areq()
    names = {row.name for row in TABLES["AReq"].rows if row.holds("2.3.1", "02", "01")}

    assert message.keys() == names
    assert leaves(message) >= 130
    assert read_areq(json.dumps(message).encode()).values == message


def test_it_is_as_large_as_the_one_the_tests_are_made_with() -> None:
    assert whole_areq().keys() == builders.areq("2.3.1", full=True).keys()
