"""The front door to the messages: read what comes in, check what goes out, mask what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.compiler import Context, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Context",
    "OutgoingInvalid",
    "Reading",
    "check_outgoing",
    "masked",
    "peek",
    "read_areq",
    "read_creq",
    "read_erro",
    "read_rres",
]


class OutgoingInvalid(AssertionError):
    """A message of ours breaks its own table: a programmer's mistake. ``names`` says where."""

    def __init__(self, message_type: str, names: tuple[str, ...]) -> None:
        """Hold the dotted names of the elements at fault, never their values."""
        super().__init__(f"{message_type}: {','.join(names)}")
        self.message_type = message_type
        self.names = names


def read_areq(raw: bytes) -> Reading:
    """Read an AReq; raise ProtocolError."""
    raise NotImplementedError


def read_creq(raw: bytes, context: Context) -> Reading:
    """Read the decoded JSON of a CReq; raise ProtocolError."""
    raise NotImplementedError


def read_rres(raw: bytes, context: Context) -> Reading:
    """Read an RRes; raise ProtocolError."""
    raise NotImplementedError


def read_erro(raw: bytes) -> Reading:
    """Read an Erro; raise ProtocolError when it is none."""
    raise NotImplementedError


def peek(raw: bytes) -> dict[str, object]:
    """Give the elements of a JSON object without judging them, {} for anything else."""
    raise NotImplementedError


def check_outgoing(message_type: str, values: Mapping[str, object], context: Context) -> None:
    """Raise OutgoingInvalid unless the message obeys its table."""
    raise NotImplementedError


def masked(message_type: str, values: Mapping[str, object]) -> dict[str, object]:
    """Give what may be stored or logged of a message."""
    raise NotImplementedError
