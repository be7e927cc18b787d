"""The HTTP server: Prometheus's API, health, our own JSON and the pages, behind one guard."""

from dashboard.web.app import create_app
from dashboard.web.metrics import metrics_page
from dashboard.web.parts import Parts
from dashboard.web.port import is_glass_cockpit, portholder
from dashboard.web.server import Server
from dashboard.web.sockets import BindError, PortTakenError, bind

__all__ = [
    "BindError",
    "Parts",
    "PortTakenError",
    "Server",
    "bind",
    "create_app",
    "is_glass_cockpit",
    "metrics_page",
    "portholder",
]
