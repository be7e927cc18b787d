"""Exporters on this machine that nobody scrapes yet, found by their well-known ports.

A port is tried by connecting to it and nothing more: no request is sent, so nothing is scraped unasked. What listens
there may be something else; people see that before they copy the job.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Exporter:
    """A program that serves metrics, on the port that it takes by default."""

    port: int
    name: str
    job: str
    path: str = "/metrics"
    honor_labels: bool = False


# From the list of default port allocations of Prometheus's wiki, and from what programs with metrics of their own say.
EXPORTERS = (
    Exporter(2019, "Caddy", "caddy"),
    Exporter(3000, "Grafana", "grafana"),
    Exporter(8000, "vLLM", "vllm"),
    Exporter(8080, "cAdvisor", "cadvisor"),
    Exporter(8888, "OpenTelemetry Collector", "otel-collector"),
    Exporter(9090, "Prometheus", "prometheus"),
    Exporter(9091, "Pushgateway", "pushgateway", honor_labels=True),
    Exporter(9093, "Alertmanager", "alertmanager"),
    Exporter(9100, "node_exporter", "node"),
    Exporter(9104, "mysqld_exporter", "mysql"),
    Exporter(9113, "nginx-prometheus-exporter", "nginx"),
    Exporter(9115, "blackbox_exporter", "blackbox"),
    Exporter(9117, "apache_exporter", "apache"),
    Exporter(9121, "redis_exporter", "redis"),
    Exporter(9150, "memcached_exporter", "memcached"),
    Exporter(9182, "windows_exporter", "windows"),
    Exporter(9187, "postgres_exporter", "postgres"),
    Exporter(9216, "mongodb_exporter", "mongodb"),
    Exporter(9256, "process-exporter", "process"),
    Exporter(9308, "kafka_exporter", "kafka"),
    Exporter(9323, "Docker", "docker"),
    Exporter(9400, "dcgm-exporter", "dcgm"),
    Exporter(9419, "rabbitmq_exporter", "rabbitmq-exporter"),
    Exporter(9835, "nvidia_gpu_exporter", "nvidia-gpu"),
    Exporter(15692, "RabbitMQ", "rabbitmq"),
)


def find_exporters(
    known_ports: Collection[int], exporters: Iterable[Exporter] = EXPORTERS, *, seconds: float = _SECONDS
) -> list[Exporter]:
    """Return the exporters whose ports take connections on loopback, but for ports that are known already.

    All are tried at once, for so many seconds at most.
    """
    wanted = [exporter for exporter in exporters if exporter.port not in known_ports]
    with selectors.DefaultSelector() as waiting:
        for exporter in wanted:
            for family, address in _LOOPBACK:
                _begin(waiting, family, (address, exporter.port))
        found = _connected(waiting, time.monotonic() + seconds)
    return [exporter for exporter in wanted if exporter.port in found]


def _begin(waiting: selectors.BaseSelector, family: socket.AddressFamily, address: tuple[str, int]) -> None:
    try:
        tried = socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # A machine without IPv6.
        return
    tried.setblocking(False)
    tried.connect_ex(address)
    waiting.register(tried, selectors.EVENT_WRITE, address[1])


def _connected(waiting: selectors.BaseSelector, deadline: float) -> set[int]:
    found = set()
    try:
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                tried = key.fileobj
                assert isinstance(tried, socket.socket)  # noqa: S101 - nothing else was registered.
                if tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.add(key.data)
                waiting.unregister(tried)
                tried.close()
    finally:
        for key in list(waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return found
