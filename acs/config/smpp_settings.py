"""The settings of a provider that speaks SMPP, and what they must be together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from acs.config.listen import is_loopback
from acs.config.section import CERT, KEY, Count, Pem, Section
from schemas.addresses import is_host

if TYPE_CHECKING:
    from collections.abc import Iterator


class SmppProvider(Section, frozen=True, kw_only=True):
    """A text message provider that speaks SMPP 3.4: table `sms.smpp.<name>`.

    Each process that sends messages holds one connection of its own, bound as transceiver.
    """

    host: Annotated[str, Meta(min_length=1, description="name or address of the SMSC")]
    port: Annotated[int, Meta(ge=1, le=65_535, description="its port")] = 2775
    system_id: Annotated[
        str, Meta(min_length=1, max_length=15, description="who we are at the carrier")
    ]
    password_file: Annotated[Path, Meta(description="file with the password, 8 characters at most")]
    system_type: Annotated[str, Meta(max_length=12, description="as the carrier tells")] = ""
    tls: Annotated[bool, Meta(description="TLS with the SMSC's name checked")] = True
    ca: Annotated[
        Pem, Meta(description="who signs the SMSC's certificate, PEM file; unset = the system's")
    ] = None
    tls_cert: Annotated[Pem, Meta(description=CERT + ", if the carrier asks for one")] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    private_line: Annotated[
        bool, Meta(description="the way is a VPN or leased line: TLS may be off")
    ] = False
    binds: Annotated[
        Count, Meta(description="connections the carrier allows; `--workers` may not be more")
    ] = 4
    window: Annotated[int, Meta(ge=1, le=100, description="messages under way in one")] = 10
    rate: Annotated[float, Meta(gt=0, le=1_000, description="messages a second in one")] = 10.0
    alphabet: Annotated[
        Literal["gsm7", "latin1"],
        Meta(description="the carrier's default alphabet (data_coding 0)"),
    ] = "gsm7"
    long_messages: Annotated[
        Literal["payload", "udh", "sar"],
        Meta(description="more than one part: whole in message_payload, or cut, see the contract"),
    ] = "payload"
    receipt_ids: Annotated[
        Literal["same", "decimal", "hexadecimal"],
        Meta(description="ids in a receipt's text; the other two: submit_sm_resp has the other"),
    ] = "same"
    priority: Annotated[int, Meta(ge=0, le=3, description="priority_flag, if paid for")] = 0


def faults(name: str, provider: SmppProvider, sender: str) -> Iterator[str]:
    """Give every sentence that speaks against a provider's table."""
    where = f"sms.smpp.{name}"
    if not is_host(provider.host):
        yield f"{where}.host is {provider.host}, which is no name or address of a machine"
    if not provider.tls and not provider.private_line and not is_loopback(provider.host):
        yield f"{where}.tls is off: only to this machine, or with {where}.private_line"
    if not provider.tls and (provider.ca is not None or provider.tls_cert is not None):
        yield f"{where}.tls is off, so ca and tls_cert mean nothing"
    if (provider.tls_cert is None) != (provider.tls_key is None):
        yield f"{where}: tls_cert and tls_key come together"
    if not sender.isascii():
        yield f"{where}: sms.sender must be ASCII"
