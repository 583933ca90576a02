"""Addresses that we are known by, and those that we call."""

from __future__ import annotations

import inspect
import re

import pytest
from asyncpg import connect_utils
from asyncpg.connect_utils import SSLMode

from acs import config
from acs.config import ConfigError
from acs.config.addresses import dsn_fault

_DS = {"id": "one", "schemes": ["visa"], "hosts": ["ds.example"]}
KNOWN_BY = ["cardholder.public_url", "receipts.public_url"]
ORIGINS = ["portal.public_url", "enrollment.api_origin"]
CALLED = ["portal.host_url", "sms.inbox_url", "sim.url", "sim.token_url", "sim.lookup_url"]


def said(name: str, value: object) -> str:
    """Give what is said of the demo with this setting; nothing where it fits."""
    try:
        config.read(given={"profile": "demo", name: value})
    except ConfigError as error:
        return "\n".join(error.sentences)
    return ""


@pytest.mark.parametrize(
    "url", ["http://host.example/block", "https://", "https://a..b/", "https://h:0/", "x"]
)
@pytest.mark.parametrize("name", CALLED)
def test_what_is_called_can_be_called_safely(name: str, url: str) -> None:
    assert f"{name} must be https, or http to this machine" in said(name, url)
    assert "canary" not in said(name, "https://user:canary@host.example/")


