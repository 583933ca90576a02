"""What a counter does, one function an action: calls to the API, then lines for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from acs.branch.client import CallRefused

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from acs.branch.client import Branch

Numbers = dict[str, str]
LIMITS = ("per_tx", "per_day", "per_month", "count_day", "count_month")


class NotFound(Exception):
    """The person has no such account or card; the message is a sentence for the operator."""


async def register(branch: Branch, given: argparse.Namespace, numbers: Numbers) -> list[str]:
    """Make a client known with phone, account and card, or bring them up to date."""
    said = {"identifier": numbers["identifier"], "phone": numbers["phone"]}
    said |= {name: of for name in ("kind", "language") if (of := getattr(given, name))}
    if given.birth_date:
        said["birth_date"] = numbers["birth_date"]
    if given.minor is not None:
        said["minor_allowed"] = given.minor == "allowed"
    person = await branch.call("PUT", f"/persons/{quote(given.ref, safe='')}", said)
    lines = [
        f"person   {given.ref}  {person['person_id']}  phone {person['phone_mask']}{_minor(person)}"
    ]
    if given.account is None:
        return lines
    account_id = await _account(branch, given, person["person_id"])
    lines.append(f"account  {given.account}  {account_id}")
    if given.card is None:
        return lines
    card = await branch.call(
        "PUT",
        f"/cards/{quote(given.card, safe='')}",
        {
            "pan": numbers["pan"],
            "exp": given.exp,
            "product": given.product,
            "person_id": person["person_id"],
            "account_id": account_id,
        },
    )
    return [*lines, _card_line(card)]


async def _account(branch: Branch, given: argparse.Namespace, person_id: str) -> str:
    """Give the client's account: one the client has already keeps all its people.

    An account of other clients is left alone: a counter does not take it from them.
    """
    found = await branch.find(given.ref)
    for account in found["accounts"]:
        if account["ref"] == given.account:
            return str(account["account_id"])
    body = {
        "currency": given.currency,
        "people": [{"person_id": person_id, "role": "owner"}],
    }
    try:
        made = await branch.make("PUT", f"/accounts/{quote(given.account, safe='')}", body)
    except CallRefused as error:
        if error.code == "version_changed":
            raise CallRefused(error.status, "account_of_others", None) from error
        raise
    return str(made["account_id"])


async def show(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """Look a client up by the bank's reference."""
    found = await branch.find(given.ref)
    shown = (
        f"{found['status']}  {found['language']}  phone {found['phone_mask'] or 'none'}"
        f"{_minor(found)}"
    )
    lines = [f"person   {found['ref']}  {shown}", f"block    {_block(found['block'])}"]
    lines += [
        f"account  {one['ref']}  {one['currency']}  {one['status']}  {one['role']}"
        for one in found["accounts"]
    ]
    return lines + [_card_line(one) for one in found["cards"]]


def _minor(person: Mapping[str, Any]) -> str:
    if not person["minor"]:
        return ""
    return f"  under 18, 3-D Secure {'allowed' if person['minor_allowed'] else 'not allowed'}"


def _block(block: Mapping[str, Any] | None) -> str:
    if block is None:
        return "none"
    until = "until somebody ends it" if block["until"] is None else f"until {block['until']}"
    return f"{block['kind']} {until}"


def _card_line(card: Mapping[str, Any]) -> str:
    threeds = card["threeds"]
    reason = "" if threeds["reason"] is None else f" ({threeds['reason']})"
    return (
        f"card     {card['ref']}  *{card['last4']}  {card['exp']}  {card['product']}  "
        f"{card['status']}  3-D Secure {threeds['state']}{reason}"
    )


async def limits(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """Set all limits of an account or a card at once; what is not named is not limited.

    With ``lift_own`` what the client lowered is taken away; alone, it leaves the branch's.
    """
    found = await branch.find(given.ref)
    kind, wanted = ("account", given.account) if given.account else ("card", given.card)
    path = f"/{kind}s/{_id_of(found[f'{kind}s'], kind, wanted)}/limits"
    body = {name: 0 if given.off else getattr(given, name) for name in LIMITS}
    shown: Mapping[str, Any] = {}
    if any(value is not None for value in body.values()):
        shown = await branch.call("PUT", path, body)
    if given.lift_own:
        shown = await branch.call("DELETE", f"{path}/client")
    if kind == "account":
        return [f"account  {wanted}  limits: {_told(shown['limits'], LIMITS)}"]
    lines = [f"card     {wanted}  in force: {_told(shown['effective'], LIMITS)}"]
    lowered = [name for name in LIMITS if shown["client"][name] is not None]
    if lowered:
        told = _told(shown["client"], lowered)
        lines.append(f"the client lowered: {told}; --lift-own takes it away")
    return lines


def _told(stored: Mapping[str, int | None], names: Sequence[str]) -> str:
    return "  ".join(f"{name} {_amount(stored[name])}" for name in names)


def _id_of(things: Sequence[Mapping[str, Any]], kind: str, ref: str) -> str:
    for one in things:
        if one["ref"] == ref:
            return str(one[f"{kind}_id"])
    message = f"this client has no {kind} {ref}"
    raise NotFound(message)


def _amount(value: int | None) -> str:
    return "unlimited" if value is None else str(value)


async def code(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """Make an activation code, which is shown this once."""
    found = await branch.find(given.ref)
    made = await branch.call("POST", f"/persons/{found['person_id']}/activation-codes")
    return [f"code     {made['code']}", f"good until {made['expires_at']}; earlier codes are void"]


async def phone(branch: Branch, given: argparse.Namespace, numbers: Numbers) -> list[str]:
    """Change the phone after the client's identity was checked; it takes effect at once."""
    found = await branch.find(given.ref)
    shown = await branch.call(
        "PUT",
        f"/persons/{found['person_id']}/phone",
        {"phone": numbers["phone"], "source": "branch"},
    )
    return [f"phone    {shown['phone_mask']}, before {found['phone_mask'] or 'none'}"]


async def unblock(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """End a block; a permanent one is only noted until another member of staff confirms."""
    found = await branch.find(given.ref)
    await _act(branch, given, found, "unblock", kind=given.kind)
    return [f"the block {given.kind} of {given.ref} is ended"]


async def confirm(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """Give the second signature under the end of a permanent block."""
    found = await branch.find(given.ref)
    await _act(branch, given, found, "unblock", kind="sca_perm")
    return [f"the block sca_perm of {given.ref} is ended"]


async def reset(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """Take the access away."""
    found = await branch.find(given.ref)
    shown = await _act(branch, given, found, "reset")
    return [f"person   {given.ref}  {shown['status']}; password and PIN are gone"]


async def close(branch: Branch, given: argparse.Namespace, _numbers: Numbers) -> list[str]:
    """End a client for good."""
    found = await branch.find(given.ref)
    shown = await _act(branch, given, found, "close")
    return [f"person   {given.ref}  {shown['status']}"]


async def _act(
    branch: Branch, given: argparse.Namespace, found: Mapping[str, Any], what: str, **more: str
) -> dict[str, Any]:
    body = {"reason": given.reason, "staff_id": given.staff, **more}
    return await branch.call("POST", f"/persons/{found['person_id']}/{what}", body)
