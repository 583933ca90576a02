"""The settings of text message providers with an HTTP interface: tables `sms.http.<name>`.

Every setting may be left to a profile, so each is unset by default; what is set in the end is
judged in ``acs.config.http_profiles`` and by the classes of ``otp.gateways.http``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from acs.config.section import KEY, Section

Words = frozenset[str]
BodyKind = Literal["form", "json"]
Status = Annotated[int, Meta(ge=100, le=599)]
State = Literal["accepted", "delivered", "failed", "expired"]


class AnswerRule(Section, frozen=True, kw_only=True):
    """One way to read a JSON answer; the first one whose path holds a text on its lists decides."""

    path: Annotated[str, Meta(min_length=1, description="dotted path of the deciding member")]
    accepted: Annotated[Words, Meta(description="texts that mean: taken")] = frozenset()
    permanent: Annotated[Words, Meta(description="texts that mean: never")] = frozenset()
    retryable: Annotated[
        Words, Meta(description="texts that mean: surely not taken, another may try")
    ] = frozenset()


class Query(Section, frozen=True, kw_only=True):
    """How a provider is asked, by our own id, what became of a message.

    Places in `url` and `body`: {id}, {id_hex} and the provider's `values`.
    """

    url: Annotated[str, Meta(description="where it is asked; has {id} unless the body has")]
    method: Annotated[Literal["GET", "POST"], Meta(description="with a body: POST")] = "GET"
    body: Annotated[dict[str, Any], Meta(description="shape of the body of a POST")] = {}
    body_kind: Annotated[BodyKind, Meta(description="how it is written")] = "json"
    success: Annotated[frozenset[Status], Meta(description="statuses with an answer to read")] = (
        frozenset({200})
    )
    answer: Annotated[tuple[AnswerRule, ...], Meta(description="how the answer is read")] = ()
    id_path: Annotated[str | None, Meta(description="path of the provider's own id")] = None


class Reports(Section, frozen=True, kw_only=True):
    """Where in a provider's call a delivery report stands, and how the call is proved.

    A name is a member of the query or form, or a path in JSON; `?name` is always the query's.
    """

    format: Annotated[
        Literal["query", "form", "json"] | None, Meta(description="where the report stands")
    ] = None
    methods: Annotated[
        frozenset[Literal["GET", "POST"]] | None, Meta(description="unset = POST")
    ] = None
    items: Annotated[
        str | None, Meta(description="JSON: path of the list of reports; `.` = the whole body")
    ] = None
    joined: Annotated[
        str | None, Meta(description="sign between the values of several messages in one member")
    ] = None
    sms_id: Annotated[str | None, Meta(description="name of our own id")] = None
    provider_id: Annotated[str | None, Meta(description="name of the provider's id")] = None
    state: Annotated[
        tuple[str, ...] | None,
        Meta(description="names of the state; the first whose word is in `states` decides"),
    ] = None
    states: Annotated[
        dict[str, State] | None,
        Meta(
            description="word of the provider = `accepted`, `delivered`, `failed` or `expired`; "
            "other words are passed over"
        ),
    ] = None
    at: Annotated[str | None, Meta(description="name of the time: ISO 8601 or seconds")] = None
    reason: Annotated[str | None, Meta(description="name of the reason, a word or code")] = None
    expired_reasons: Annotated[
        Words | None, Meta(description="reasons that make `failed` mean `expired`")
    ] = None
    proof: Annotated[
        Literal["path", "basic", "header", "twilio", "vonage"] | None,
        Meta(
            description="what proves the call beside the token in the path: nothing more, a "
            "password, a fixed header, X-Twilio-Signature, a token signed with HS256"
        ),
    ] = None
    proof_secret: Annotated[
        str | None, Meta(description="the password, header value or key, such as `{secret}`")
    ] = None
    proof_name: Annotated[str | None, Meta(description="the user or the header's name")] = None
    reply_status: Annotated[
        Annotated[int, Meta(ge=200, le=299)] | None,
        Meta(description="what a report is answered with; unset = 204"),
    ] = None
    reply_body: Annotated[str | None, Meta(description="text of that answer")] = None


class HttpProvider(Section, frozen=True, kw_only=True):
    """A text message provider with an HTTP interface: table `sms.http.<name>`.

    Places in `body`: {to} {to_digits} {text} {from} {alphabet} {id} {id_hex} {validity_s}
    {validity_min} {expires_epoch} {report_url} and the names in `values`, which `url` (no secrets),
    `headers` and `basic_auth` may have too. A value `{file = "/run/secrets/token"}` is read from
    that file.
    """

    profile: Annotated[
        Literal["infobip", "smsapi", "twilio", "vonage"] | None,
        Meta(description="a provider that is known; what is set here goes over it"),
    ] = None
    values: Annotated[
        dict[str, Any] | None, Meta(description="names for the places above; secrets as files")
    ] = None
    url: Annotated[str | None, Meta(description="where messages are posted")] = None
    body: Annotated[dict[str, Any] | None, Meta(description="shape of the body")] = None
    body_kind: Annotated[BodyKind | None, Meta(description="how it is written; unset = `json`")] = (
        None
    )
    headers: Annotated[dict[str, Any] | None, Meta(description="headers, secrets as files")] = None
    basic_auth: Annotated[
        tuple[str, str] | None, Meta(description="user and password, such as `{secret}`")
    ] = None
    token_key: Annotated[
        str | None,
        Meta(description="signs a bearer token for each request: name of a value, an RSA key"),
    ] = None
    token_claims: Annotated[
        dict[str, str] | None, Meta(description="claims of it beside iat, exp and jti")
    ] = None
    sender: Annotated[
        Annotated[str, Meta(min_length=1, max_length=34)] | None,
        Meta(description="sender at this provider; unset = `sms.sender`"),
    ] = None
    validity_min_s: Annotated[
        Annotated[int, Meta(ge=1, le=3600)] | None,
        Meta(description="the shortest validity it takes; unset = 1"),
    ] = None
    validity_max_s: Annotated[
        Annotated[int, Meta(ge=60, le=86_400)] | None,
        Meta(description="the longest validity it takes, for notices; unset = 86400, a day"),
    ] = None
    alphabets: Annotated[
        dict[Literal["gsm7", "ucs2"], str] | None, Meta(description="its words for {alphabet}")
    ] = None
    success: Annotated[
        frozenset[Status] | None, Meta(description="statuses: taken; unset = 200, 201, 202, 204")
    ] = None
    permanent: Annotated[
        frozenset[Status] | None, Meta(description="statuses: never; unset = 400, 422")
    ] = None
    retryable: Annotated[
        frozenset[Status] | None,
        Meta(
            description="statuses: surely not taken, another may try; "
            "unset = 401 to 405, 413, 415, 429, 503"
        ),
    ] = None
    answer: Annotated[
        tuple[AnswerRule, ...] | None,
        Meta(description="how the answer is read, in this order; it speaks before the status"),
    ] = None
    id_path: Annotated[str | None, Meta(description="path of the provider's own id")] = None
    query: Annotated[Query | None, Meta(description="how it is asked about a message")] = None
    reports: Annotated[Reports | None, Meta(description="its delivery reports")] = None
    report_token_file: Annotated[
        Path | None,
        Meta(
            description="a file with the secret in the path of {report_url}, 22 characters or "
            "more; set = delivery reports are wanted"
        ),
    ] = None
    idempotent: Annotated[
        bool | None, Meta(description="the provider promises one message per id; unset = false")
    ] = None
    connect_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=10)] | None, Meta(description="to connect; unset = 3")
    ] = None
    total_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=10)] | None, Meta(description="in all; unset = 5")
    ] = None
    ca: Annotated[
        Path | None,
        Meta(description="who signs its certificate, PEM file; unset = the system's authorities"),
    ] = None
    tls_cert: Annotated[Path | None, Meta(description="our certificate for it, PEM file")] = None
    tls_key: Annotated[Path | None, Meta(description=KEY)] = None
