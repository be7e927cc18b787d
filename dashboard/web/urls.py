"""The addresses of every page and of what the pages ask, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

OVERVIEW = "/"
ALERTS = "/alerts"
TARGETS = "/targets"
GPU = "/gpu"
EXPLORE = "/explore"
STATUS = "/status"
COUNT_API = "/api/cockpit/count"
OVERVIEW_API = "/api/cockpit/overview"
ALERTS_API = "/api/cockpit/alerts"
TARGETS_API = "/api/cockpit/targets"
GPU_API = "/api/cockpit/gpu"
STATUS_API = "/api/cockpit/status"
EXPLORE_API = "/api/cockpit/explore"
EXPORTERS_API = "/api/cockpit/exporters"


def app(job: str) -> str:
    """Return the page of an app, which is a scrape job."""
    return f"/apps/{quote(job, safe='')}"


def alerts_about(name: str) -> str:
    """Return the page of the alerts, filtered by an alert's name."""
    return f"{ALERTS}?q={quote(name, safe='')}"


def targets_about(instance: str) -> str:
    """Return the page of the targets, filtered by an address."""
    return f"{TARGETS}?q={quote(instance, safe='')}"


def targets_in(state: str, filter_text: str) -> str:
    """Return the page of the targets in one state, or in all where none is given, with what the reader looks for."""
    query = urlencode({name: value for name, value in (("state", state), ("q", filter_text)) if value})
    return f"{TARGETS}?{query}" if query else TARGETS


def target(target_id: str) -> str:
    """Return the page of one target."""
    return f"{TARGETS}/{quote(target_id, safe='')}"


def target_api(target_id: str) -> str:
    """Return what the page of one target polls."""
    return f"{TARGETS_API}/{quote(target_id, safe='')}"


def explore(parameters: Mapping[str, str]) -> str:
    """Return the page of a query; parameters without a value are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{EXPLORE}?{query}" if query else EXPLORE


def query(expr: str) -> str:
    """Return the page of a query's answer as a table, which shows the very figure that leads there."""
    return explore({"expr": expr})


def app_api(job: str) -> str:
    """Return what the page of an app polls."""
    return f"/api/cockpit/apps/{quote(job, safe='')}"


def incident_api(job: str) -> str:
    """Return where an incident is ordered from an app's simulator."""
    return f"/api/cockpit/incidents/{quote(job, safe='')}"


def scrape_api(target_id: str) -> str:
    """Return where a target is scraped at once."""
    return f"/api/cockpit/targets/{quote(target_id, safe='')}/scrape"


def favicon(firing: int) -> str:
    """Return the icon that shows how many alerts fire."""
    return f"/favicon.svg?firing={firing}"


def safe_link(address: str) -> str:
    """Return the address if a reader may be sent there: http, https or a path of ours; else the empty string.

    Annotations and labels come from outside; ``javascript:`` and its like must never become a link.
    """
    if any(character <= " " or character == "\\" for character in address):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https"):
        return address if parts.netloc else ""
    own_path = not parts.scheme and not parts.netloc and address.startswith("/")
    return address if own_path else ""
