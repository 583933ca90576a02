"""The list of what the worker does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from acs.flows import deliver_results, expire, housekeeping, retention
from acs.work.loop import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from acs.ports import Ports


def sources(
    ports: Ports, send_messages: Callable[[], Awaitable[int]], *, poll_s: float = 1.0
) -> list[Source]:
    """Give every source; ``send_messages`` handles one batch of due text messages.

    ``poll_s`` is how often the urgent ones look when no notice wakes them. Results have a source
    for each Directory Server, so that none waits for another's.
    """
    return [
        *(
            Source("results", partial(deliver_results.deliver_due, ports, lane), poll_s=poll_s)
            for lane in deliver_results.lanes(ports)
        ),
        Source("timers", partial(expire.expire_due, ports), poll_s=poll_s),
        Source("sms", send_messages, poll_s=poll_s),
        Source("audit", partial(housekeeping.seal_audit, ports), full=housekeeping.SEALED_BATCH),
        Source(
            "audit_late",
            partial(housekeeping.seal_late_audit, ports),
            poll_s=60.0,
            full=housekeeping.SEALED_BATCH,
        ),
        Source("use", partial(housekeeping.lapse_use, ports), poll_s=60.0),
        Source("use_over", partial(housekeeping.forget_use, ports), poll_s=300.0),
        Source("sms_history", partial(housekeeping.lapse_history, ports), poll_s=300.0),
        Source("sms_reports", partial(housekeeping.tidy_reports, ports), poll_s=60.0),
        Source("devices", partial(housekeeping.lapse_devices, ports), poll_s=60.0),
        Source("sdk_sessions", partial(housekeeping.lapse_sdk_sessions, ports), poll_s=60.0),
        Source("months_ahead", partial(retention.make_months, ports), poll_s=3600.0),
        Source("months_over", partial(retention.drop_months, ports), poll_s=3600.0),
        Source("strays", partial(retention.lapse_strays, ports), poll_s=3600.0),
        Source("closed_persons", partial(retention.purge_persons, ports), poll_s=3600.0),
        Source("sms_watch", partial(housekeeping.watch_messages, ports), poll_s=10.0),
        Source("number_checks", partial(housekeeping.lapse_number_checks, ports), poll_s=60.0),
        Source("used", partial(housekeeping.forget_used, ports), poll_s=60.0),
        Source("enrollment", partial(housekeeping.carry_on_enrollment, ports), poll_s=30.0),
        Source(
            "host_wishes",
            partial(housekeeping.carry_on_host_wishes, ports),
            poll_s=10.0,
            full=housekeeping.WISHES_AT_ONCE,
        ),
        Source("consents", partial(housekeeping.outdate_consents, ports), poll_s=60.0),
        Source(
            "over_limit",
            partial(housekeeping.tell_over_limit, ports),
            poll_s=5.0,
            full=housekeeping.TOLD_AT_ONCE,
        ),
        Source("ages", partial(housekeeping.follow_ages, ports), poll_s=60.0),
    ]
