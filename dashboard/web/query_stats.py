"""The parameter ``stats`` of queries, and what it is answered with (web/api/v1/api.go of Prometheus 3.14, util/stats).

``true`` asks for what a query has cost, ``all`` for the samples of each step, too. Anything else is taken for ``true``,
with the warning that Prometheus has for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from dashboard.promql import Phase, QueryStats
from dashboard.promql.literals import quote
from dashboard.web.go_format import shortest_timestamp
from dashboard.web.parameters import Parameters

_TRUE, _ALL = "true", "all"


@dataclass(frozen=True, slots=True)
class StatsWish:
    """The text of the parameter; an empty one asks for nothing."""

    text: str

    @classmethod
    def of(cls, given: Parameters) -> StatsWish:
        """Return what the parameters of a request ask for."""
        return cls(given.value_of("stats"))

    def __bool__(self) -> bool:
        return bool(self.text)

    @property
    def warnings(self) -> list[str]:
        """What Prometheus remarks on the parameter."""
        if self.text in ("", _TRUE, _ALL):
            return []
        return [
            f'value {quote(self.text)} for parameter "stats" is deprecated and will be rejected in the next major '
            f'release, use "{_TRUE}" or "{_ALL}"'
        ]

    def json(self, stats: QueryStats) -> bytes:
        """Write what a query has cost."""
        return orjson.dumps({"timings": _timings(stats), "samples": self._samples(stats)})

    def _samples(self, stats: QueryStats) -> dict[str, Any]:
        samples = {"totalQueryableSamples": stats.samples.total, "peakSamples": stats.peak_samples}
        if self.text != _ALL:
            return samples
        return {"totalQueryableSamplesPerStep": _per_step(stats), **samples}


def _timings(stats: QueryStats) -> dict[str, float]:
    timings = stats.timings
    phases = {phase.value: timings.of(phase) for phase in Phase}
    return {"evalTotalTime": timings.total - timings.of(Phase.QUEUE), **phases, "execTotalTime": timings.total}


def _per_step(stats: QueryStats) -> list[tuple[orjson.Fragment, int]]:
    counted = zip(stats.steps.tolist(), stats.samples.per_step.tolist(), strict=True)
    return [(orjson.Fragment(shortest_timestamp(step)), samples) for step, samples in counted]
