"""The port's values keep number and text to themselves."""

from __future__ import annotations

from uuid import UUID

from otp.gateways.port import SmsJob
from schemas.vault import Secret


def test_a_job_does_not_show_number_and_text() -> None:
    job = SmsJob(UUID(int=1), Secret("+48600700800"), Secret("Kod: 048291"), "BANK", 300)

    assert "600700800" not in repr(job)
    assert "048291" not in repr(job)
