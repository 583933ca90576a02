"""What stands under deploy/ is run with the names of this machine, and nothing else is changed."""

from __future__ import annotations

import re

import pytest

from acs.store.pool import PoolSettings
from loadtests.failover.deployed import DEPLOY, adapted


def test_a_name_is_changed_wherever_it_stands() -> None:
    text = adapted("haproxy/database.cfg", {"db1.bank.internal": "127.0.0.9"})

    assert "server db1 127.0.0.9:5432" in text
    assert "db1.bank" not in text


def test_the_longer_of_two_names_is_changed_first() -> None:
    changes = {"bank.internal": "x", "db1.bank.internal": "y"}

    assert "server db1 y:5432" in adapted("haproxy/database.cfg", changes)


def test_a_change_of_what_does_not_stand_there_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say"):
        adapted("haproxy/database.cfg", {"db9.bank.internal": "127.0.0.9"})


def test_a_commit_waits_for_the_disk_of_a_standby_that_may_take_over() -> None:
    """What an acknowledged write rests on; each of these lines gives it up when it is changed."""
    text = adapted("patroni/patroni.yml", {})

    for line in (
        "synchronous_mode: true",
        "synchronous_mode_strict: true",
        'synchronous_commit: "on"',
        'fsync: "on"',
        "primary_start_timeout: 0",
    ):
        assert re.search(rf"^ +{re.escape(line)}$", text, re.MULTILINE), line


def test_patroni_can_keep_its_lock_through_one_try_that_fails() -> None:
    """Patroni's own rule: loop_wait + 2 * retry_timeout <= ttl."""
    text = adapted("patroni/patroni.yml", {})
    ttl, loop_wait, retry = (
        int(re.findall(rf"^ +{name}: (\d+)$", text, re.MULTILINE)[0])
        for name in ("ttl", "loop_wait", "retry_timeout")
    )

    assert loop_wait + 2 * retry <= ttl


def test_the_pooler_does_for_a_session_what_the_service_would_ask_for() -> None:
    """What PgBouncer ignores at the start of a session is all in its connect_query."""
    text = adapted("pgbouncer/pgbouncer.ini", {})
    ignored = set(
        re.findall(r"^ignore_startup_parameters = (.*)$", text, re.MULTILINE)[0].split(", ")
    )
    (query,) = re.findall(r"connect_query='([^']*)'", text)
    done = dict(re.findall(r"SET (\w+) = (\w+)", query))
    wanted = PoolSettings(dsn="", role="acs_app").session
    kept_for_each_client = {"TimeZone"}  # PgBouncer itself sees to it

    assert done == {name: it for name, it in wanted.items() if name not in kept_for_each_client}
    assert ignored == set(done)
    assert re.search("^pool_mode = transaction$", text, re.MULTILINE)


def test_tls_of_directory_servers_does_not_end_in_the_balancer() -> None:
    text = (DEPLOY / "haproxy" / "edges.cfg").read_text(encoding="utf-8")
    parts = re.split(r"^(?=frontend |backend )", text, flags=re.MULTILINE)
    sections = {part.partition("\n")[0]: part for part in parts if re.match(r"\w+ ds", part)}

    assert set(sections) == {"frontend ds", "backend ds", "backend ds_any"}
    for name, section in sections.items():
        assert "mode tcp" in section, name
        assert " crt " not in section, name


def test_whoever_fills_the_public_edges_leaves_room_for_directory_servers() -> None:
    """HAProxy's own bound is one for all frontends: who holds it full shuts every one of them."""
    text = (DEPLOY / "haproxy" / "edges.cfg").read_text(encoding="utf-8")
    parts = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    most = {
        part.partition("\n")[0]: int(found[1])
        for part in parts
        if (found := re.search(r"^    maxconn (\d+)$", part, re.MULTILINE))
    }
    public = {
        part.partition("\n")[0]
        for part in parts
        if re.match(r"frontend (?!ds$)\w+$", part, re.MULTILINE)
    }

    assert public == {"frontend cardholder", "frontend portal"}
    assert public < set(most)
    assert sum(most[one] for one in public) <= most["global"] - 1000


def test_no_single_address_fills_a_public_edge() -> None:
    text = (DEPLOY / "haproxy" / "edges.cfg").read_text(encoding="utf-8")
    parts = re.split(r"^frontend (?=(?!ds$)\w+$)", text, flags=re.MULTILINE)[1:]
    most = [int(re.findall(r"^    maxconn (\d+)$", part, re.MULTILINE)[0]) for part in parts]
    of_one = [int(re.findall(r"reject if { sc0_conn_cur gt (\d+) }", part)[0]) for part in parts]

    assert [part.partition("\n")[0] for part in parts] == ["cardholder", "portal"]
    assert [least / one for least, one in zip(most, of_one, strict=True)] == [20, 20]
