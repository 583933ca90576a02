"""Settings of the issuer's side: the enrollment API, who gets access to the portal, its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from acs.config.listen import Listen
from acs.config.section import (
    CERT,
    CLIENT_CA,
    CLIENT_CRL,
    KEY,
    LISTEN,
    PROXIES,
    Count,
    Pem,
    Section,
)

CallingCode = Annotated[str, Meta(pattern="^[1-9][0-9]{0,3}$")]
NumberShape = Annotated[str, Meta(pattern="^(?!9{11}$)(?=A*9)[A9]{6,20}$")]


class Caller(Section, frozen=True, kw_only=True):
    """A system that may call the enrollment API: an entry of `enrollment.callers`."""

    name: Annotated[str, Meta(min_length=1, max_length=40, description="our name for it")]
    iss: Annotated[str, Meta(min_length=1, max_length=100, description="claim `iss` of its tokens")]
    kid: Annotated[str, Meta(min_length=1, max_length=64, description="key id in their header")]
    sub: Annotated[str, Meta(min_length=1, max_length=100, description="claim `sub` of its tokens")]
    public_key: Annotated[Path, Meta(description="its public key, PEM file")]
    scopes: Annotated[
        tuple[str, ...], Meta(description="the most it may ask for, such as `card:enrol`")
    ]
    alg: Annotated[Literal["ES256", "RS256"], Meta(description="the one algorithm of this key")] = (
        "ES256"
    )
    client_san: Annotated[
        str | None,
        Meta(description="DNS name or URI in its client certificate; unset = any certificate does"),
    ] = None


class Enrollment(Section, frozen=True, kw_only=True):
    """The enrollment API, and what the issuer asks of persons, phones and PINs."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8083)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    client_ca: Annotated[Pem, Meta(description=CLIENT_CA)] = None
    client_crl: Annotated[Pem, Meta(description=CLIENT_CRL)] = None
    audience: Annotated[str, Meta(min_length=1, description="claim `aud` of the tokens")] = (
        "enrollment"
    )
    api_origin: Annotated[
        str | None, Meta(description="origin the `htu` claim must name; unset = not checked")
    ] = None
    callers: Annotated[tuple[Caller, ...], Meta(description="who may call, see below")] = ()
    activation: Annotated[
        Literal["per_card", "automatic"],
        Meta(description="3-D Secure is switched on card by card, or once all is on record"),
    ] = "per_card"
    copy_on_replace: Annotated[
        bool, Meta(description="a replacement card takes over 3-D Secure from the old one")
    ] = True
    joint_owner_sees_all: Annotated[
        bool, Meta(description="the owner of a joint account sees co-owners' cards in the portal")
    ] = False
    countries: Annotated[
        tuple[CallingCode, ...],
        Meta(min_length=1, description="calling codes of phones on record, without +"),
    ] = ("48",)
    nonresident_shapes: Annotated[
        tuple[NumberShape, ...],
        Meta(
            min_length=1,
            description="what the bank's numbers for clients without a PESEL look like: `A` a "
            "letter, `9` a digit, 6 to 20 signs, not those of a PESEL",
        ),
    ] = ("AA9999999999",)
    nonresident_check: Annotated[
        Literal["luhn", "none"], Meta(description="check digit of these numbers, their last digit")
    ] = "luhn"
    phone_persons_max: Annotated[Count, Meta(description="persons who may share a phone")] = 3
    pin_length_min: Annotated[int, Meta(ge=4, le=8, description="digits of the internet PIN")] = 4
    pin_length_max: Annotated[int, Meta(ge=4, le=8, description="digits of the internet PIN")] = 8
    pin_changes_day: Annotated[Count, Meta(description="PIN changes of a person a day")] = 5
    step_up_sends_day: Annotated[Count, Meta(description="step-up codes of a person a day")] = 10


class Registration(Section, frozen=True, kw_only=True):
    """How a client gets access to the card portal."""

    mode: Annotated[
        Literal["strict", "legacy"],
        Meta(
            description="`strict` asks for an activation code of the branch besides number and "
            "SMS (RTS art. 24(2)(b)); `legacy` does not"
        ),
    ] = "strict"
    per_number_day: Annotated[Count, Meta(description="registrations of a number a day")] = 3
    per_number_week: Annotated[Count, Meta(description="registrations of a number a week")] = 5
    per_address_hour: Annotated[
        Count, Meta(description="registrations from an address an hour")
    ] = 10
    sms_lifetime_s: Annotated[
        int, Meta(ge=60, le=3600, description="life of the password by SMS")
    ] = 900
    sends_max: Annotated[Count, Meta(description="messages of one registration")] = 3
    activation_code_days: Annotated[Count, Meta(description="life of a branch's code")] = 14


class Portal(Section, frozen=True, kw_only=True):
    """The card portal's pages."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8084)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    proxies: Annotated[tuple[str, ...], Meta(description=PROXIES)] = ()
    logins_per_address_hour: Annotated[
        Count, Meta(description="sign-ins tried from an address an hour")
    ] = 30
    numbers_per_address_hour: Annotated[
        Count, Meta(description="different numbers tried from an address an hour")
    ] = 10
    session_idle_s: Annotated[
        int, Meta(ge=30, le=300, description="a session ends when nothing is done for so long")
    ] = 300
    session_max_s: Annotated[
        int, Meta(ge=60, le=86_400, description="a session ends after so long, whatever is done")
    ] = 1800
    password_failures_max: Annotated[
        int, Meta(ge=1, le=5, description="wrong passwords until midnight of Europe/Warsaw")
    ] = 3
    resets_day: Annotated[Count, Meta(description="password resets of a number a day")] = 3
    phone_cooling_s: Annotated[
        int, Meta(ge=0, description="wait before a phone changed in the portal takes over")
    ] = 86_400
    phone_changes_year: Annotated[
        Count, Meta(description="changes of phone in the portal in a year")
    ] = 3
    forbidden_words: Annotated[
        tuple[str, ...], Meta(description="names of bank and products, which are no passwords")
    ] = ()
    host_url: Annotated[
        str | None,
        Meta(description="where the host takes a client's wish to block a card; unset = nowhere"),
    ] = None
    public_url: Annotated[
        str | None,
        Meta(description="origin browsers know it by, without a path; unset = as they ask for it"),
    ] = None
    bank_name: Annotated[
        str, Meta(min_length=1, max_length=60, description="the bank's name on every page")
    ] = "Bank"
    bank_phone: Annotated[
        str, Meta(max_length=30, description="help line on every page; empty = the branch helps")
    ] = ""
    language: Annotated[
        Literal["pl", "en", "de", "uk"],
        Meta(description="language when neither client nor browser ask for one"),
    ] = "pl"
    links: Annotated[
        dict[Literal["chip_pin", "transfer", "wallet"], str],
        Meta(description="https addresses of the bank's other systems to point to from a card"),
    ] = {}

    @property
    def is_secure(self) -> bool:
        """Tell whether browsers reach it by https."""
        return self.tls_cert is not None or (self.public_url or "").startswith("https://")
