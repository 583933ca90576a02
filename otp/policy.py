"""The limits round a one-time password, and the pure decisions they lead to.

What must not be passed comes from outside: six digits and ten minutes from NIST SP 800-63B-4 and
OWASP ASVS 5.0 6.5, five failures from the RTS on strong customer authentication art. 4(3)(b). The
defaults are stricter. A policy beyond a ceiling cannot be made. The counts a decision is taken on
are read under locks by the store; nothing here reads a clock or a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Literal

from otp.model import CodePhase, Purpose, Refused, SendRefusal

ATTEMPTS_CEILING: Final = 5
"""RTS art. 4(3)(b): not more than five failed attempts in a row."""
LIFETIME_CEILING_S: Final = 600
"""NIST SP 800-63B-4, ASVS 5.0 6.5.5: an out-of-band code lives ten minutes at most."""
LIFETIME_FLOOR_S: Final = 60
"""The text tells the validity in whole minutes; less than one could not be told."""
SENDS_CEILING: Final = 5
"""More messages in one challenge are a flood, not a help."""
NOTICE_SHARE_CEILING_PCT: Final = 90
"""Whatever a bank has to tell, a tenth of the budget is for those who pay."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NETWORK_BITS: Final = {4: 24, 6: 48}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PREFIX = re.compile(r"[1-9][0-9]{0,7}")
_BOUNDS: Final = {
    "attempts_max": (1, ATTEMPTS_CEILING),
    "lifetime_s": (LIFETIME_FLOOR_S, LIFETIME_CEILING_S),
    "sends_max": (1, SENDS_CEILING),
    "notice_share_pct": (1, NOTICE_SHARE_CEILING_PCT),
    "watch_prefix_digits": (1, 8),
    "watch_window_s": (60, 3600),
    "watch_share_pct": (0, 100),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPolicy:
    """How often a code may be tried and sent. Times in seconds; every count is an upper limit.

    `resend_waits_s` are the waits before the second, third ... message; the last one repeats.
    `phone_*` and `card_*` count messages that a provider took, or may have.
    `total_*` is the budget of all messages of this installation, in UTC minutes, hours and days:
    a brake against artificial traffic. `notice_share_pct` per cent of it, at least one message, are
    the most that notices may use. A block of numbers (the first `watch_prefix_digits`) where
    more than `watch_sends_min` messages of `watch_window_s` led to less than `watch_share_pct` per
    cent of right entries gets none for `suspend_s`; 0 per cent switches that off. The same share
    stops a merchant, acquirer or network that sends many times the usual. `destinations`
    are the E.164 prefixes that may be sent to, `refused_prefixes` those refused all the same (in
    Poland 70x and 80x are paid services). `alphabet` says whether a text gives up letters that GSM
    03.38 has not, to fit one part, or keeps them in UCS-2.
    Raises ValueError with a sentence that names the setting.
    """

    attempts_max: int = 3
    lifetime_s: int = 300
    resend_waits_s: tuple[int, ...] = (30, 60)
    sends_max: int = 3
    phone_hour: int = 6
    phone_day: int = 15
    card_hour: int = 6
    card_day: int = 15
    card_challenges_hour: int = 5
    total_minute: int = 1_000
    total_hour: int = 20_000
    total_day: int = 200_000
    notice_share_pct: int = 20
    watch_prefix_digits: int = 5
    watch_window_s: int = 900
    watch_sends_min: int = 20
    watch_share_pct: int = 10
    suspend_s: int = 900
    destinations: tuple[str, ...] = ("48",)
    refused_prefixes: tuple[str, ...] = ("4870", "4880")
    alphabet: Literal["gsm7_strip", "ucs2"] = "gsm7_strip"

    def __post_init__(self) -> None:
        """Refuse what is beyond a ceiling or makes no sense."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, int):
                _check_range(setting.name, value)
        _check_waits(self.resend_waits_s)
        for name in ("destinations", "refused_prefixes"):
            _check_prefixes(name, getattr(self, name))
        if not self.destinations:
            message = "destinations must name at least one prefix"
            raise ValueError(message)


def _check_range(name: str, value: int) -> None:
    low, high = _BOUNDS.get(name, (1, None))
    if value < low:
        message = f"{name} is {value}: it must be at least {low}"
        raise ValueError(message)
    if high is not None and value > high:
        message = f"{name} is {value}: it must not be above {high}"
        raise ValueError(message)


def _check_waits(waits_s: tuple[int, ...]) -> None:
    if not waits_s or any(not 0 <= wait_s <= LIFETIME_CEILING_S for wait_s in waits_s):
        message = f"resend_waits_s must be waits of 0 to {LIFETIME_CEILING_S} s, at least one"
        raise ValueError(message)


def _check_prefixes(name: str, prefixes: tuple[str, ...]) -> None:
    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix):
            message = f"{name} holds {prefix!r}: write 1 to 8 digits without +"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class NoticeShare:
    """How many notices may have left since the UTC minute, hour and day began."""

    minute: int
    hour: int
    day: int


@dataclass(frozen=True, slots=True)
class Window:
    """How many messages fell into a span that ends now, and when the earliest of them was."""

    count: int = 0
    earliest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known, under lock, before a message: the code's row and the counts.

    `phase`, `link_digest` and `last_sent_at` are None before the first message. `card_challenges`
    counts the card's other payment challenges of the last hour that had no success.
    `suspended_until`: the block of numbers that this one belongs to, or the merchant, acquirer or
    network that the payment comes from, gets no message until then.
    """

    seq: int = 0
    phase: CodePhase | None = None
    link_digest: bytes | None = None
    last_sent_at: datetime | None = None
    phone_hour: Window = Window()
    phone_day: Window = Window()
    card_hour: Window = Window()
    card_day: Window = Window()
    card_challenges: Window = Window()
    suspended_until: datetime | None = None


def may_send(
    policy: OtpPolicy, purpose: Purpose, number: str, standing: Standing, now: datetime
) -> Refused | None:
    """Tell why no message may go to the number now, or None when it may. The first reason speaks.

    `number` is in E.164 form. The total budget is not decided here: it is taken with a guard.
    """
    if not may_reach(policy, number):
        return Refused(SendRefusal.DESTINATION)
    if standing.suspended_until is not None:
        wait_s = _seconds_until(standing.suspended_until, now)
        return Refused(SendRefusal.SUSPENDED, wait_s)
    return (
        _within_challenge(policy, standing, now)
        or _within_windows(policy, standing, now)
        or _within_card_challenges(policy, purpose, standing, now)
    )


def notice_share(policy: OtpPolicy, now: datetime) -> NoticeShare:
    """Give what notices may use of the budget by now.

    They leave evenly over the minute: all at once they could fill the window of a carrier, which
    then throttles codes as well.
    """
    minute, hour, day = (
        max(total * policy.notice_share_pct // 100, 1)
        for total in (policy.total_minute, policy.total_hour, policy.total_day)
    )
    return NoticeShare(-(-minute * (now.second + 1) // 60), hour, day)


def prefix_of(policy: OtpPolicy, number: str) -> str:
    """Give the first digits of an E.164 number, by which blocks of numbers are watched."""
    return number[1 : 1 + policy.watch_prefix_digits]


def network_of(address: str | None) -> str | None:
    """Give the /24 or /48 of a browser's address, by which networks are watched.

    None for an address that is not of the public Internet: behind it may be a proxy of our own
    and with it everybody.
    """
    try:
        ip = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global:
        return None
    return str(ip_network((int(ip), _NETWORK_BITS[ip.version]), strict=False))


def may_reach(policy: OtpPolicy, number: str) -> bool:
    """Tell whether the number is a whole E.164 number of an allowed, not refused prefix."""
    if not _E164.fullmatch(number):
        return False
    digits = number[1:]
    return digits.startswith(policy.destinations) and not digits.startswith(policy.refused_prefixes)


def _within_challenge(policy: OtpPolicy, standing: Standing, now: datetime) -> Refused | None:
    if standing.phase is None or standing.last_sent_at is None:
        return None
    if standing.phase is not CodePhase.LIVE:
        return Refused(SendRefusal.CODE_OVER)
    if standing.seq >= policy.sends_max:
        return Refused(SendRefusal.CHALLENGE_SENDS)
    wait = timedelta(seconds=resend_wait_s(policy, standing.seq))
    if now < standing.last_sent_at + wait:
        return Refused(SendRefusal.TOO_SOON, _seconds_until(standing.last_sent_at + wait, now))
    return None


def resend_wait_s(policy: OtpPolicy, seq: int) -> int:
    """Give the seconds to wait after message number `seq` (from 1) before the next one."""
    return policy.resend_waits_s[min(seq, len(policy.resend_waits_s)) - 1]


def _within_windows(policy: OtpPolicy, standing: Standing, now: datetime) -> Refused | None:
    limits = (
        (standing.phone_hour, policy.phone_hour, _HOUR, SendRefusal.PHONE_HOUR),
        (standing.phone_day, policy.phone_day, _DAY, SendRefusal.PHONE_DAY),
        (standing.card_hour, policy.card_hour, _HOUR, SendRefusal.CARD_HOUR),
        (standing.card_day, policy.card_day, _DAY, SendRefusal.CARD_DAY),
    )
    for window, most, span, reason in limits:
        if window.count >= most:
            return Refused(reason, _retry_after_s(window, span, now))
    return None


def _within_card_challenges(
    policy: OtpPolicy, purpose: Purpose, standing: Standing, now: datetime
) -> Refused | None:
    if purpose is not Purpose.PAYMENT or standing.phase is not None:
        return None
    window = standing.card_challenges
    if window.count < policy.card_challenges_hour:
        return None
    return Refused(SendRefusal.CARD_CHALLENGES, _retry_after_s(window, _HOUR, now))


def _retry_after_s(window: Window, span: timedelta, now: datetime) -> int | None:
    if window.earliest_at is None:
        return None
    return _seconds_until(window.earliest_at + span, now)


def _seconds_until(moment: datetime, now: datetime) -> int:
    whole, rest = divmod(moment - now, timedelta(seconds=1))
    return max(whole + bool(rest), 1)
