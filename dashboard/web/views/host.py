"""The host strip: what this machine's own figures say, under the names of whichever exporter its system has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels, quote
from dashboard.promql import Engine, Vector
from dashboard.web import urls
from dashboard.web.views import text
from dashboard.web.views.figures import rate_window
from dashboard.web.views.gpu import GpuCard, ask_cards

_WARN = 0.8
_BAD = 0.92

# Each figure is asked for under node_exporter's name, then under windows_exporter's; that of macOS is between them.
# Every selector is of one target; PromQL has no way to say so once.
_CPU = (
    'sum without (cpu, mode) (rate(node_cpu_seconds_total{{mode!~"idle|iowait",{own}}}[{window}])) / '
    'count without (cpu, mode) (node_cpu_seconds_total{{mode="idle",{own}}})'
    ' or 1 - avg without (core, mode) (rate(windows_cpu_time_total{{mode="idle",{own}}}[{window}]))'
)
_CORES = 'count(node_cpu_seconds_total{{mode="idle",{own}}}) or count(windows_cpu_time_total{{mode="idle",{own}}})'
_MEMORY = (
    "1 - node_memory_MemAvailable_bytes{{{own}}} / node_memory_MemTotal_bytes{{{own}}}"
    " or 1 - (node_memory_free_bytes{{{own}}} + node_memory_inactive_bytes{{{own}}}) / node_memory_total_bytes{{{own}}}"
    " or 1 - windows_memory_physical_free_bytes{{{own}}} / windows_memory_physical_total_bytes{{{own}}}"
)
_MEMORY_TOTAL = '{{__name__=~"node_memory_(MemTotal|total)_bytes|windows_memory_physical_total_bytes",{own}}}'
# Images that are full by nature are no disk that fills up.
_DISKS = 'fstype!~"tmpfs|ramfs|squashfs|iso9660|erofs"'
_DISK = (
    f"1 - node_filesystem_avail_bytes{{{{{_DISKS},{{own}}}}}} / node_filesystem_size_bytes{{{{{_DISKS},{{own}}}}}}"
    " or 1 - windows_logical_disk_free_bytes{{{own}}} / windows_logical_disk_size_bytes{{{own}}}"
)
_RECEIVED = (
    'sum(rate(node_network_receive_bytes_total{{device!~"lo|Loopback.*",{own}}}[{window}]))'
    " or sum(rate(windows_net_bytes_received_total{{{own}}}[{window}]))"
)
_SENT = (
    'sum(rate(node_network_transmit_bytes_total{{device!~"lo|Loopback.*",{own}}}[{window}]))'
    " or sum(rate(windows_net_bytes_sent_total{{{own}}}[{window}]))"
)

Rows = list[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure of the host."""

    id: Annotated[str, "What is measured, which names the gauge among its sisters."]
    name: Annotated[str, "What is measured, as people call it."]
    value: Annotated[str, "The figure."]
    value_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    detail: Annotated[str, "What the figure is of, or nothing."]
    detail_url: Annotated[str, "The page of the query of that, or nothing."]
    level: Annotated[str, "bad, warn or ok."]
    fill: Annotated[str, "How full the bar is, of 100; nothing where there is no bar."]
    url: Annotated[str, "The page that tells more, or nothing."] = ""


@dataclass(frozen=True, slots=True)
class _Host:
    """Asks about one target of the host."""

    engine: Engine
    own: str
    window: str
    now: int

    def rows(self, query: str) -> Rows:
        """Return the finite values of a query."""
        vector = self.engine.instant(self._whole(query), self.now).value
        assert isinstance(vector, Vector)  # noqa: S101 - every query here gives nothing else.
        rows = zip(vector.labels, vector.values.tolist(), strict=True)
        return [(labels, value) for labels, value in rows if math.isfinite(value)]

    def url(self, query: str) -> str:
        """Return the page of a query."""
        return urls.query(self._whole(query))

    def _whole(self, query: str) -> str:
        return query.format(own=self.own, window=self.window)


def ask_host(engine: Engine, target: Labels, interval: int, now: int) -> tuple[Gauge, ...]:
    """Return the gauges of the host target with these labels; what it does not tell has no gauge.

    Raises:
        PromqlError: a query could not be answered.
    """
    own = ",".join(f"{name}={quote(target.get(name))}" for name in ("job", "instance"))
    host = _Host(engine, own, format_duration(rate_window(interval)), now)
    cards = ask_cards(engine, now, own)
    return (*_cpu(host), *_memory(host), *_disk(host), *_network(host), *map(_gpu_gauge, cards))


def _cpu(host: _Host) -> list[Gauge]:
    cores = "".join(text.count(int(value), "core") for _, value in host.rows(_CORES))
    # A busy processor is no reason for alarm; a full memory or disk is.
    return [
        Gauge(
            id="cpu",
            name="CPU",
            value_url=host.url(_CPU),
            detail=cores,
            detail_url=host.url(_CORES),
            level="ok",
            **_ratio_fields(value),
        )
        for _, value in host.rows(_CPU)[:1]
    ]


def _memory(host: _Host) -> list[Gauge]:
    totals = [value for _, value in host.rows(_MEMORY_TOTAL)]
    return [
        Gauge(
            id="memory",
            name="Memory",
            value_url=host.url(_MEMORY),
            detail=f"of {text.size(totals[0])}" if totals else "",
            detail_url=host.url(_MEMORY_TOTAL),
            level=_level(value),
            **_ratio_fields(value),
        )
        for _, value in host.rows(_MEMORY)[:1]
    ]


def _disk(host: _Host) -> list[Gauge]:
    fullest = max(host.rows(_DISK), key=lambda row: row[1], default=None)
    if fullest is None:
        return []
    labels, ratio = fullest
    return [
        Gauge(
            id="disk",
            name="Disk",
            value_url=host.url(_DISK),
            detail=labels.get("mountpoint") or labels.get("volume"),
            detail_url="",
            level=_level(ratio),
            **_ratio_fields(ratio),
        )
    ]


def _network(host: _Host) -> list[Gauge]:
    received, sent = host.rows(_RECEIVED), host.rows(_SENT)
    if not received or not sent:
        return []
    value, detail = f"↓ {text.size(received[0][1])}/s", f"↑ {text.size(sent[0][1])}/s"
    return [Gauge("network", "Network", value, host.url(_RECEIVED), detail, host.url(_SENT), "ok", "")]


def _gpu_gauge(card: GpuCard) -> Gauge:
    detail = " · ".join(filter(None, (card.memory, card.temperature, card.model)))
    return Gauge(
        id=f"gpu-{card.id}",
        name=card.name,
        value=card.utilization,
        value_url=card.utilization_url,
        detail=detail,
        # There each of these figures has the page of its query.
        detail_url=urls.GPU,
        # A busy graphics card is no reason for alarm.
        level="ok",
        fill=card.utilization_fill,
        url=urls.GPU,
    )


def _level(ratio: float) -> str:
    return "bad" if ratio >= _BAD else "warn" if ratio >= _WARN else "ok"


def _ratio_fields(ratio: float) -> dict[str, str]:
    """Return the fields of a gauge that show a ratio."""
    return {"value": text.percent(ratio), "fill": f"{min(100.0, max(0.0, ratio * 100)):.1f}"}
