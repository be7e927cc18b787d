"""Exporters on this machine that nobody scrapes, each with a job to copy into the configuration."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from dashboard.scrape.exporters import Exporter
from dashboard.web.views import text

_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Offer:
    """One exporter that was found."""

    id: Annotated[str, "What listens there by default."]
    address: Annotated[str, "Where it was found."]
    job: Annotated[str, "An entry for scrape_configs."]


@dataclass(frozen=True, slots=True)
class Offers:
    """What was found when somebody looked."""

    message: Annotated[str, "What was found, in a sentence."]
    offers: Annotated[tuple[Offer, ...], "The exporters."]


def scraped_ports(scrape_urls: Iterable[str], own: int) -> set[int]:
    """Return the ports of this machine that are scraped, and that of this server."""
    found = {own}
    for url in scrape_urls:
        parts = urlsplit(url)
        if parts.hostname in _LOCAL:
            found.add(parts.port or (443 if parts.scheme == "https" else 80))
    return found


def make_offers(found: Sequence[Exporter], jobs: Collection[str]) -> Offers:
    """Put what was found into words; no job gets a name that is taken."""
    offers = tuple(Offer(each.name, f"localhost:{each.port}", _job(each, jobs)) for each in found)
    amount = text.count(len(offers), "port of an exporter", "ports of exporters")
    message = f"Found {amount} that nobody scrapes." if offers else "Found no exporter that is not scraped already."
    return Offers(message, offers)


def _job(exporter: Exporter, jobs: Collection[str]) -> str:
    name = exporter.job if exporter.job not in jobs else f"{exporter.job}-{exporter.port}"
    lines = [f"- job_name: {name}"]
    if exporter.path != "/metrics":
        lines.append(f"  metrics_path: {exporter.path}")
    if exporter.honor_labels:
        lines.append("  honor_labels: true")
    lines += ["  static_configs:", f"    - targets: [{json.dumps(f'localhost:{exporter.port}')}]"]
    return "".join(f"{line}\n" for line in lines)
