"""This machine as a target: its own figures, its processes and its graphics cards."""

from dashboard.scrape.host.gpu import gpu_names
from dashboard.scrape.host.page import host_page

__all__ = ["gpu_names", "host_page"]