@pytest.mark.parametrize("url", ["https://host.example/block?from=acs", "http://127.0.0.1:9000/"])
def test_the_card_host_is_called_by_https_or_on_this_machine(url: str) -> None:
    assert said("portal.host_url", url) == ""


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize(
    ("url", "usual"),
    [
        ("https://Bank.example", "https://bank.example"),
        ("HTTPS://bank.example", "https://bank.example"),
        ("https://bank.example:443", "https://bank.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_written_as_others_write_it(name: str, url: str, usual: str) -> None:
    """A browser's own way to write it is what ours is compared with."""
    assert f"{name} is {url}: others write it {usual}" in said(name, url)
    assert said(name, usual) == ""


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize("rest", ["/", "/v1", "?x", "#", "/?"])
def test_an_origin_is_scheme_host_and_port(name: str, rest: str) -> None:
    assert "scheme, host and port only" in said(name, f"https://bank.example{rest}")
    assert said(name, "https://bank.example:8443") == ""


@pytest.mark.parametrize("name", KNOWN_BY)
@pytest.mark.parametrize("rest", ["?", "#", "/", "?a=b", "/x/"])
def test_what_we_are_known_by_is_bare(name: str, rest: str) -> None:
    assert "scheme, host and path only" in said(name, f"https://acs.example{rest}")
    assert said(name, "https://acs.example/pay") == ""


@pytest.mark.parametrize("name", KNOWN_BY + ORIGINS)
@pytest.mark.parametrize("url", ["https://acs example", "https://acs.example/a\\b", "https://żółw"])
def test_what_we_are_known_by_may_stand_in_a_message(name: str, url: str) -> None:
    assert "must be https" in said(name, url)


@pytest.mark.parametrize("url", ["https://żółw.example", "https://bank.example/płatności"])
def test_an_address_with_other_letters_is_told_how_to_write_them(url: str) -> None:
    """It is https already."""
    told = "; other letters as xn-- in the host, as % signs behind it"
    for name in KNOWN_BY + ORIGINS + CALLED:
        assert f"machine{told}" in said(name, url)
    assert f"https{told}" in said("portal.links", {"wallet": url})
    assert said("portal.links", {"wallet": "https://xn--w-uga1v8h.example/p%C5%82"}) == ""


def test_a_link_leads_to_https() -> None:
    assert said("portal.links", {"wallet": "https://bank.example/wallet?a=b#c"}) == ""
    assert "portal.links.wallet" in said("portal.links", {"wallet": "http://127.0.0.1/"})


@pytest.mark.parametrize(
    "host", ["https://ds.example", "ds.example/", "ds.example:", "a..b", "h:0", "[::1]", "[h]:1"]
)
def test_a_host_of_a_network_is_one(host: str) -> None:
    """One that is none would match no dsURL."""
    faulty = said("ds.directory_servers", [_DS | {"hosts": [host]}])

    assert f"one: hosts names {host}, which is no host or host:port" in faulty


def test_hosts_are_names_and_addresses_with_or_without_a_port() -> None:
    hosts = [
        "ds.example",
        "ds.example:8443",
        "192.0.2.1",
        "192.0.2.1:443",
        "2001:db8::1",
        "[2001:db8::1]:8443",
        "DS.Example",
    ]

    assert said("ds.directory_servers", [_DS | {"hosts": hosts}]) == ""


def test_results_go_to_an_address_that_can_be_called() -> None:
    assert "one: rreq_url must be https" in said(
        "ds.directory_servers", [_DS | {"rreq_url": "https://ds..example/rreq"}]
    )


@pytest.mark.parametrize(
    "address",
    [
        *(
            f"postgresql://u:p@{host}/d"
            for host in (
                "a..b",
                f"{'a' * 64}.example",
                "h:99999",
                "h:0",
                "[h",
                "[nonsense]",
                "[::1]x",
                "a,b..c",
                "a,",
                "a,,b",
                "%00",
                "%20",
            )
        ),
        "postgresql:h/d",
        "postgresql:///d?host=a..b",
        "postgresql:///d?host=a,,b",
        "postgresql:///d?host=::1",
        "postgresql:///d?host=h&port=x",
        "postgresql://h/d?sslmode",
        "postgresql://h/d?sslmode=require&",
    ],
)
def test_an_address_of_the_database_that_the_driver_cannot_use_is_a_sentence(address: str) -> None:
    """The driver would raise what nobody catches, or be asked in vain for half a minute."""
    assert "database.url is not postgresql://" in said("database.url", address)


@pytest.mark.parametrize("sign", "@/?#[]")
def test_a_password_that_is_not_written_as_an_address_asks_is_a_sentence(sign: str) -> None:
    """The driver would take a part of it for the host, or quote it."""
    for password in (f"12{sign}canary", f"{sign}canary]", f"canary[{sign}"):
        faulty = said("database.url", f"postgresql://u:{password}@h/d")

        assert "database.url is not postgresql://" in faulty
        assert "%40" in faulty
        assert "canary" not in faulty
    assert said("database.url", f"postgresql://u:12%{ord(sign):X}x@h/d") == ""


@pytest.mark.parametrize(
    "rest",
    [
        "acs@/d?host=/run",
        "acs@/d?host=a,b&port=5432,5433",
        "h:5432,192.0.2.1/d",
        "h:/d",
        ":5433/d",
        "[::1]:5432/d",
        "[fe80::1%25eth0]/d",
        "%2Frun%2Fpostgresql:5433/d",
        "/d",
        "acs-db-rw.bank.svc.cluster.local.:5432/d?sslmode=verify_full&sslrootcert=/etc/ca.pem",
        "my_db/d?target_session_attrs=read-write&application_name=a%40b",
    ],
)
def test_an_address_of_the_database_may_be_a_socket_or_several_hosts(rest: str) -> None:
    assert said("database.url", f"postgresql://{rest}") == ""


@pytest.mark.parametrize("name", ["postgresql", "postgres"])
def test_an_address_of_the_database_has_one_of_two_schemes(name: str) -> None:
    assert said("database.url", f"{name}://h/d") == ""
    assert said("database.url", f"{name}s://h/d") != ""


@pytest.mark.parametrize("name", ["database.url", "database.direct_url"])
def test_an_sslmode_that_is_none_is_told_with_those_that_are(name: str) -> None:
    """The driver would tell it by the name of an exception."""
    told = said(name, "postgresql://u:p@h/d?application_name=a&sslmode=canary")

    modes = "disable, allow, prefer, require, verify-ca or verify-full"
    assert f"{name} has another sslmode than {modes}" in told
    assert "canary" not in told


@pytest.mark.parametrize("name", ["database.url", "database.direct_url"])
def test_an_option_that_the_driver_does_not_know_is_named(name: str) -> None:
    """The server would be asked for a setting of that name, and refuse by the name of an error."""
    rest = "sslmode=require&keepalives=canary&connect_timeout=10"
    told = said(name, f"postgresql://u:p@h/d?{rest}&application_name=a&geqo=off")

    assert f"{name} has the option connect_timeout, keepalives, which" in told
    assert "canary" not in told


def test_every_option_of_the_driver_is_one() -> None:
    source = inspect.getsource(connect_utils._parse_connect_dsn_and_args)
    known = set(re.findall(r"query\.pop\(\s*'(\w+)'", source))

    assert {"sslmode", "target_session_attrs", "ssl_min_protocol_version"} <= known
    for option in known - {"sslmode", "host", "port"}:
        assert dsn_fault(f"postgresql://h/d?{option}=x") is None


def test_every_sslmode_of_the_driver_is_one() -> None:
    """It knows them with a low line, and takes the words of libpq."""
    for mode in SSLMode.__members__:
        for word in (mode, mode.replace("_", "-")):
            assert dsn_fault(f"postgresql://h/d?sslmode={word}") is None


@pytest.mark.parametrize("rest", ["u[:p@h/d", "h/d?sslmode", "h/d?sslmode=require&x"])
def test_an_address_of_the_database_that_its_driver_cannot_split_is_a_sentence(rest: str) -> None:
    assert "database.url is not postgresql://" in said("database.url", f"postgresql://{rest}")


def test_nothing_after_a_question_mark_is_no_fault() -> None:
    assert dsn_fault("postgresql://h/d?") is None
