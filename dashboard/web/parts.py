"""What the handlers may ask: one record, handed to :func:`dashboard.web.app.create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from dashboard.database import Database
    from dashboard.promql import Engine
    from dashboard.reload import Reloader
    from dashboard.rules.manager import RuleManager
    from dashboard.scrape import ScrapeManager
    from dashboard.settings import Settings
    from dashboard.storage import Storage

_KEY = "glass-cockpit"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the server, as ``cockpit.py`` has built them."""

    settings: Settings
    storage: Storage
    engine: Engine
    scrape: ScrapeManager
    rules: RuleManager
    database: Database
    reloader: Reloader
    registry: CollectorRegistry
    clock: Callable[[], int]
    """The time now, in milliseconds since 1970."""
    ready: Callable[[], bool]
    """Whether the store is open."""


def parts() -> Parts:
    """Return the parts that the running application was made with."""
    found: Parts = current_app.extensions[_KEY]
    return found


def keep_parts(extensions: dict[str, object], given: Parts) -> None:
    """Remember the parts where :func:`parts` finds them."""
    extensions[_KEY] = given
