"""The gateway to a phone on a screen: for demonstrations and tests.

It posts ``{"id", "to", "from", "text"}`` as JSON to a URL. The receiver keeps one message per id,
so a repeated try makes no second message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.gateways.http.gateway import HttpGateway, HttpGatewayConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


def inbox_gateway(url: str, clock: Callable[[], datetime]) -> HttpGateway:
    """Make the gateway; raises ValueError unless the URL is https or leads to this machine."""
    return HttpGateway(
        HttpGatewayConfig(
            name="inbox",
            url=url,
            body={"id": "{id}", "to": "{to}", "from": "{from}", "text": "{text}"},
            idempotent=True,
        ),
        clock,
    )
