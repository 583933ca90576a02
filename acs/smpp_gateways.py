"""From the settings of SMPP providers to gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.config import ConfigError
from acs.edges.tls import outgoing_context
from acs.secret_files import text_of
from otp.gateways.smpp.gateway import SmppConfig, SmppGateway
from otp.gateways.smpp.link import Address

if TYPE_CHECKING:
    from acs.config import Settings


def smpp_gateway(settings: Settings, name: str) -> SmppGateway:
    """Make the gateway of one provider. Raises ConfigError."""
    given, where = settings.sms.smpp[name], f"sms.smpp.{name}"
    tls = None
    if given.tls:
        tls = outgoing_context(given.ca, given.tls_cert, given.tls_key, f"{where}.")
    try:
        address = Address(
            host=given.host,
            port=given.port,
            system_id=given.system_id,
            password=text_of(given.password_file, f"{where}.password_file"),
            system_type=given.system_type,
            tls=tls,
        )
        return SmppGateway(
            SmppConfig(
                name=name,
                address=address,
                window=given.window,
                rate=given.rate,
                alphabet=given.alphabet,
                long_messages=given.long_messages,
                receipt_ids=given.receipt_ids,
                priority=given.priority,
            )
        )
    except ValueError as error:
        raise ConfigError((f"{where}: {error}",)) from error


def refuse_too_many_binds(settings: Settings, processes: int) -> None:
    """Refuse more processes than a carrier lets bind: the last ones would never send through it.

    Raises ConfigError.
    """
    used = {
        name: settings.sms.smpp[name]
        for name in settings.sms_providers
        if name in settings.sms.smpp
    }
    sentences = tuple(
        f"--workers {processes}: sms.smpp.{name}.binds is {one.binds}, and each process holds a "
        "connection"
        for name, one in used.items()
        if one.binds < processes
    )
    if sentences:
        raise ConfigError(sentences)
