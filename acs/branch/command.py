"""The command ``acs branch``: options, numbers, one action, sentences.

Exit codes: 0 done; 1 the API said no or cannot be reached; 2 wrong use.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from acs.branch import actions, typed_in
from acs.branch.client import Branch, CallRefused, Signer
from schemas.addresses import can_be_called
from schemas.counter_api import STAFF_PATTERN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable
    from datetime import datetime

DONE, REFUSED, USAGE_ERROR = 0, 1, 2
_SCOPES: Final = "person:write person:read card:enrol card:read limit:raise phone:write block:clear"
_AS_IT_IS: Final = "default: as it is"
_SENTENCES: Final = {
    "account_of_others": "this account belongs to other clients: core banking gives roles at it",
    "birth_date_differs": "the PESEL tells another date of birth: check both",
    "birth_date_invalid": "this is no date of birth: write YYYY-MM-DD",
    "dual_control_needed": "noted; a permanent block ends when another member of staff confirms it"
    " within 15 minutes: acs branch confirm REF",
    "identifier_taken": "this identification number belongs to another client",
    "identifier_check_digit": "the identification number has a wrong check digit: check it",
    "identifier_format": "this is no PESEL and no number of the bank's: check it",
    "minor_not_allowed": "the client is under 18 and not allowed: register with --minor allowed",
    "luhn": "the card number has a wrong check digit: check it",
    "not_of_account": "the client has no role at this account",
    "no_such_block": "this client has no such block",
    "not_found": "there is no such client",
    "other_holder": "this card belongs to another client",
    "phone_invalid": "this is no phone number in international form (+48...)",
    "phone_not_mobile": "this is no mobile phone",
    "scope_missing": "this key may not do that",
    "too_young": "the client is under 13: 3-D Secure and the portal are not for children",
    "unauthorized": "the API does not accept this key",
    "unknown_range": "this card number is in none of the bank's card ranges",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what it says of itself, what carries it out, which numbers it needs."""

    says: str
    run: Callable[[Branch, argparse.Namespace, dict[str, str]], Awaitable[list[str]]]
    numbers: tuple[str, ...] = ()


ACTIONS: Final = {
    "register": Action(
        "make a client known: person with phone, and with --account and --card those too",
        actions.register,
        ("identifier", "phone"),
    ),
    "show": Action("look a client up by the bank's reference", actions.show),
    "limits": Action(
        "set the limits of an account or a card: all at once, minor units of its currency;"
        " what is not named is not limited here",
        actions.limits,
    ),
    "code": Action("make an activation code for a client; it is shown this once", actions.code),
    "phone": Action("change a client's phone after checking who asks", actions.phone, ("phone",)),
    "unblock": Action("end a block of a client's internet payments", actions.unblock),
    "confirm": Action(
        "end a permanent block that another member of staff asked to end a moment ago",
        actions.confirm,
    ),
    "reset": Action(
        "take password, PIN and sessions of a client away; the client registers anew", actions.reset
    ),
    "close": Action("end a client for good: died, or the contract ended", actions.close),
}


