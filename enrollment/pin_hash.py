"""The slow, keyed hash of PINs and passwords: argon2id over HMAC(pepper, person, secret).

A PIN has so few values that a stolen table would be searched through in minutes; the pepper, which
is not in the database, prevents it, and the slow hash is the second line. Costs follow OWASP's
advice for argon2id: 19 MiB, two passes, one lane. The work runs in threads of its own, so few that
they cannot starve the payments (a hash takes some 30 ms of a core). Every check costs the same,
whether there is a PIN or not. A password goes the same way under a label of its own.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

if TYPE_CHECKING:
    from uuid import UUID

    from schemas.vault import Keys, Secret

_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_THREADS: Final = ThreadPoolExecutor(
    max_workers=max(1, (os.cpu_count() or 1) // 2), thread_name_prefix="pin"
)
PIN: Final = b"pin/1"
PASSWORD: Final = b"password/1"
"""What a hash is of: the hash of one is never that of the other."""

# The hash of 32 random bytes that nobody kept: what persons without a PIN are compared with.
_NOBODYS: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$4xgr9vLxc0utuT4hBwctfA"
    "$jKWQS9XQ6LHpF+wdyHlKON4iF9DJEHhzjBsF9sminjs"
)


async def make(keys: Keys, person_id: UUID, pin: Secret, label: bytes = PIN) -> tuple[str, str]:
    """Hash a PIN with the active pepper; give the hash and the id of the pepper."""
    tag = keys.pin.tag(label, person_id.bytes, pin.reveal().encode())
    loop = asyncio.get_running_loop()
    made = await loop.run_in_executor(_THREADS, _hash, tag.value)
    return made, tag.key_id


async def matches(
    keys: Keys,
    person_id: UUID,
    pin: Secret,
    stored: tuple[str, str] | None,
    label: bytes = PIN,
) -> bool:
    """Compare a PIN with a stored hash and its pepper's id; None costs the same and is False."""
    parts = (label, person_id.bytes, pin.reveal().encode())
    peppered = {tag.key_id: tag.value for tag in keys.pin.tags(*parts)}
    known = stored is not None and stored[1] in peppered
    made, key_id = stored if stored is not None and known else (_NOBODYS, keys.pin.active)
    loop = asyncio.get_running_loop()
    is_equal = await loop.run_in_executor(_THREADS, _verify, made, peppered[key_id])
    return is_equal and known


def is_outdated(keys: Keys, stored: tuple[str, str]) -> bool:
    """Tell whether the hash was made under an earlier pepper or with other costs than today's."""
    return stored[1] != keys.pin.active or _HASHER.check_needs_rehash(stored[0])


def _hash(peppered: bytes) -> str:
    return _HASHER.hash(peppered)


def _verify(made: str, peppered: bytes) -> bool:
    try:
        return _HASHER.verify(made, peppered)
    except (VerificationError, InvalidHashError):
        return False
