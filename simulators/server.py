"""The HTTP side of one app: ``/metrics``, ``/health``, ``/incident`` and ``/incidents``, on loopback only."""

from __future__ import annotations

import json
import math
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, ClassVar
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from simulators.exposition import app_registry, render
from simulators.guard import host_allowed, origin_allowed
from simulators.incidents import IncidentKind
from simulators.live import LiveApp
from simulators.loopback import ADDRESSES, PortTakenError, claim, lacks_ipv6
from simulators.model import App

DEFAULT_INCIDENT_S = 300
MAX_INCIDENT_S = 3600
_MAX_BODY = 4096
_MAX_CONNECTIONS = 64
# Longer than a usual scrape interval, so that a kept-alive connection lives from scrape to scrape.
_IDLE_TIMEOUT_S = 75.0


class RequestError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Site:
    """What the handlers of one app share."""

    live: LiveApp
    registry: CollectorRegistry
    clock: Callable[[], int]


class SiteServer:
    """The servers of one app on 127.0.0.1 and, where it exists, ::1. Port 0 takes a free one."""

    def __init__(self, app: App, port: int, *, seed: int, clock: Callable[[], int]) -> None:
        """Bind the sockets and begin to simulate; raises ``PortTakenError``."""
        live = LiveApp(app, seed, clock())
        self.site = Site(live, app_registry(live, clock), clock)
        self._servers = _bind(app, port, self.site)
        self.port = self._servers[0].server_port

    def start(self, poll: float = 1.0) -> None:
        """Serve in threads of its own, which look every ``poll`` seconds whether they shall end."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(poll,), daemon=True).start()

    def close(self) -> None:
        """End the threads, then the sockets. Requests that are being answered end with the process."""
        for server in self._servers:
            # A thread that went on would ask a closed socket for connections without a pause.
            server.shutdown()
            server.server_close()


def _bind(app: App, port: int, site: Site) -> list[_Server]:
    servers: list[_Server] = []
    for family, address in ADDRESSES:
        try:
            servers.append(_Server(family, address, servers[0].server_port if servers else port, site))
        except OSError as error:
            if lacks_ipv6(family, error):
                continue
            for server in servers:
                server.server_close()
            raise PortTakenError(app.name, port, error) from error
    return servers


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, family: socket.AddressFamily, address: str, port: int, site: Site) -> None:
        self.address_family = family
        self.site = site
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        claim(self.socket)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        # HTTPServer would ask the resolver for the name of the address, which can take seconds.
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "simulators"
    sys_version = ""
    timeout = _IDLE_TIMEOUT_S
    # A reply is one write, so that a kept-alive client does not wait for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    _ROUTES: ClassVar[dict[str, dict[str, Callable[[_Handler], None]]]] = {}

    def do_GET(self) -> None:
        self._dispatch("GET")

    def do_POST(self) -> None:
        self._dispatch("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write no access log."""

    def _dispatch(self, method: str) -> None:
        try:
            self._admit(method)
            handlers = self._ROUTES.get(urlsplit(self.path).path)
            if handlers is None:
                raise RequestError(HTTPStatus.NOT_FOUND, "There is no such page.")
            if method not in handlers:
                raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, f"Only {', '.join(handlers)} is answered here.")
            handlers[method](self)
        except RequestError as error:
            # What is left of a request that was not read to its end would be taken for the next one.
            self.close_connection = True
            self._json(error.status, {"detail": error.detail})

    def _admit(self, method: str) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not host_allowed(hosts[0]):
            raise RequestError(HTTPStatus.MISDIRECTED_REQUEST, "The Host header must be localhost or an IP address.")
        if method == "GET":
            return
        if not origin_allowed(self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site"), hosts[0]):
            raise RequestError(HTTPStatus.FORBIDDEN, "Changes are not taken from pages of other hosts.")

    def _metrics(self) -> None:
        if self._down():
            raise RequestError(HTTPStatus.SERVICE_UNAVAILABLE, "The app is in an outage.")
        accept, encodings = self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", "")
        body = render(self.server.site.registry, accept, encodings)
        self._reply(HTTPStatus.OK, body.content_type, body.content, body.encoding)

    def _health(self) -> None:
        down = self._down()
        status = HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
        self._json(status, {"status": "down" if down else "ok", "app": self.server.site.live.app.name})

    def _incidents(self) -> None:
        live = self.server.site.live
        with live.lock:
            left = live.left(self.server.site.clock())
        running = [{"kind": kind.value, "seconds_left": math.ceil(ms / 1000)} for kind, ms in left.items()]
        self._json(HTTPStatus.OK, {"app": live.app.name, "supported": _supported(live.app), "running": running})

    def _incident(self) -> None:
        site = self.server.site
        kind, seconds = incident_asked_for(self._body(), site.live.app)
        with site.live.lock:
            until_ms = site.live.start(kind, site.clock(), round(seconds * 1000))
        answer = {"app": site.live.app.name, "kind": kind.value, "seconds": seconds, "until_ms": until_ms}
        self._json(HTTPStatus.ACCEPTED, answer)

    def _down(self) -> bool:
        site = self.server.site
        with site.live.lock:
            return site.live.down(site.clock())

    def _body(self) -> bytes:
        if self.headers.get_content_type() != "application/json":
            raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "A Content-Length is needed.")
        if len(length) > 10 or int(length) > _MAX_BODY:
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {_MAX_BODY} bytes at most.")
        return self.rfile.read(int(length))

    def _json(self, status: HTTPStatus, answer: object) -> None:
        self._reply(status, "application/json", json.dumps(answer).encode(), None)

    def _reply(self, status: HTTPStatus, content_type: str, content: bytes, encoding: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        if encoding:
            self.send_header("Content-Encoding", encoding)
            self.send_header("Vary", "Accept, Accept-Encoding")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    _ROUTES.update(
        {
            "/metrics": {"GET": _metrics},
            "/health": {"GET": _health},
            "/incidents": {"GET": _incidents},
            "/incident": {"POST": _incident},
        }
    )


def incident_asked_for(body: bytes, app: App) -> tuple[IncidentKind, float]:
    """Return the kind and the seconds that a request's JSON asks for; raises ``RequestError`` (400)."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise _bad("The body is not JSON.") from None
    if not isinstance(asked, dict) or not asked.keys() <= {"kind", "seconds"}:
        raise _bad("The body must be an object with kind and seconds only.")
    return _kind(asked.get("kind"), app), _seconds(asked.get("seconds", DEFAULT_INCIDENT_S))


def _kind(value: object, app: App) -> IncidentKind:
    supported = _supported(app)
    if not isinstance(value, str) or value not in supported:
        raise _bad(f"The kind must be one that {app.name} knows: {', '.join(supported)}.")
    return IncidentKind(value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= MAX_INCIDENT_S:
        raise _bad(f"The seconds must be a number from 1 to {MAX_INCIDENT_S}.")
    return value


def _bad(detail: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, detail)


def _supported(app: App) -> list[str]:
    return [kind.value for kind in IncidentKind if kind in app.incidents]
