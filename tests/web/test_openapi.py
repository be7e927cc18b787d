"""The description of the API: every route is in it, and what the routes answer is as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from dashboard.web import Parts
from dashboard.web.openapi import describe
from dashboard.web.openapi.document import OPERATIONS, described_rules, path_of

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
WHOLE = '{__name__=~".+"}'
# What each route is asked; a route may be asked several things.
QUESTIONS: Mapping[str, tuple[dict[str, str], ...]] = {
    "/api/v1/query": tuple(
        {"query": query} for query in ("1", '"a"', WHOLE, "queue[1m]", "rate(queue[5m])", "nothing")
    ),
    "/api/v1/query_range": tuple(
        {"query": WHOLE, "start": "1699999000", "end": "1700000000", "step": "60", "stats": stats}
        for stats in ("", "true", "all")
    ),
    "/api/v1/query_exemplars": ({"query": "queue"},),
    "/api/v1/format_query": ({"query": "sum(a)by(b)"},),
    "/api/v1/parse_query": tuple({"query": query} for query in ("1", "sum(rate(a[5m]))")),
    "/api/v1/series": ({"match[]": WHOLE},),
    "/api/v1/targets": ({"state": "any"}, {"state": "active"}, {"state": "dropped"}),
    "/api/v1/targets/relabel_steps": ({"scrapePool": "shop", "labels": '{"a": "b"}'},),
    "/api/v1/rules": ({}, {"group_limit": "1"}),
    "/api/cockpit/apps/{job}": ({}, {"chart": "family:queue"}),
    "/api/cockpit/explore": ({"expr": "queue"}, {"expr": "queue", "tab": "graph"}, {"expr": "queue+"}),
}
# These look at other servers of this machine.
NOT_ASKED = {"/api/cockpit/exporters", "/api/cockpit/incidents/{job}"}
NOT_JSON = {path for path, operation in OPERATIONS.items() if operation.answer is None}


@pytest.fixture
def description(app: Flask) -> dict[str, Any]:
    return describe(app)


def problems(value: Any, schema: Mapping[str, Any], place: str = "$") -> Iterator[str]:
    """Yield where a value is not as a schema says, for as much of JSON Schema as the description uses."""
    assert not set(schema) - {
        *("type", "format", "enum", "properties", "required", "additionalProperties", "items", "prefixItems"),
        *("minItems", "maxItems", "anyOf", "description"),
    }
    if "anyOf" in schema:
        if all(list(problems(value, one)) for one in schema["anyOf"]):
            yield f"{place}: {value!r} is none of {schema['anyOf']}"
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{place}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not one of {schema['enum']}"
    if kind == "object":
        yield from object_problems(value, schema, place)
    if kind == "array":
        first = schema.get("prefixItems", [])
        for number, item in enumerate(value):
            of_item = first[number] if number < len(first) else schema.get("items", {})
            yield from problems(item, of_item, f"{place}[{number}]")
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{place}: {len(value)} items"


def object_problems(value: dict[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{place}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in properties:
            yield from problems(item, properties[name], f"{place}.{name}")
        elif others is False:
            yield f"{place}: {name} is not described"
        elif others is not True:
            yield from problems(item, others, f"{place}.{name}")


def test_every_route_is_described_and_none_that_is_not(app: Flask, description: dict[str, Any]) -> None:
    routes = {
        (path_of(rule), method.lower())
        for rule in described_rules(app)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in description["paths"].items() for method in methods} == routes
    assert set(OPERATIONS) == {path for path, _ in routes}
    for methods in description["paths"].values():
        for operation in methods.values():
            assert operation["summary"].endswith(".")


def test_operations_have_names_of_their_own(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for methods in description["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_it_is_served_as_yaml(client: FlaskClient, description: dict[str, Any]) -> None:
    answer = client.get("/api/v1/openapi.yaml")
    assert answer.mimetype == "application/yaml"
    assert yaml.safe_load(answer.text) == description


def test_what_the_routes_answer_is_as_described(client: FlaskClient, parts: Parts, description: dict[str, Any]) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    named = {"name": "job", "job": "shop", "target_id": parts.scrape.targets()[0].id}
    for path in sorted(set(OPERATIONS) - NOT_JSON - NOT_ASKED):
        for method, operation in description["paths"][path].items():
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            for question in QUESTIONS.get(path, ({},)):
                form = {"data" if method == "post" else "query_string": question}
                answer = client.open(path.format(**named), method=method.upper(), **form)
                assert answer.status_code == 200, (path, answer.text)
                assert (path, list(problems(answer.json, schema))) == (path, [])


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v1/series", "/api/cockpit/apps/nobody"])
def test_so_is_what_fails(client: FlaskClient, description: dict[str, Any], path: str) -> None:
    described = description["paths"][re.sub("nobody", "{job}", path)]["get"]
    schema = described["responses"]["default"]["content"]["application/json"]["schema"]
    answer = client.get(path)
    assert answer.status_code >= 400
    assert list(problems(answer.json, schema)) == []


def test_the_check_of_answers_finds_what_is_wrong() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
        "additionalProperties": False,
    }
    assert list(problems({"a": [1, None]}, schema)) == []
    assert len(list(problems({"a": [1, "x", True], "b": 1}, schema))) == 3
    assert list(problems({}, schema)) == ["$: a is missing"]
