"""The settings of one-time codes are those of their policy."""

from __future__ import annotations

import msgspec

from acs.config.sms_settings import Otp
from otp.policy import OtpPolicy


def test_the_section_otp_is_the_policy_of_one_time_codes() -> None:
    assert OtpPolicy(**msgspec.structs.asdict(Otp())) == OtpPolicy()
