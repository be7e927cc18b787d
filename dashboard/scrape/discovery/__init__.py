"""Where targets come from: lists in the configuration, files, URLs and DNS records, each in a module of its own."""

from dashboard.scrape.discovery.discovery import Discovered, Discovery
from dashboard.scrape.discovery.group import TargetGroup

__all__ = ["Discovered", "Discovery", "TargetGroup"]
