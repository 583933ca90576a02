"""What the enrolment side does, one function a use case: the package's front door for others.

What the Access Control Server needs at a payment stands here by name; the use cases of the
enrolment API are imported from the modules of this folder by ``enrollment.edge`` alone.
"""

from enrollment.flows.attempts import (
    at_a_payment,
    attempt_failed,
    begin_attempt,
    check_pin,
    renew_pin,
)
from enrollment.flows.housekeeping import (
    carry_on,
    claim_host_wishes,
    end_every_session,
    follow_ages,
    forget_used,
    outdate_consents,
    purge_closed,
    settle_host_wish,
    tell_over_limit,
)
from enrollment.flows.payments import (
    consent_in_force,
    count_use,
    footing_of,
    forget_use,
    lapse_use,
    number_on,
    phone_number,
    release_use,
    shares_of,
    standing_from,
    standing_of,
)
from enrollment.flows.trust import trust

__all__ = [
    "at_a_payment",
    "attempt_failed",
    "begin_attempt",
    "carry_on",
    "check_pin",
    "claim_host_wishes",
    "consent_in_force",
    "count_use",
    "end_every_session",
    "follow_ages",
    "footing_of",
    "forget_use",
    "forget_used",
    "lapse_use",
    "number_on",
    "outdate_consents",
    "phone_number",
    "purge_closed",
    "release_use",
    "renew_pin",
    "settle_host_wish",
    "shares_of",
    "standing_from",
    "standing_of",
    "tell_over_limit",
    "trust",
]
