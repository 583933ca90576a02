"""The file of the whole schema holds the schema and nothing of the session that wrote it."""

from __future__ import annotations

from acs.store import schema_file


def test_the_dump_names_every_package_and_no_bookkeeping(dsn: str) -> None:
    text = schema_file.dump(dsn)

    for package in ("acs", "audit", "enrollment", "otp"):
        assert f"CREATE SCHEMA {package};" in text
    assert "schema_migration" not in text


def test_the_dump_is_the_same_each_time(dsn: str) -> None:
    assert schema_file.dump(dsn) == schema_file.dump(dsn)


def test_the_dump_has_nothing_of_a_session_or_a_release(dsn: str) -> None:
    lines = schema_file.dump(dsn).splitlines()

    assert [line for line in lines if line.startswith(("SET ", "\\", "SELECT "))] == []
    assert not any("PostgreSQL" in line for line in lines)
