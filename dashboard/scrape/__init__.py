"""Targets: which there are, when they are scraped, what became of it; collectors of this machine's own figures."""

from dashboard.scrape.errors import FetchError, Layer, ScrapeError, UnknownPoolError, UnknownTargetError
from dashboard.scrape.host import gpu_names, host_page
from dashboard.scrape.manager import ScrapeManager
from dashboard.scrape.status import BadLine, ScrapePool, TargetHealth, TargetMetadata, TargetStatus
from dashboard.scrape.ticker import Ticker

__all__ = [
    "BadLine",
    "FetchError",
    "Layer",
    "ScrapeError",
    "ScrapeManager",
    "ScrapePool",
    "TargetHealth",
    "TargetMetadata",
    "TargetStatus",
    "Ticker",
    "UnknownPoolError",
    "UnknownTargetError",
    "gpu_names",
    "host_page",
]