class WrongUse(Exception):
    """An option does not fit; the message is a sentence for the operator."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    parsers = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, action in ACTIONS.items():
        one = parsers.add_parser(
            name, help=action.says, description=action.says, allow_abbrev=False
        )
        one.add_argument("ref", metavar="REF", help="the bank's reference of the client")
        _OPTIONS.get(name, _nothing)(one)
        if action.numbers:
            one.add_argument(
                "--numbers",
                metavar="FILE",
                help="lines name=value with identifier, phone, pan as needed; - = standard input;"
                " default: asked for, unseen",
            )
        _add_connection(one)


def _nothing(_parser: argparse.ArgumentParser) -> None:
    """Add no option."""


def _add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how the API is reached")
    group.add_argument("--api", default="http://127.0.0.1:8083", metavar="URL")
    group.add_argument("--callers", type=Path, metavar="FILE", help="callers.json of the demo")
    group.add_argument("--as", dest="caller", default="branch", metavar="NAME", help="one of them")
    group.add_argument("--key", type=Path, metavar="FILE", help="private key, PEM, P-256")
    for name in ("iss", "kid", "sub"):
        group.add_argument(f"--{name}", help=f"with --key: {name} of the token")
    group.add_argument("--aud", default="enrollment", help="with --key: the API's own name")
    group.add_argument("--ca", type=Path, metavar="FILE", help="authority of the API's certificate")
    group.add_argument("--cert", type=Path, metavar="FILE", help="own certificate with its key")


def _add_register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("natural", "corporate_user"), help=_AS_IT_IS)
    parser.add_argument(
        "--minor",
        choices=("allowed", "refused"),
        help="whether a client of 13 to 17 years may have 3-D Secure; default: as it is",
    )
    parser.add_argument(
        "--birth-date",
        action="store_true",
        help="ask for the date of birth, too: of whom no PESEL tells it",
    )
    parser.add_argument("--language", choices=("pl", "en", "de", "uk"), help=_AS_IT_IS)
    parser.add_argument("--account", metavar="REF", help="the bank's reference of the account")
    parser.add_argument("--currency", default="PLN", metavar="ABC", help="of a new account")
    parser.add_argument("--card", metavar="REF", help="the bank's reference of the card")
    parser.add_argument("--exp", metavar="YYMM", help="with --card: expiry")
    parser.add_argument("--product", metavar="TEXT", help="with --card: card product")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--account", metavar="REF", help="limits all cards of this account share")
    whose.add_argument("--card", metavar="REF", help="limits of this card")
    parser.add_argument("--off", action="store_true", help="internet payments off")
    parser.add_argument(
        "--lift-own",
        action="store_true",
        help="with --card: take away what the client lowered in the portal; alone, the branch's"
        " limits stay as they are",
    )
    for name in actions.LIMITS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N")


def _add_unblock(parser: argparse.ArgumentParser) -> None:
    kinds = ("sca_temp", "sca_perm", "manual", "portal")
    parser.add_argument("--kind", choices=kinds, required=True, help="which block")
    _add_staff(parser)


def _add_staff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, metavar="TEXT", help="for the audit log")
    parser.add_argument("--staff", required=True, metavar="ID", help="who checked the client")


_OPTIONS: Final = {
    "register": _add_register,
    "limits": _add_limits,
    "unblock": _add_unblock,
    "confirm": _add_staff,
    "reset": _add_staff,
    "close": _add_staff,
}


def main(given: argparse.Namespace, clock: Callable[[], datetime]) -> int:
    """Run one action; gives the exit code."""
    action = ACTIONS[given.action]
    try:
        _check(given)
        signer, tls = _signer(given), _tls(given)
        numbers = typed_in.read(given.numbers, _wanted(given, action)) if action.numbers else {}
    except (WrongUse, typed_in.NotGiven) as error:
        return _say_no(error, USAGE_ERROR)
    try:
        lines = asyncio.run(_run(action, given, numbers, (signer, tls, clock)))
    except CallRefused as error:
        return _say_no(_SENTENCES.get(error.code, f"the API said no: {error}"), REFUSED)
    except actions.NotFound as error:
        return _say_no(error, REFUSED)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return _say_no(f"{given.api} cannot be reached: {type(error).__name__}", REFUSED)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return DONE


async def _run(
    action: Action, given: argparse.Namespace, numbers: dict[str, str], by: tuple[Any, ...]
) -> list[str]:
    signer, tls, clock = by
    async with aiohttp.ClientSession(trust_env=False) as session:
        url = given.api.rstrip("/").removesuffix("/v1")
        staff = getattr(given, "staff", None)
        branch = Branch(url, signer, session, clock, tls, staff=staff)
        return await action.run(branch, given, numbers)


def _say_no(what: object, exit_code: int) -> int:
    sys.stderr.write(f"acs branch: {what}\n")
    return exit_code


def _wanted(given: argparse.Namespace, action: Action) -> tuple[str, ...]:
    if given.action != "register":
        return action.numbers
    more = ("pan",) if given.card is not None else ()
    return (*action.numbers, *more, "birth_date") if given.birth_date else (*action.numbers, *more)


def _check(given: argparse.Namespace) -> None:
    if not can_be_called(given.api):
        message = "--api is an https URL; plain http goes to this machine only"
        raise WrongUse(message)
    if (
        given.action == "register"
        and given.card is not None
        and None in {given.account, given.exp, given.product}
    ):
        message = "--card needs --account, --exp and --product"
        raise WrongUse(message)
    staff = getattr(given, "staff", None)
    if staff is not None and not re.fullmatch(STAFF_PATTERN, staff):
        message = "--staff is 1 to 64 letters, digits and . _ : @ - without blanks"
        raise WrongUse(message)
    if given.action == "limits":
        _check_limits(given)


def _check_limits(given: argparse.Namespace) -> None:
    values = [getattr(given, name) for name in actions.LIMITS]
    named = [value for value in values if value is not None]
    if given.lift_own and (given.off or given.card is None):
        message = "--lift-own is about a --card, and not with --off"
        raise WrongUse(message)
    is_clear = given.off != bool(named) or given.lift_own
    if not is_clear or any(value < 0 for value in named):
        message = "name the limits, none of them negative, or say --off"
        raise WrongUse(message)


def _signer(given: argparse.Namespace) -> Signer:
    try:
        if given.callers is not None:
            return _good(_listed(given.callers, given.caller))
        if given.key is not None and given.iss and given.kid and given.sub:
            key = given.key.read_text(encoding="ascii")
            return _good(Signer(given.iss, given.kid, given.sub, given.aud, _SCOPES, key))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"the key cannot be read: {type(error).__name__}"
        raise WrongUse(message) from error
    message = "name the branch's key: --callers FILE, or --key with --iss, --kid and --sub"
    raise WrongUse(message)


def _good(signer: Signer) -> Signer:
    """Refuse a key that cannot sign; its libraries would say so by a traceback."""
    try:
        key = load_pem_private_key(signer.private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        message = "the key is no private key on P-256 in PEM without a password"
        raise WrongUse(message)
    return signer


def _listed(file: Path, name: str) -> Signer:
    listed = json.loads(file.read_text(encoding="utf-8"))
    entry = listed[name]
    key = (file.parent / entry["key_file"]).read_text(encoding="ascii")
    scopes = " ".join(entry["scopes"])
    return Signer(entry["iss"], entry["kid"], entry["sub"], entry["aud"], scopes, key)


def _tls(given: argparse.Namespace) -> ssl.SSLContext | None:
    if urlsplit(given.api).scheme != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=given.ca)
        if given.cert is not None:
            context.load_cert_chain(given.cert)
    except OSError as error:
        message = f"--ca or --cert cannot be read: {type(error).__name__}"
        raise WrongUse(message) from error
    return context
