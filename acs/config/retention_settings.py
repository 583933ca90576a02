"""The settings of retention: how long what grows with every authentication is kept."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from acs.config.section import Section


class Retention(Section, frozen=True, kw_only=True):
    """How many days each kind of record is kept; months go as a whole, when their last day is due.

    See [growth](growth.md).
    """

    transactions_days: Annotated[
        int,
        Meta(
            ge=31,
            description="transactions with their results, and the identifiers by which a repeated "
            "AReq is known; 13 months in which a payment may be denied (PSD2 art. 71), and time "
            "to work on it",
        ),
    ] = 548
    messages_days: Annotated[
        int, Meta(ge=31, description="messages, masked; the networks' disputes ask for 120 days")
    ] = 120
    visitors_days: Annotated[
        int, Meta(ge=31, description="addresses and programs of browsers, sealed")
    ] = 548
    evidence_days: Annotated[
        int,
        Meta(
            ge=396,
            description="evidence of authentications: six years, in which a claim may be brought",
        ),
    ] = 2192
    audit_days: Annotated[
        Annotated[int, Meta(ge=396)] | None,
        Meta(
            description="the audit log with its chain (PCI DSS 10.5.1: twelve months at least); "
            "never shorter than evidence, which it proves; unset = as long as evidence",
        ),
    ] = None
    persons_days: Annotated[
        int,
        Meta(
            ge=396,
            description="persons after they were closed, with phones, numbers and cards: six "
            "years, in which a claim may be brought",
        ),
    ] = 2192
