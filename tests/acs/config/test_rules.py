"""Settings that each are right but do not fit together refuse to start."""

from __future__ import annotations

import pytest

from acs import config
from acs.config import ConfigError

_TLS = {"tls_cert": "c.pem", "tls_key": "k.pem"}
_DS = {"id": "one", "schemes": ["visa"], "hosts": ["ds.example"]}


def refused(**given: object) -> str:
    """Give the sentences that speak against the demo with these settings."""
    names = {"profile": "demo", **{name.replace("__", "."): v for name, v in given.items()}}
    with pytest.raises(ConfigError) as error:
        config.read(given=names)
    return "\n".join(error.value.sentences)


@pytest.mark.parametrize("edge", ["ds", "cardholder", "enrollment", "portal", "ops", "receipts"])
def test_plain_http_is_for_this_machine_only(edge: str) -> None:
    assert f"without {edge}.tls_cert" in refused(**{f"{edge}__listen": "0.0.0.0:9000"})


def test_with_a_certificate_an_edge_may_listen_anywhere() -> None:
    given = {"profile": "demo", "cardholder.listen": "0.0.0.0:8082"}
    given |= {f"cardholder.{name}": file for name, file in _TLS.items()}

    assert config.read(given=given).cardholder.listen.host == "0.0.0.0"


def test_a_directory_server_must_show_a_certificate_where_there_is_tls() -> None:
    assert "ds.client_ca is missing" in refused(ds__tls_cert="c.pem", ds__tls_key="k.pem")


def test_where_each_directory_server_names_its_authorities_nothing_is_common() -> None:
    given = {"profile": "demo", "ds.tls_cert": "c.pem", "ds.tls_key": "k.pem"}
    visa, other = _network("visa", client_ca="visa.pem"), _network("other", client_ca="o.pem")

    assert config.read(given=given | {"ds.directory_servers": [visa, other]}).ds.client_ca is None
    assert "ds.client_ca is missing" in refused(
        ds__tls_cert="c.pem", ds__tls_key="k.pem", ds__directory_servers=[visa, _network("other")]
    )
    assert "visa: client_ca needs ds.tls_cert" in refused(ds__directory_servers=[visa])


def test_a_revocation_list_stands_beside_its_authorities() -> None:
    assert "ds.client_crl needs ds.client_ca" in refused(ds__client_crl="visa.crl")
    assert "enrollment.client_crl needs enrollment.client_ca" in refused(
        enrollment__client_crl="visa.crl"
    )
    assert "visa: client_crl needs client_ca" in refused(
        ds__directory_servers=[_network("visa", client_crl="visa.crl")]
    )


def _network(ds_id: str, subject: str = "", **more: str) -> dict[str, object]:
    named = {"id": ds_id, "schemes": [ds_id], "hosts": ["x"], "client_subject": subject or ds_id}
    return {**named, **more}


def test_a_certificate_needs_its_key() -> None:
    assert "ops.tls_cert and ops.tls_key come together" in refused(ops__tls_cert="c.pem")


def test_two_edges_cannot_share_a_port() -> None:
    assert "ds.listen and ops.listen are the same" in refused(ops__listen="127.0.0.1:8081")


@pytest.mark.parametrize(
    "url",
    ["http://shop.example", "ftp://127.0.0.1", "https://a.example/", "https://a.example?x=1", "x"],
)
def test_the_public_url_is_https_and_bare(url: str) -> None:
    assert "cardholder.public_url" in refused(cardholder__public_url=url)
    assert "receipts.public_url" in refused(receipts__public_url=url)


def test_delivery_reports_need_an_address_that_providers_reach() -> None:
    carrier = {
        "url": "https://sms.example/send",
        "body": {"to": "{to}", "text": "{text}"},
        "report_token_file": "/run/secrets/reports",
        "reports": {"format": "query", "sms_id": "id", "state": ["s"], "states": {"D": "failed"}},
    }

    sentences = refused(sms__providers=["carrier"], sms__http={"carrier": carrier})

    assert (
        sentences == "receipts.public_url is missing: providers need it for their delivery reports"
    )


def test_a_provider_that_is_known_by_name_says_what_it_needs() -> None:
    assert "sms.http.carrier.values.token is missing: an OAuth token" in refused(
        sms__providers=["carrier"], sms__http={"carrier": {"profile": "smsapi"}}
    )


