"""The host strip: what this machine's own figures say, under the names of whichever exporter its system has."""

from __future__ import annotations

import math
from collections.abc import Callable
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
Ask = Callable[[str], Rows]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure of the host."""

    id: Annotated[str, "What is measured, which names the gauge among its sisters."]
    name: Annotated[str, "What is measured, as people call it."]
    value: Annotated[str, "The figure."]
    detail: Annotated[str, "What the figure is of, or nothing."]
    level: Annotated[str, "bad, warn or ok."]
    fill: Annotated[str, "How full the bar is, of 100; nothing where there is no bar."]
    url: Annotated[str, "The page that tells more, or nothing."] = ""


def ask_host(engine: Engine, target: Labels, interval: int, now: int) -> tuple[Gauge, ...]:
    """Return the gauges of the host target with these labels; what it does not tell has no gauge.

    Raises:
        PromqlError: a query could not be answered.
    """
    own = ",".join(f"{name}={quote(target.get(name))}" for name in ("job", "instance"))
    window = format_duration(rate_window(interval))

    def ask(query: str) -> Rows:
        vector = engine.instant(query.format(own=own, window=window), now).value
        assert isinstance(vector, Vector)  # noqa: S101 - every query here gives nothing else.
        rows = zip(vector.labels, vector.values.tolist(), strict=True)
        return [(labels, value) for labels, value in rows if math.isfinite(value)]

    cards = ask_cards(engine, now, own)
    return (*_cpu(ask), *_memory(ask), *_disk(ask), *_network(ask), *map(_gpu_gauge, cards))


def _cpu(ask: Ask) -> list[Gauge]:
    detail = "".join(text.count(int(value), "core") for _, value in ask(_CORES))
    return [_ratio_gauge("cpu", "CPU", value, detail) for _, value in ask(_CPU)[:1]]


def _memory(ask: Ask) -> list[Gauge]:
    totals = [value for _, value in ask(_MEMORY_TOTAL)]
    detail = f"of {text.size(totals[0])}" if totals else ""
    return [_ratio_gauge("memory", "Memory", value, detail) for _, value in ask(_MEMORY)[:1]]


def _disk(ask: Ask) -> list[Gauge]:
    fullest = max(ask(_DISK), key=lambda row: row[1], default=None)
    if fullest is None:
        return []
    labels, ratio = fullest
    return [_ratio_gauge("disk", "Disk", ratio, labels.get("mountpoint") or labels.get("volume"))]


def _network(ask: Ask) -> list[Gauge]:
    received, sent = ask(_RECEIVED), ask(_SENT)
    if not received or not sent:
        return []
    value = f"↓ {text.size(received[0][1])}/s"
    return [Gauge("network", "Network", value, f"↑ {text.size(sent[0][1])}/s", "ok", "")]


def _gpu_gauge(card: GpuCard) -> Gauge:
    detail = " · ".join(filter(None, (card.memory, card.temperature, card.model)))
    # A busy graphics card is no reason for alarm.
    return Gauge(f"gpu-{card.id}", card.name, card.utilization, detail, "ok", card.utilization_fill, urls.GPU)


def _ratio_gauge(key: str, name: str, ratio: float, detail: str) -> Gauge:
    level = "bad" if ratio >= _BAD else "warn" if ratio >= _WARN else "ok"
    # A busy processor is no reason for alarm; a full memory or disk is.
    calm = key == "cpu"
    fill = min(100.0, max(0.0, ratio * 100))
    return Gauge(key, name, text.percent(ratio), detail, "ok" if calm else level, f"{fill:.1f}")
