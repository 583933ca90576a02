"""The list of what the worker does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from acs.flows import deliver_results, expire, housekeeping
from acs.work.loop import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from acs.ports import Ports


def sources(ports: Ports, send_messages: Callable[[], Awaitable[int]]) -> list[Source]:
    """Give every source; ``send_messages`` handles one batch of due text messages."""
    return [
        Source("results", partial(deliver_results.deliver_due, ports), poll_s=1.0),
        Source("timers", partial(expire.expire_due, ports), poll_s=0.5),
        Source("sms", send_messages, poll_s=1.0),
        Source("audit", partial(housekeeping.seal_audit, ports), poll_s=5.0),
        Source("use", partial(housekeeping.lapse_use, ports), poll_s=60.0),
        Source("sms_history", partial(housekeeping.lapse_history, ports), poll_s=300.0),
        Source("used", partial(housekeeping.forget_used, ports), poll_s=60.0),
        Source("watch", partial(housekeeping.watch, ports), poll_s=5.0),
    ]
