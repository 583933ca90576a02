"""Who acted, in the words of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.events import ACS, Actor, EventName

if TYPE_CHECKING:
    from datetime import datetime


def test_every_name_is_a_noun_and_a_verb() -> None:
    assert all(name.value.count(".") == 1 for name in EventName)


def test_an_event_names_the_service_and_the_client(now: datetime) -> None:
    person_id = uuid4()
    actor = Actor("svc", person_id=person_id, channel="portal", origin="::1", request_id="r")

    event = actor.event(EventName.PIN_SET, person_id, now, details={"a": 1})

    assert (event.actor_kind, event.actor, event.object) == ("service", "svc", str(person_id))
    assert (event.origin, event.request_id, event.outcome) == ("::1", "r", "ok")
    assert event.details == {"a": 1, "on_behalf_of": str(person_id), "channel": "portal"}


def test_what_is_too_long_for_the_log_is_cut(now: datetime) -> None:
    event = Actor("x" * 200, origin="y" * 200).event(
        EventName.API_DENIED, "z" * 200, now, outcome="w" * 200
    )

    lengths = [len(text) for text in (event.actor, event.origin, event.object, event.outcome)]
    assert lengths == [100, 60, 100, 60]


def test_the_acs_itself_is_no_service(now: datetime) -> None:
    event = ACS.event(EventName.BLOCK_SET, uuid4(), now)

    assert event.actor_kind == "system"
    assert event.details == {}
