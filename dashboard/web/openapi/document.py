"""Joins routes, docstrings and tables into one description."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

import dashboard
from dashboard.web.openapi import cockpit, prometheus
from dashboard.web.openapi.operations import Operation
from dashboard.web.openapi.schemas import TEXT

OPERATIONS = {**prometheus.OPERATIONS, **cockpit.OPERATIONS}

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_OURS = "/api/cockpit/"
_PAGES = ("pages", "explore")
_FORM = "application/x-www-form-urlencoded"


def describe(app: Flask) -> dict[str, Any]:
    """Return the description of every route of an application but those of its pages.

    Raises:
        KeyError: a route is in no table.
    """
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(described_rules(app), key=lambda rule: rule.rule):
        path = path_of(rule)
        summary = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            described = _described(path, method, summary.partition("\n\n")[0])
            name = f"{method.lower()}_{rule.endpoint.replace('.', '_')}"
            paths.setdefault(path, {})[method.lower()] = {"operationId": name, **described}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Glass Cockpit", "version": dashboard.__version__},
        "servers": [{"url": "/"}],
        "paths": paths,
    }


def described_rules(app: Flask) -> Iterable[Rule]:
    """Return the routes that are no pages."""
    return (
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in _PAGES or rule.rule.startswith(_OURS)
    )


def path_of(rule: Rule) -> str:
    """Return a route's path as OpenAPI writes it: ``/label/{name}/values``."""
    return _VARIABLE.sub(r"{\1}", rule.rule)


def _described(path: str, method: str, summary: str) -> dict[str, Any]:
    operation = OPERATIONS[path]
    error = (cockpit if path.startswith(_OURS) else prometheus).error_answer()
    described: dict[str, Any] = {
        "summary": summary.replace("\n", " "),
        "parameters": [*_variables(path), *([] if _is_form(operation, method) else _parameters(operation))],
        "responses": {"200": _answer(operation), "default": error},
    }
    if body := _body(operation, method):
        described["requestBody"] = body
    return described


def _variables(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    return [parameter.described() for parameter in operation.parameters]


def _is_form(operation: Operation, method: str) -> bool:
    return method == "POST" and bool(operation.parameters)


def _body(operation: Operation, method: str) -> dict[str, Any]:
    if operation.body:
        return {"required": True, "content": {operation.body: {}}}
    if not _is_form(operation, method):
        return {}
    given = _parameters(operation)
    schema = {
        "type": "object",
        "required": [one["name"] for one in given if one["required"]],
        "properties": {one["name"]: one["schema"] for one in given},
    }
    return {"content": {_FORM: {"schema": schema}}}


def _answer(operation: Operation) -> dict[str, Any]:
    schema = {"schema": operation.answer} if operation.answer is not None else {"schema": TEXT}
    return {"description": "The answer.", "content": {operation.media_type: schema}}
