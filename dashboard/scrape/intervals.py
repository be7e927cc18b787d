"""How long the times between scrapes are, as a summary with quantiles (``targetIntervalLength`` in ``scrape.go``)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from prometheus_client.core import SummaryMetricFamily
from prometheus_client.registry import Collector

from dashboard.model.duration import format_go_duration

_NAME = "prometheus_target_interval_length_seconds"
_QUANTILES = (0.01, 0.05, 0.5, 0.9, 0.99)
_WINDOW = 600.0
_MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Lengths:
    """The lengths of one interval; the ``latest`` with the monotonic times when they were seen, in seconds."""

    count: int = 0
    total: float = 0.0
    latest: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))


class IntervalLengths(Collector):
    """Counts the times between scrapes for each interval; the quantiles are those of the last ten minutes.

    Of intervals with very many targets they are those of the last 10,000 scrapes.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lengths: dict[int, _Lengths] = {}

    def observe(self, interval: int, seconds: float) -> None:
        """Count the time since a target's scrape before; its interval is in milliseconds."""
        with self._lock:
            lengths = self._lengths.setdefault(interval, _Lengths())
            lengths.count += 1
            lengths.total += seconds
            lengths.latest.append((self._monotonic(), seconds))

    def collect(self) -> Iterator[SummaryMetricFamily]:
        """Return the summary."""
        family = SummaryMetricFamily(_NAME, "Times between scrapes.", labels=["interval"])
        with self._lock:
            for interval, lengths in self._lengths.items():
                name = format_go_duration(interval)
                for quantile, value in self._quantiles(lengths).items():
                    family.add_sample(_NAME, {"interval": name, "quantile": str(quantile)}, value)
                family.add_metric([name], lengths.count, lengths.total)
        yield family

    def _quantiles(self, lengths: _Lengths) -> dict[float, float]:
        since = self._monotonic() - _WINDOW
        recent = [seconds for seen, seconds in lengths.latest if seen >= since]
        values = np.quantile(recent, _QUANTILES).tolist() if recent else [float("nan")] * len(_QUANTILES)
        return dict(zip(_QUANTILES, values, strict=True))
