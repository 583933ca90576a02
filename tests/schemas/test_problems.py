"""Problems and the Erro made of them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.compiler import Context
from schemas.messages import check_outgoing
from schemas.problems import CODES, Problem, ProtocolError, erro, naming, well_formed_ids
from schemas.values import MessageType
from schemas.versions import SUPPORTED
from tests import builders

IDS = {
    "threeDSServerTransID": builders.SERVER_TRANS_ID,
    "dsTransID": builders.DS_TRANS_ID,
    "acsTransID": builders.ACS_TRANS_ID,
}


def test_names_are_joined_by_commas_without_blanks() -> None:
    assert naming("201", ("a", "b.c")) == Problem("201", "a,b.c", ("a", "b.c"))


def test_an_erro_tells_the_problem() -> None:
    message = erro(naming("201", ("mcc",)), version="2.1.0", ids=IDS, message_type="AReq")

    assert message == {
        **IDS,
        "errorCode": "201",
        "errorComponent": "A",
        "errorDescription": CODES["201"].description,
        "errorDetail": "mcc",
        "errorMessageType": "AReq",
        "messageType": "Erro",
        "messageVersion": "2.1.0",
    }


@pytest.mark.parametrize("version", [None, "2.0.0", "9.9.9"])
def test_an_erro_without_a_version_speaks_the_highest(version: str | None) -> None:
    message = erro(naming("102", ("x",)), version=version, ids={}, message_type=None)

    assert message["messageVersion"] == "2.3.1"


def test_a_malformed_id_and_an_unknown_type_are_left_out() -> None:
    ids = {**IDS, "dsTransID": "x", "other": builders.DS_TRANS_ID}
    message = erro(naming("201", ("mcc",)), version="2.1.0", ids=ids, message_type="XReq")

    assert "dsTransID" not in message
    assert "other" not in message
    assert "errorMessageType" not in message


@pytest.mark.parametrize(
    ("code", "said"), [("207", "203"), ("311", "301"), ("312", "301"), ("315", "305")]
)
def test_a_younger_code_is_said_by_an_older_one(code: str, said: str) -> None:
    message = erro(Problem(code, "x"), version="2.2.0", ids={}, message_type=None)

    assert message["errorCode"] == said


def test_the_older_codes_exist_in_every_version() -> None:
    younger = [row.before for row in CODES.values() if len(row.versions) < len(SUPPORTED)]

    assert all(CODES[code].versions == set(SUPPORTED) for code in younger)


@given(
    st.sampled_from(sorted(CODES)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5000),
    st.sampled_from([*SUPPORTED, None, "2.0.0"]),
    st.sampled_from([*MessageType, None, "XReq"]),
    st.dictionaries(
        st.sampled_from(sorted([*IDS, "sdkTransID"])), st.sampled_from(["x", *IDS.values()])
    ),
)
def test_an_erro_obeys_its_own_table(
    code: str, detail: str, version: str | None, kind: str | None, ids: dict[str, str]
) -> None:
    message = erro(Problem(code, detail), version=version, ids=ids, message_type=kind)

    check_outgoing("Erro", message, Context(str(message["messageVersion"]), "01"))


def test_a_long_list_of_names_is_cut_at_a_comma() -> None:
    names = tuple(f"element{n:04}" for n in range(500))
    message = erro(naming("201", names), version="2.1.0", ids={}, message_type=None)
    detail = str(message["errorDetail"])

    assert len(detail) <= 2048
    assert set(detail.split(",")) <= set(names)


def test_only_canonical_ids_are_well_formed() -> None:
    found = well_formed_ids({"dsTransID": builders.DS_TRANS_ID, "acsTransID": "x", "mcc": "1"})

    assert found == {"dsTransID": builders.DS_TRANS_ID}


def test_the_error_tells_its_code_and_detail() -> None:
    error = ProtocolError(naming("203", ("mcc",)), message_type="AReq")

    assert (str(error), error.ids, error.version) == ("203 mcc", {}, None)


@pytest.mark.parametrize(("version", "code"), list(product(SUPPORTED, CODES)))
def test_every_code_is_a_code_of_the_erro_table(version: str, code: str) -> None:
    message = erro(Problem(code, "x"), version=version, ids={}, message_type="CReq")

    check_outgoing("Erro", message, Context(version))
