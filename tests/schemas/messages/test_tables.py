"""The tables by name."""

from __future__ import annotations

import pytest

from schemas.messages.tables import EVERY_TABLE, TABLES, open_elements


@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_demands_its_own_type_and_a_version(name: str) -> None:
    rows = {row.name: row for row in TABLES[name].rows}

    assert TABLES[name].name == name
    assert {"messageType", "messageVersion"} <= rows.keys()


def test_there_is_a_table_for_each_message_the_acs_handles() -> None:
    assert set(TABLES) == {"AReq", "ARes", "CReq", "CRes", "RReq", "RRes", "Erro"}


def test_what_travels_beside_the_messages_has_a_table_of_its_own_name() -> None:
    assert {name: table.name for name, table in EVERY_TABLE.items()} == {
        name: name for name in EVERY_TABLE
    }
    assert len(EVERY_TABLE) == len(TABLES) + 5


def test_a_directory_server_may_define_codes_of_open_lists_only() -> None:
    names = open_elements()

    assert {"acctType", "messageCategory", "threeDSRequestorChallengeInd"} <= names
    assert "recurringInd.amountInd" in names
    assert "threeDSRequestorAuthenticationInfo.threeDSReqAuthMethod" in names
    assert names.isdisjoint({"deviceChannel", "mcc", "addrMatch", "messageVersion", "acctInfo"})
