"""What the edge is handed; what it may do without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from enrollment.policy import EnrollmentPolicy
from enrollment.ports import EnrollmentPorts
from tests.enrollment import api, people

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys


def test_messages_metrics_and_request_ids_are_optional(keys: Keys, now: datetime) -> None:
    pool: Any = None
    ports = EnrollmentPorts(
        pool=pool,
        keys=keys,
        policy=EnrollmentPolicy(),
        otp_policy=people.OTP_POLICY,
        callers=api.callers(),
        clock=lambda: now,
        card_range_known=bool,
    )

    ports.deliver_soon(uuid4())
    ports.observe("GET /v1/cards/{id}", "ok")
    assert ports.request_id() == ""
    assert ports.clock() == now
