"""The labels of a target's series: its own labels over those that the page gives."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.model.labels import METRIC_NAME, Labels

_EXPORTED = "exported_"


def series_labels(exposed: Mapping[str, str], target: Labels, *, honor_labels: bool) -> Labels:
    """Join the labels of a line with the target's (``mutateSampleLabels`` in ``scrape/scrape.go`` of Prometheus).

    Where both have a label, ``honor_labels`` keeps the line's, even an empty one; otherwise the line's value moves to
    ``exported_<name>``, or to the first such name that is free.
    """
    own = dict(target)
    if honor_labels:
        return Labels.of({**own, **exposed})
    joined = {**exposed, **own}
    if len(joined) < len(exposed) + len(own):
        for name in sorted(filter(exposed.get, own), key=len):
            moved = _EXPORTED + name
            while moved in joined:
                moved = _EXPORTED + moved
            joined[moved] = exposed[name]
    return Labels.of(joined)


def report_labels(metric: str, target: Labels) -> Labels:
    """Return the labels of a series that the server itself reports of a target, such as ``up``."""
    return Labels.of({**dict(target), METRIC_NAME: metric})
