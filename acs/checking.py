"""The command ``acs check-config``: the settings and all that they name, judged without a start.

It needs no key and no database; keys that are there are judged. Exit codes: 0 they fit, also with
a warning; 2 they do not, a sentence for each fault.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from acs import app, open_files, policies, value_keys
from acs.clock import utc_now
from acs.config import ConfigError
from acs.crypto.software import SoftwareKeys
from acs.http_gateways import doors
from acs.key_files import load_keys
from acs.secret_files import database_addresses
from acs.terminal import say
from schemas.vault import Keys

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from acs.config import Settings


def judge(options: argparse.Namespace, settings: Settings) -> int:
    """Judge what a start would read besides the settings, and needs no key or database."""
    faults: list[str] = []
    for look in LOOKS:
        try:
            look(settings)
        except ConfigError as error:
            faults += error.sentences
        except OSError as error:
            faults.append(f"{error.filename} cannot be read: {error.strerror}")
    if faults:
        raise ConfigError(tuple(dict.fromkeys(faults)))
    signers = policies.content_signers(settings)
    has_values = settings.keys.authentication_values or settings.values_file.exists()
    values = value_keys.value_keys(settings) if has_values else SoftwareKeys(())
    hsm = value_keys.hsm_use(settings, values, signers.values())
    if hsm is not None:
        hsm.judge(must_be_there=True)
    for name, file in open_files.found(settings, options.config).items():
        sys.stderr.write(f"acs: warning: {open_files.sentence(name, file)}\n")
    say("the settings fit")
    return 0


def keys(settings: Settings) -> None:
    """Judge the keys where there are any; profile demo would make those that are missing."""
    there = [(settings.keys_dir / purpose).exists() for purpose in Keys.PURPOSES]
    if all(there) or (any(there) and settings.profile != "demo"):
        load_keys(settings)


LOOKS: tuple[Callable[[Settings], object], ...] = (
    database_addresses,
    lambda settings: policies.listener_contexts(settings, app.edges_of(settings)),
    lambda settings: policies.judge_lists(settings, app.edges_of(settings), utc_now()),
    policies.pages,
    policies.content_signers,
    policies.directory_servers,
    lambda settings: policies.gateways(settings, utc_now),
    policies.callers,
    policies.number_checks,
    policies.policies,
    policies.enrollment_policy,
    policies.bank,
    policies.routes,
    doors,
    keys,
    lambda settings: settings.values_file.exists(),
    value_keys.hsm_files,
)
"""What reads files that the settings name; each raises ConfigError."""
