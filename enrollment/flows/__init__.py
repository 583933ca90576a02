"""What the enrolment side does, one function a use case: the package's front door for others.

What the Access Control Server needs at a payment stands here by name; the use cases of the
enrolment API are imported from the modules of this folder by ``enrollment.edge`` alone.
"""

from enrollment.flows.attempts import (
    attempt_failed,
    attempts_left,
    begin_attempt,
    check_pin,
    renew_pin,
)
from enrollment.flows.card_blocks import claim as claim_host_wishes
from enrollment.flows.card_blocks import settle_left as settle_host_wish
from enrollment.flows.coming_of_age import catch_up as follow_ages
from enrollment.flows.consent_texts import outdate as outdate_consents
from enrollment.flows.housekeeping import carry_on, end_every_session, forget_used
from enrollment.flows.notices import tell_over_limit
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
)
from enrollment.flows.purge import purge_one
from enrollment.flows.trust import trust
from enrollment.flows.work import Work

__all__ = [
    "Work",
    "attempt_failed",
    "attempts_left",
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
    "purge_one",
    "release_use",
    "renew_pin",
    "settle_host_wish",
    "shares_of",
    "standing_from",
    "tell_over_limit",
    "trust",
]
