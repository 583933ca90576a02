"""The settings of strong customer authentication: failures in a row, and changed SIM cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from acs.config.section import Count, Pem, Section


class Sca(Section, frozen=True, kw_only=True):
    """Failed authentications in a row (RTS art. 4)."""

    max_consecutive_failures: Annotated[
        int, Meta(ge=1, le=5, description="failures after which internet payments are blocked")
    ] = 5
    temp_block_min_s: Annotated[
        int, Meta(ge=900, description="a block lasts until midnight, and at least this long")
    ] = 21_600
    perm_block_after: Annotated[
        Count, Meta(description="blocks within the window that make it last until lifted")
    ] = 3
    perm_block_window_days: Annotated[Count, Meta(description="the window, in days")] = 30


class Sim(Section, frozen=True, kw_only=True):
    """Whether a phone's SIM card was exchanged, its number ported: asked of operators.

    CAMARA SIM Swap. Unset `url` = nobody is asked.
    """

    url: Annotated[
        str | None,
        Meta(description="the interface up to `/check`, such as `https://…/sim-swap/v1`"),
    ] = None
    token_url: Annotated[
        str | None, Meta(description="where tokens come from (OAuth 2.0 client credentials)")
    ] = None
    client_id: Annotated[str | None, Meta(description="client id that the operator gave us")] = None
    client_secret_file: Annotated[
        Path | None, Meta(description="a file that holds the client secret")
    ] = None
    scope: Annotated[str | None, Meta(description="scope to ask for; unset = none")] = None
    lookup_url: Annotated[
        str | None,
        Meta(
            description="who is asked about the number itself, with the same token; unset = nobody"
        ),
    ] = None
    ca: Annotated[
        Pem, Meta(description="who signs their certificates, PEM file; unset = public authorities")
    ] = None
    timeout_s: Annotated[
        float, Meta(gt=0, le=2, description="wait for an answer, all questions together")
    ] = 1.5
    kept_s: Annotated[
        int, Meta(ge=0, le=3600, description="how long an answer is believed without asking again")
    ] = 900
    recent_hours: Annotated[
        int, Meta(ge=1, le=2400, description="exchanged or ported since: no code, payment refused")
    ] = 72
    earlier_hours: Annotated[
        int, Meta(ge=1, le=2400, description="exchanged or ported since: a challenge, no exemption")
    ] = 240
    on_error: Annotated[
        Literal["allow", "step_down"],
        Meta(description="no answer: let pass and note it, or as if exchanged earlier"),
    ] = "allow"
