"""The docs are held against the program: every route, command, option and setting is there, and nothing that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from dashboard import __version__
from dashboard.cli import main
from dashboard.settings import Settings, _Given
from dashboard.web import Parts, create_app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OUR_PATH = re.compile(r"`(/[^`\s]*)`")


def routes() -> set[str]:
    """Return the paths of the application as the docs write them, without static files and icons."""
    nothing: Any = None  # No part is asked while routes are registered.
    app = create_app(Parts(Settings(), *[nothing] * 7, clock=lambda: 0, ready=lambda: True))
    paths = {re.sub(r"<\w+:", "<", rule.rule) for rule in app.url_map.iter_rules()}
    return {path for path in paths if not path.startswith(("/static", "/favicon"))}


def documented_routes() -> set[str]:
    tables = README[README.index("## Pages") : README.index("## Commands")]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    return {path for row in rows for path in OUR_PATH.findall(row)}


def test_every_route_is_in_the_readme_and_none_that_is_not() -> None:
    assert documented_routes() == routes()


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        yield name, command


def test_every_command_is_in_the_readme_and_none_that_is_not() -> None:
    assert set(re.findall(r"\| `glass (\w+)`", README)) == {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_explains_itself(name: str, command: click.Command) -> None:
    assert command.help, name
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_every_setting_is_in_the_readme() -> None:
    missing = [name for name in (field.name for field in fields(_Given)) if f"`{name}`" not in README]
    assert not missing


def test_files_that_the_docs_name_are_there() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "dashboard/ARCHITECTURE.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = re.findall(r"`((?:dashboard|monitoring|scripts|simulators|tests)/[\w./-]*)`", text)
        missing = [path for path in named if not (ROOT / path).exists()]
        assert not missing, document


def test_pictures_are_there() -> None:
    assert all((ROOT / path).is_file() for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README))


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_yaml_in_the_readme_is_yaml(block: str) -> None:
    assert yaml.safe_load(block)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_in_the_readme_serves_metrics(block: str) -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(block, "README.md", "exec"), scope)  # noqa: S102 - it is our own text.
    page = scope["app"].test_client().get("/metrics").get_data(as_text=True)
    assert "answers_total" in page


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
