"""Settings of the payment networks: the edge to their Directory Servers, and each of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from acs.config.listen import Listen
from acs.config.section import CERT, CLIENT_CRL, KEY, LISTEN, Pem, Seconds, Section


class DirectoryServer(Section, frozen=True, kw_only=True):
    """One payment network's Directory Server: an entry of `ds.directory_servers`."""

    id: Annotated[str, Meta(min_length=1, max_length=40, description="our name for it")]
    schemes: Annotated[
        tuple[str, ...], Meta(min_length=1, description="card schemes, such as `visa`")
    ]
    client_subject: Annotated[
        str | None, Meta(description="name in the client certificate it connects with")
    ] = None
    client_ca: Annotated[
        Pem,
        Meta(
            description="who may sign that certificate: this network's authorities, PEM file; "
            "unset = those of `ds.client_ca`"
        ),
    ] = None
    client_crl: Annotated[
        Pem,
        Meta(description=f"{CLIENT_CRL}. With one, every `client_ca` of the edge needs its own"),
    ] = None
    hosts: Annotated[
        tuple[str, ...], Meta(description="`host` or `host:port` that its dsURL may name")
    ] = ()
    rreq_url: Annotated[
        str | None, Meta(description="where results go when the dsURL is not on that list")
    ] = None
    acs_reference_number: Annotated[
        str, Meta(max_length=32, description="acsReferenceNumber given at approval")
    ] = "ACS_REFERENCE_PENDING"
    acs_operator_id: Annotated[
        Annotated[str, Meta(max_length=32)] | None,
        Meta(description="acsOperatorID the network assigned to us"),
    ] = None
    recognised_extensions: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
        Meta(description="ids of message extensions it may mark critical, besides the published"),
    ] = ()
    values: Annotated[
        dict[str, tuple[Annotated[str, Meta(pattern="^[89][0-9]$")], ...]],
        Meta(description="codes 80-99 it has defined, by element name with dots"),
    ] = {}
    ca: Annotated[Pem, Meta(description="who signs its server certificate, PEM file")] = None
    tls_cert: Annotated[Pem, Meta(description="our client certificate for it, PEM file")] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    sdk_signing_key: Annotated[
        Pem,
        Meta(
            description="private key that signs towards the SDKs, RSA or P-256: PEM file, or "
            "`pkcs11:<label>` in the HSM; unset = no challenge in apps"
        ),
    ] = None
    sdk_signing_certs: Annotated[
        Pem, Meta(description="its certificate from this network's CA, and the chain, PEM file")
    ] = None


class DirectoryServers(Section, frozen=True, kw_only=True):
    """The edge to the Directory Servers: AReq in, ARes out; results the other way."""

    listen: Annotated[Listen, Meta(description=LISTEN)] = Listen("127.0.0.1", 8081)
    tls_cert: Annotated[Pem, Meta(description=CERT)] = None
    tls_key: Annotated[Pem, Meta(description=KEY)] = None
    client_ca: Annotated[
        Pem,
        Meta(
            description="who may sign the certificates of Directory Servers that name no "
            "`client_ca` of their own, PEM file; every client must show a certificate"
        ),
    ] = None
    client_crl: Annotated[
        Pem,
        Meta(description=f"{CLIENT_CRL}. With one, every `client_ca` of the edge needs its own"),
    ] = None
    areq_budget_s: Annotated[
        float, Meta(gt=0, le=10, description="time for the answer to an AReq")
    ] = 3.5
    areqs_max: Annotated[
        int,
        Meta(ge=1, le=10_000, description="AReqs a process works on at once; more get Erro 403"),
    ] = 1_000
    sockets_max: Annotated[
        int,
        Meta(
            ge=1, le=1000, description="connections of a process to each Directory Server at once"
        ),
    ] = 64
    rreq_retry_waits_s: Annotated[
        tuple[Seconds, ...],
        Meta(min_length=1, description="waits between tries of a result; the last one repeats"),
    ] = (2, 5, 15, 60, 300)
    rreq_give_up_after_s: Annotated[
        int, Meta(ge=60, description="age at which an unconfirmed result becomes an alarm")
    ] = 86_400
    directory_servers: Annotated[
        tuple[DirectoryServer, ...], Meta(description="the payment networks, see below")
    ] = ()