def test_the_inbox_is_for_the_demo_only() -> None:
    with pytest.raises(ConfigError) as error:
        config.read(
            given={
                "profile": "production",
                "sms.providers": ["inbox"],
                "ds.directory_servers": [_DS],
            }
        )

    assert error.value.sentences == ("sms.providers names inbox, which is for profile demo only",)


def test_a_provider_needs_its_table() -> None:
    assert "no table sms.http.first or sms.smpp.first" in refused(sms__providers=["first"])


def test_a_route_leads_to_providers_that_are_named() -> None:
    route = {"prefix": "48", "providers": {"inbox": 1, "other": 1}}

    said = refused(sms__routes=[route, route])

    assert "sms.routes: 48 leads to other, which sms.providers does not name" in said
    assert "sms.routes: a prefix stands twice" in said


def test_production_without_a_way_out_does_not_start() -> None:
    with pytest.raises(ConfigError) as error:
        config.read(given={})

    assert len(error.value.sentences) == 2


def test_the_url_and_its_file_exclude_each_other() -> None:
    assert "exclude each other" in refused(database__url="postgresql://h/d", database__url_file="f")
    assert "exclude each other" in refused(
        database__url="postgresql://h/d",
        database__direct_url="postgresql://h/d",
        database__direct_url_file="f",
    )


def test_a_way_past_a_pooler_is_none_without_the_pooler() -> None:
    assert "database.url is missing" in refused(database__direct_url="postgresql://h/d")


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert "cardholder.proxies: 'lb' does not" in refused(cardholder__proxies=["10.0.0.1", "lb"])
    assert "portal.proxies: 10.0.0.1/8 has host" in refused(portal__proxies=["10.0.0.1/8"])


@pytest.mark.parametrize("name", ["sdk_signing_key", "sdk_signing_certs"])
def test_a_signing_key_has_its_certificates(name: str) -> None:
    server = {**_DS, name: "file.pem"}

    assert refused(ds__directory_servers=[server]) == (
        "ds.directory_servers: one: sdk_signing_key and sdk_signing_certs come together"
    )


def test_a_directory_server_says_where_results_go() -> None:
    server = {"id": "one", "schemes": ["visa"]}

    assert "must say where results go" in refused(ds__directory_servers=[server])


@pytest.mark.parametrize("name", ["acctTyp", "mcc", "deviceChannel", "acctInfo", "addrMatch"])
def test_a_network_defines_codes_of_elements_that_have_them(name: str) -> None:
    server = {**_DS, "values": {name: ["80"]}}

    assert f"values names {name}" in refused(ds__directory_servers=[server])


@pytest.mark.parametrize("code", ["79", "100", "8", "AA"])
def test_a_network_defines_codes_of_its_own_range(code: str) -> None:
    server = {**_DS, "values": {"acctType": [code]}}

    assert "directory_servers" in refused(ds__directory_servers=[server])


def test_an_id_stands_once() -> None:
    assert "an id stands twice" in refused(ds__directory_servers=[_DS, _DS])


def test_a_challenge_is_not_shorter_than_one_step_of_it() -> None:
    assert "challenge.cap_s" in refused(challenge__cap_s=60, challenge__interaction_s=61)


@pytest.mark.parametrize("url", ["http://bank.example", "https://bank.example/cards", "x"])
def test_the_portal_is_known_by_an_origin(url: str) -> None:
    assert f"portal.public_url is {url}" in refused(portal__public_url=url)


def test_the_portal_points_to_https_only() -> None:
    assert "portal.links.wallet is http://b" in refused(portal__links={"wallet": "http://b"})


@pytest.mark.parametrize("url", ["https://[bank", "https://bank.example:99999"])
@pytest.mark.parametrize(
    "name", ["cardholder.public_url", "receipts.public_url", "portal.public_url", "sim.url"]
)
def test_an_address_that_nobody_can_read_is_a_sentence(name: str, url: str) -> None:
    assert f"{name} " in refused(**{name: url})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retention.evidence_days", 10**11),
        ("sca.temp_block_min_s", 10**17),
        ("portal.phone_cooling_s", 10**10),
        ("ds.rreq_retry_waits_s", [2, 10**17]),
    ],
)
def test_no_span_is_longer_than_a_calendar_holds(name: str, value: object) -> None:
    said = refused(**{name: value})

    assert said.startswith(name)
    assert said.endswith(" is longer than a hundred years")


