"""Checking messages of our own before they leave: one that breaks its table never does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from schemas.compiler import Context, Findings, check_members, compiled
from schemas.messages.tables import EVERY_TABLE
from schemas.presence import Place
from schemas.values import DeviceChannel, MessageType

if TYPE_CHECKING:
    from collections.abc import Mapping


class OutgoingInvalid(AssertionError):
    """A message of ours breaks its own table: a programmer's mistake. ``names`` says where."""

    def __init__(self, message_type: str, names: tuple[str, ...]) -> None:
        """Hold the dotted names of the elements at fault, never their values."""
        super().__init__(f"{message_type}: {','.join(names)}")
        self.message_type = message_type
        self.names = names


def check_outgoing(message_type: str, values: Mapping[str, object], context: Context) -> None:
    """Raise OutgoingInvalid unless a message of ours obeys its table to the letter.

    Beyond what a reader checks, nothing may be in it that its version, channel or category does
    not know, and nothing empty [rule 13.7]. Without ``context.flow`` a CRes is final in the browser
    and in the app as its challengeCompletionInd says. What travels beside the messages goes by the
    name of its table.
    """
    flow = context.flow or _flow_of(message_type, values, context)
    place = Place(context.version, context.channel, context.category, flow)
    findings = Findings(context.version, sys.maxsize, tolerates_ds=True)
    check_members(compiled(EVERY_TABLE[message_type], place), values, context.earlier, findings)
    if findings.by_kind:
        names = tuple(name for names in findings.by_kind.values() for name in names)
        raise OutgoingInvalid(message_type, names)


def _flow_of(message_type: str, values: Mapping[str, object], context: Context) -> str | None:
    if message_type != MessageType.CRES:
        return None
    is_final = context.channel == DeviceChannel.BRW or values.get("challengeCompletionInd") == "Y"
    return "final" if is_final else "non-final"
