"""The settings of the HSM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from acs.config.section import Section

IN_HSM = "pkcs11:"
"""Begins what names a key in the HSM where else the file of a key is named."""


class Hsm(Section, frozen=True, kw_only=True):
    """Keys in a hardware security module, reached by PKCS#11: [the HSM](hsm.md).

    Unset `module` = there is none.
    """

    module: Annotated[
        Path | None, Meta(description="the vendor's PKCS#11 module, such as `/opt/…/libpkcs11.so`")
    ] = None
    token: Annotated[
        Annotated[str, Meta(min_length=1, max_length=32)] | None,
        Meta(description="label of the token that holds the keys"),
    ] = None
    pin_file: Annotated[
        Path | None,
        Meta(description="a file that holds the PIN of the token's user, mode 0400 or 0600"),
    ] = None
    timeout_ms: Annotated[
        int,
        Meta(ge=10, le=2_000, description="wait for an answer, the queue included; then U"),
    ] = 500
    sessions: Annotated[
        int,
        Meta(ge=1, le=16, description="helper processes, each with a session: questions at a time"),
    ] = 1
    queue_max: Annotated[
        int, Meta(ge=1, le=10_000, description="questions of a process that may wait; more get U")
    ] = 200
    start_s: Annotated[
        float, Meta(gt=0, le=60, description="time to load the module, log in and find the keys")
    ] = 10.0