@pytest.mark.parametrize(
    "other",
    [
        {"scopes": ["card:read"]},
        {"sub": "batch"},
        {"name": "somebody else"},
        {"client_san": "other.example"},
    ],
)
def test_keys_of_one_caller_may_do_the_same(other: dict[str, object]) -> None:
    """Else the narrower key gets the rights of the wider one."""
    one: dict[str, object] = {
        "name": "core",
        "iss": "https://core.example",
        "sub": "core",
        "public_key": "core.pem",
    }
    one |= {"kid": "1", "scopes": ["card:enrol", "card:read"]}
    two = one | {"kid": "2", "scopes": ["card:read", "card:enrol"]}

    same = config.read(given={"profile": "demo", "enrollment.callers": [one, two]})
    assert len(same.enrollment.callers) == 2
    said = refused(enrollment__callers=[one, two | other])
    assert "https://core.example: its keys differ in name, sub, scopes or client_san" in said


@pytest.mark.parametrize("name", ["attempts_over_reason", "blocked_reason"])
@pytest.mark.parametrize("code", ["00", "31", "80"])
def test_a_reason_is_one_that_the_protocol_has(name: str, code: str) -> None:
    assert f"challenge.{name} is {code}, which is no" in refused(**{f"challenge__{name}": code})


@pytest.mark.parametrize("name", ["iss", "sub"])
def test_the_names_of_a_caller_are_no_longer_than_what_they_are_kept_in(name: str) -> None:
    caller: dict[str, object] = {
        "name": "core",
        "iss": "https://core.example",
        "sub": "core",
        "public_key": "core.pem",
        "kid": "1",
        "scopes": ["card:read"],
    }
    longest = caller | {name: "x" * 100}

    read = config.read(given={"profile": "demo", "enrollment.callers": [longest]})
    assert len(read.enrollment.callers) == 1
    said = refused(enrollment__callers=[caller | {name: "x" * 101}])
    assert said == f"enrollment.callers[0].{name}: expected `str` of length <= 100"


@pytest.mark.parametrize(
    ("countries", "destinations", "lost"),
    [
        (["48"], ["48"], None),
        (["48", "380"], ["48"], "380"),
        (["48", "380"], ["48", "3"], None),
        (["48", "1"], ["48", "1212"], None),
    ],
)
def test_a_phone_on_record_can_be_sent_to(
    countries: list[str], destinations: list[str], lost: str | None
) -> None:
    given = {"enrollment.countries": countries, "otp.destinations": destinations}

    if lost is None:
        assert config.read(given={"profile": "demo", **given}).otp.destinations
    else:
        sentence = (
            f"enrollment.countries names {lost}, to which otp.destinations lets no message go"
        )
        assert refused(enrollment__countries=countries, otp__destinations=destinations) == sentence


@pytest.mark.parametrize(
    "shape", ["99999999999", "AAAAAA", "99999", "9" * 21, "AA-999999", "aa999999", "[0-9]{8}"]
)
def test_a_number_for_nonresidents_has_digits_and_no_pesel_s_shape(shape: str) -> None:
    said = refused(enrollment__nonresident_shapes=["AA9999999999", shape])

    assert said.startswith("enrollment.nonresident_shapes[1]: expected `str` matching regex")


CALLER: dict[str, object] = {
    "name": "core",
    "iss": "core",
    "kid": "1",
    "sub": "core",
    "public_key": "core.pem",
}


def test_a_certificate_is_asked_of_a_caller_where_certificates_are_asked_for() -> None:
    caller = CALLER | {"scopes": ["card:read"], "client_san": "core.example"}

    assert refused(enrollment__callers=[caller]) == (
        "enrollment.callers: core: client_san needs enrollment.client_ca"
    )


def test_a_scope_opens_something() -> None:
    caller = CALLER | {"scopes": ["card:read", "cards:read"]}

    assert refused(enrollment__callers=[caller]) == (
        "enrollment.callers: core: scopes names cards:read, which opens nothing"
    )


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("otp.destinations", "+48"),
        ("otp.refused_prefixes", "+4870"),
        ("enrollment.countries", "+48"),
    ],
)
def test_a_prefix_that_matches_no_number_is_refused(name: str, prefix: str) -> None:
    assert f"{name}[0]: expected" in refused(**{name: [prefix]})
