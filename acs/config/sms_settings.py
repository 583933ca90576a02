"""The settings of the way to the phone: providers, and the limits of one-time codes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from acs.config.http_settings import HttpProvider
from acs.config.section import Count, Section
from acs.config.smpp_settings import SmppProvider

Prefix = Annotated[str, Meta(pattern="^[1-9][0-9]{0,7}$")]


class SmsRoute(Section, frozen=True, kw_only=True):
    """Who carries messages to some destinations: an entry of the list `sms.routes`."""

    prefix: Annotated[Prefix, Meta(description="how the numbers begin, without +")]
    providers: Annotated[
        dict[str, Annotated[int, Meta(ge=0, le=1000)]],
        Meta(min_length=1, description="weight by provider; 0 = when no other can"),
    ]


class Sms(Section, frozen=True, kw_only=True):
    """The way to the phone."""

    providers: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="in this order: names of `sms.http` and `sms.smpp` tables, or `inbox` "
            "(profile demo only); unset = `inbox` in the demo, nothing in production"
        ),
    ] = None
    sender: Annotated[
        str, Meta(min_length=1, max_length=11, description="alphanumeric sender of messages")
    ] = "3DSecure"
    alphabet: Annotated[
        Literal["gsm7_strip", "ucs2"],
        Meta(
            description="letters that the phone alphabet GSM 03.38 has not: write plain ones, or "
            "keep them and send in UCS-2, in two or three parts instead of one"
        ),
    ] = "gsm7_strip"
    inbox_url: Annotated[
        str | None, Meta(description="where `inbox` posts messages; unset = the demo's phone")
    ] = None
    routes: Annotated[
        tuple[SmsRoute, ...],
        Meta(
            description="providers by destination: the longest matching prefix decides, weights "
            "share its messages out; without a match `providers` in their order"
        ),
    ] = ()
    failover_on_unknown: Annotated[
        Literal["never", "same_text"],
        Meta(
            description="when a provider may have taken a message and nobody can tell: wait for "
            "the cardholder, or send the same text once by another one too"
        ),
    ] = "never"
    most_each: Annotated[
        int, Meta(ge=1, le=200, description="messages with one provider at once, in each process")
    ] = 5
    http: Annotated[dict[str, HttpProvider], Meta(description="providers by name, see below")] = {}
    smpp: Annotated[dict[str, SmppProvider], Meta(description="providers by name, see below")] = {}


class Otp(Section, frozen=True, kw_only=True):
    """One-time codes. Ceilings: RTS art. 4(3)(b), NIST SP 800-63B-4, OWASP ASVS 5.0 6.5."""

    attempts_max: Annotated[int, Meta(ge=1, le=5, description="tries in one challenge")] = 3
    lifetime_s: Annotated[int, Meta(ge=60, le=600, description="validity of a code")] = 300
    resend_waits_s: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=600)], ...],
        Meta(min_length=1, description="waits before another message; the last one repeats"),
    ] = (30, 60)
    sends_max: Annotated[int, Meta(ge=1, le=5, description="messages in one challenge")] = 3
    phone_hour: Annotated[
        Count, Meta(description="messages to a phone an hour, taken by a provider or perhaps taken")
    ] = 6
    phone_day: Annotated[Count, Meta(description="messages to a phone a day")] = 15
    card_hour: Annotated[Count, Meta(description="messages for a card an hour")] = 6
    card_day: Annotated[Count, Meta(description="messages for a card a day")] = 15
    card_challenges_hour: Annotated[
        Count, Meta(description="challenges of a card an hour that had no success")
    ] = 5
    total_minute: Annotated[Count, Meta(description="messages in all, a minute")] = 1_000
    total_hour: Annotated[Count, Meta(description="messages in all, an hour")] = 20_000
    total_day: Annotated[Count, Meta(description="messages in all, a day")] = 200_000
    notice_share_pct: Annotated[
        int,
        Meta(
            ge=1,
            le=90,
            description="per cent of these three for messages without a code; the rest is "
            "for codes alone, and notices above it wait",
        ),
    ] = 20
    watch_prefix_digits: Annotated[
        int, Meta(ge=1, le=8, description="digits by which blocks of numbers are watched")
    ] = 5
    watch_window_s: Annotated[
        int, Meta(ge=60, le=3600, description="span of messages that is judged")
    ] = 900
    watch_sends_min: Annotated[
        Count, Meta(description="a block with so many messages or fewer is not judged")
    ] = 20
    watch_share_pct: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="below this share of right codes a block is suspended; 0 = never",
        ),
    ] = 10
    suspend_s: Annotated[
        Count,
        Meta(description="how long a suspended block, merchant, acquirer or network gets none"),
    ] = 900
    destinations: Annotated[
        tuple[Prefix, ...],
        Meta(min_length=1, description="E.164 prefixes that may be sent to, without +"),
    ] = ("48",)
    refused_prefixes: Annotated[
        tuple[Prefix, ...],
        Meta(description="prefixes never sent to, whatever `destinations` says (paid services)"),
    ] = ("4870", "4880")
