"""The table of the six apps."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.apps import (
    ai_deployer,
    ai_planner,
    ai_reviewer,
    chimera_inference,
    enterprise_assistant,
    wargaming,
)
from simulators.model import App

APPS: tuple[App, ...] = (
    ai_reviewer.APP,
    ai_planner.APP,
    ai_deployer.APP,
    chimera_inference.APP,
    wargaming.APP,
    enterprise_assistant.APP,
)


class UnknownAppError(ValueError):
    """An app was asked for that is not in the table."""


def app_named(name: str) -> App:
    """Return the app with a name; raises ``UnknownAppError``."""
    for app in APPS:
        if app.name == name:
            return app
    raise UnknownAppError(f"There is no app {name!r}; the apps are {', '.join(app.name for app in APPS)}.")


def apps_named(names: Iterable[str]) -> tuple[App, ...]:
    """Return the apps with these names in the table's order, or all where none is named; raises ``UnknownAppError``."""
    wanted = {app_named(name).name for name in names}
    return tuple(app for app in APPS if not wanted or app.name in wanted)
