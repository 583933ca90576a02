"""What a command is to the command line."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from acs.config import Settings


def _no_options(_parser: argparse.ArgumentParser) -> None:
    """Take no options."""


class Command(NamedTuple):
    """What carries a command out, what declares its options, and the settings that it implies."""

    run: Callable[[argparse.Namespace, Settings], int]
    add_options: Callable[[argparse.ArgumentParser], object] = _no_options
    implies: Mapping[str, object] = MappingProxyType({})


class Apart(NamedTuple):
    """The same of a command that needs none of our settings."""

    run: Callable[[argparse.Namespace], int]
    add_options: Callable[[argparse.ArgumentParser], object] = _no_options
