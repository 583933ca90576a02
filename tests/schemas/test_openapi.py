"""The OpenAPI document made from tables."""

from __future__ import annotations

from typing import Any

from schemas.api import Body, ListOf, Member, Nullable, Route, Whole
from schemas.openapi import document

INNER = Body("Inner", (Member("n", Whole(0, 9), "a digit"),))
OUT = Body("Out", (Member("many", ListOf(INNER, 2), "digits"),))
IN = Body("In", (Member("n", Nullable(Whole(0, 9)), "a digit or none"),))
ERROR = Body("Problem", ())
READ = Route("read_it", "GET", "/v1/things/{id}", "Read it", ("thing:read",), OUT, errors=(404,))
PUT = Route(
    "put_it", "PUT", "/v1/things/{ref}", "Put it", ("thing:write", "all"), OUT, IN, (200, 201),
    (409, 412), of_person=True,
)  # fmt: skip
MADE: Any = document((READ, PUT), ERROR, title="Things", version="1")


def test_each_route_stands_under_its_path_and_method() -> None:
    assert MADE["openapi"] == "3.1.0"
    assert MADE["info"] == {"title": "Things", "version": "1"}
    assert set(MADE["paths"]) == {"/v1/things/{id}"}
    assert MADE["paths"]["/v1/things/{id}"]["get"]["operationId"] == "read_it"


def test_one_address_is_one_path_though_its_routes_name_its_part_differently() -> None:
    """OpenAPI: templated paths with the same hierarchy but different names must not exist."""
    both = MADE["paths"]["/v1/things/{id}"]
    named = [both[method]["parameters"][0] for method in ("get", "put")]

    assert [(one["name"], one["description"]) for one in named] == [
        ("id", "Our id"), ("id", "The bank's reference"),
    ]  # fmt: skip
    assert "format" not in named[1]["schema"]


def test_who_may_name_a_version_learns_it_from_what_is_read_there() -> None:
    both = MADE["paths"]["/v1/things/{id}"]
    tagged = [both["get"]["responses"]["200"], both["put"]["responses"]["201"]]

    assert all(one["headers"]["ETag"]["required"] for one in tagged)
    assert "headers" not in both["put"]["responses"]["409"]


def test_a_change_that_looks_at_no_version_takes_none() -> None:
    blind = Route("pin", "PUT", "/v1/pin", "Set", ("all",), INNER, IN, errors=(404,))
    made: Any = document((blind,), ERROR, title="T", version="1")
    put = made["paths"]["/v1/pin"]["put"]

    assert [entry["name"] for entry in put["parameters"]] == ["Idempotency-Key"]
    assert "headers" not in put["responses"]["200"]


def test_who_is_to_wait_learns_for_how_long() -> None:
    answers = MADE["paths"]["/v1/things/{id}"]["get"]["responses"]

    assert set(answers["429"]["headers"]) == set(answers["503"]["headers"]) == {"Retry-After"}


def test_bodies_and_answers_refer_to_their_schemas() -> None:
    put = MADE["paths"]["/v1/things/{id}"]["put"]
    content = put["requestBody"]["content"]["application/json"]

    assert content["schema"] == {"$ref": "#/components/schemas/In"}
    assert set(MADE["components"]["schemas"]) == {"Problem", "In", "Out"}
    assert MADE["components"]["schemas"]["Out"]["properties"]["many"]["items"] == INNER.schema()


def test_answers_are_those_of_the_route_and_of_every_route() -> None:
    answers = MADE["paths"]["/v1/things/{id}"]["put"]["responses"]

    assert set(answers) == {
        "200", "201", "400", "401", "403", "408", "409", "412", "413", "415", "429", "500", "503",
    }  # fmt: skip


def test_whatever_takes_an_idempotency_key_may_find_it_used() -> None:
    routes = [Route(method, method, "/v1/a", "Do", ("all",), INNER) for method in ("PUT", "GET")]
    made: Any = document(routes, ERROR, title="T", version="1")["paths"]

    assert "409" in made["/v1/a"]["put"]["responses"]
    assert "409" not in made["/v1/a"]["get"]["responses"]


def test_a_route_without_a_body_asks_for_none() -> None:
    assert "requestBody" not in MADE["paths"]["/v1/things/{id}"]["get"]


def test_headers_of_a_change_are_described() -> None:
    names = [entry["name"] for entry in MADE["paths"]["/v1/things/{id}"]["put"]["parameters"]]

    assert names == [
        "id", "Portal-Session", "Idempotency-Key", "If-Match", "If-None-Match",
    ]  # fmt: skip


def test_a_paced_route_takes_the_address_of_the_client() -> None:
    paced = Route("ask", "POST", "/v1/ask", "Ask", ("all",), INNER, is_paced=True)
    made: Any = document((paced,), ERROR, title="T", version="1")
    names = [entry["name"] for entry in made["paths"]["/v1/ask"]["post"]["parameters"]]

    assert names == ["Portal-Client-Address", "Idempotency-Key"]


def test_scopes_are_named() -> None:
    put = MADE["paths"]["/v1/things/{id}"]["put"]

    assert put["security"] == [{"token": ["thing:write", "all"]}]
    assert "act.person_id" in put["description"]
