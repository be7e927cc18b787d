"""Who holds a port: asked when ours is taken, to name the process or to open the page that runs already."""

from __future__ import annotations

import http.client
import time

import orjson
import psutil

from dashboard.web.health import SERVICE

_SECONDS = 2.0
_LONGEST = 64 * 1024


def portholder(port: int) -> tuple[int, str] | None:
    """Return the process id and name of who listens on a TCP port; ``None`` where the system does not tell us."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr[1:]) == (port,)
            if listens and connection.pid:
                return connection.pid, psutil.Process(connection.pid).name()
    except psutil.Error:
        return None
    return None


def is_glass_cockpit(port: int) -> bool:
    """Say whether a Glass Cockpit answers on a port of this machine."""
    return any(_names_us(_health(address, port)) for address in ("127.0.0.1", "::1"))


def _health(address: str, port: int) -> bytes:
    """Return what ``/health`` answers, or nothing; a server that dawdles is given up."""
    connection = http.client.HTTPConnection(address, port, timeout=_SECONDS)
    end = time.monotonic() + _SECONDS
    body = b""
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        while time.monotonic() < end and len(body) < _LONGEST:
            piece = answer.read1(4096)
            if not piece:
                return body
            body += piece
    except (OSError, http.client.HTTPException):
        return b""
    finally:
        connection.close()
    return b""


def _names_us(body: bytes) -> bool:
    try:
        report = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(report, dict) and report.get("service") == SERVICE
