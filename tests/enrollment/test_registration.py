"""The steps of a registration: each in its order, and nothing after the end."""

from __future__ import annotations

import itertools

import pytest

from enrollment.registration import ENDED, RegistrationState, Step, after

ORDER = {
    ("started", "consent"): "consented",
    ("consented", "consent"): "consented",
    ("consented", "send"): "sms_sent",
    ("sms_sent", "send"): "sms_sent",
    ("sms_ok", "set_password"): "done",
}


@pytest.mark.parametrize(
    ("state", "step"), list(itertools.product(RegistrationState, Step)), ids=str
)
def test_a_step_leads_where_the_table_says(state: RegistrationState, step: Step) -> None:
    wanted = ORDER.get((state.value, step.value))
    found = after(state, step)
    assert (None if found is None else found.value) == wanted


@pytest.mark.parametrize("state", sorted(ENDED))
def test_nothing_follows_on_the_end(state: RegistrationState) -> None:
    assert [after(state, step) for step in Step] == [None] * len(Step)
